# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Plan one service: merge the task's values into the kernel's entry, and compute the steps.

Everything a task reports (changed, diff, check mode's prediction, return values) comes from this plan. ``order`` makes the steps;
a service that needs no change has none.
"""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, Given, PlannedService
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError, IpvsMissingError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    canonical_destination,
    canonical_service,
)
from ansible_collections.lvs.director.plugins.module_utils._plan.validate import PLAIN_METHODS, check_service, check_values

# Bypass the constructors, which are slow a hundred thousand times over.
_make = tuple.__new__
# The values of a new destination, without its key.
_NEW = Destination(DestinationKey(b"", 0))[1:]

# Schedulers that try the list from its head, or fill a table of buckets in its order.
_TUNNEL_OPTIONS = frozenset({"tunnel_type", "tunnel_port", "tunnel_flags"})
ORDERED_SCHEDULERS = frozenset({"test", "mh", "sh", "dh"})


class Merger:
    """Merges the task's values into destinations, once for equal ones, and collects the warnings."""

    def __init__(self, warnings: Optional[list[str]] = None) -> None:
        self.warnings: list[str] = [] if warnings is None else warnings
        self._values: dict[tuple[Given, tuple[Any, ...]], tuple[Any, ...]] = {}

    def merge(self, desired: DesiredDestination, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the merged values of a destination, without its key.

        :param values: its current values, without its key.
        :raises IpvsInputError: the values contradict each other.
        """
        known = desired.given, values
        merged = self._values.get(known)
        if merged is None:
            new = Destination(desired.key, *values)._replace(**desired.given)
            check_values(desired, new)
            if new.forward_method == "tunnel" or not _TUNNEL_OPTIONS.isdisjoint(desired.given):
                from ansible_collections.lvs.director.plugins.module_utils._plan.validate_forwarding import check_tunnel  # noqa: PLC0415 (compiled only where it is used)

                check_tunnel(desired, new)
            merged = self._values[known] = canonical_destination(new)[1:]
        return merged


def plan_service(current: Optional[Entry], desired: DesiredService, merger: Optional[Merger] = None) -> PlannedService:
    """Plan a service.

    :param current: the service in the kernel, None if there is none.
    :param merger: shared by all services of a plan.
    :raises IpvsInputError: the requested state is impossible.
    """
    after = plan_entry(current, desired, merger)
    if current is not None and after == current:
        return PlannedService(desired.key, current, current, ((), ()))
    # Imported only for a change: a target compiles every module that a task imports.
    from ansible_collections.lvs.director.plugins.module_utils._plan.order import transition  # noqa: PLC0415 (compiled only where it is used)

    planned = transition(desired.key, current, after)
    if planned.interrupted is not None:
        raise _interruption_error(desired, planned.interrupted)
    return planned


def _interruption_error(desired: DesiredService, key: DestinationKey) -> IpvsInputError:
    path = next((destination.path for destination in desired.destinations or () if destination.key == key), desired.path)
    return IpvsInputError(
        path,
        f"{key} is the only destination of service {desired.key} that has a weight, and would have to be taken out for a moment to come to"
        " this place: there would be none for new connections. Give another one a weight first, or list this one last until then",
    )


def plan_entry(current: Optional[Entry], desired: DesiredService, merger: Optional[Merger] = None) -> Optional[Entry]:
    """Merge the task's values into the current service. Makes no steps.

    :param current: the service in the kernel, None if there is none.
    :param merger: shared by all services of a plan.
    :raises IpvsInputError: the requested state is impossible.
    """
    if not desired.present:
        return None
    if current is None and desired.must_exist:
        if any(destination.present for destination in desired.destinations or ()):
            raise IpvsMissingError(desired.path, f"there is no service {desired.key}: add it first, with ipvs_service")
        return None
    merger = merger or Merger()
    service = current.service if current else Service(desired.key)
    if not desired.must_exist:
        if desired.given or current is None:
            service = canonical_service(service._replace(**desired.given))
        check_service(desired, service, merger.warnings)
    present = current.destinations if current else ()
    if desired.destinations is None:
        return Entry(service, present)
    if not present:
        return Entry(service, _new_destinations(service, desired, merger))
    return Entry(service, _destinations_after(service, present, desired, merger))


def _new_destinations(service: Service, desired: DesiredService, merger: Merger) -> tuple[Destination, ...]:
    """Return the destinations of a service that has none yet."""
    from ansible_collections.lvs.director.plugins.module_utils._plan.validate_forwarding import check_place  # noqa: PLC0415 (compiled only where it is used)

    found = []
    given: object = None
    values: tuple[Any, ...] = ()
    for destination in desired.destinations or ():
        if destination.present:
            if destination.given is not given:
                given, values = destination.given, merger.merge(destination, _NEW)
            new: Destination = _make(Destination, (destination.key, *values))
            check_place(destination, service, None, new, desired.strict, merger.warnings)
            found.append(new)
    return tuple(found)


def _destinations_after(
    service: Service, present: tuple[Destination, ...], desired: DesiredService, merger: Merger
) -> tuple[Destination, ...]:
    before = {destination.key: destination for destination in present}
    listed: dict[DestinationKey, Destination] = {}
    unwanted = set()
    port, strict, warnings = service.key.port, desired.strict, merger.warnings
    # Most equal the previous one.
    last: tuple[object, tuple[Any, ...], tuple[Any, ...]] = None, (), ()
    for destination in desired.destinations or ():
        key = destination.key
        if not destination.present:
            unwanted.add(key)
            continue
        old = before.get(key)
        values = _NEW if old is None else old[1:]
        if destination.given is last[0] and values == last[1]:
            merged = last[2]
        else:
            merged = merger.merge(destination, values)
            last = destination.given, values, merged
        if old is not None and merged == values:
            listed[key] = old
            if (key[1] != port or values[0] not in PLAIN_METHODS) and "forward_method" in destination.given:
                from ansible_collections.lvs.director.plugins.module_utils._plan.validate_forwarding import check_odd_place  # noqa: PLC0415 (compiled only where it is used)

                check_odd_place(destination, service, old, strict, warnings)
            continue
        new = _make(Destination, (key, *merged))
        from ansible_collections.lvs.director.plugins.module_utils._plan.validate_forwarding import check_place  # noqa: PLC0415 (compiled only where it is used)

        check_place(destination, service, old, new, strict, warnings)
        listed[key] = new
    ordered = service.scheduler in ORDERED_SCHEDULERS if desired.ordered is None else desired.ordered
    if listed == before and not unwanted and (not ordered or list(listed) == list(before)):
        return present
    kept = [
        listed.get(destination.key, destination)
        for destination in present
        if destination.key in listed or not (desired.exclusive or destination.key in unwanted)
    ]
    if ordered:
        from ansible_collections.lvs.director.plugins.module_utils._plan.order import split_moved  # noqa: PLC0415 (compiled only where it is used)

        put_first, _staying = split_moved(list(listed), [destination.key for destination in kept])
    else:
        put_first = [key for key in listed if key not in before]
    moved = set(put_first)
    return tuple([listed[key] for key in put_first] + [destination for destination in kept if destination.key not in moved])
