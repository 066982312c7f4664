# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Current and desired state -> what a service is to become. Pure functions: no input or output, no clock.

Everything that a task reports (changed, diff, what check mode predicts, what is returned) comes from the plan made here.
The steps that lead there are ``order``'s; a service that is as it is to be has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    canonical_destination,
    canonical_service,
)
from ansible_collections.lvs.director.plugins.module_utils._plan.planned_service import PlannedService
from ansible_collections.lvs.director.plugins.module_utils._plan.validate import check_place, check_service, check_values

# What the classes do, without being asked a hundred thousand times how they do it.
_make = tuple.__new__
# What a destination starts from, its name apart.
_NEW = Destination(DestinationKey(b"", 0))[1:]

# Schedulers that walk the list from its head, or fill a table of buckets by walking it.
ORDERED_SCHEDULERS = frozenset({"test", "mh", "sh", "dh"})


class Merger:
    """Lays what was given over what destinations have. Where both are the same as before, so is what they come to."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, tuple[Any, ...]], tuple[Any, ...]] = {}

    def merge(self, desired: DesiredDestination, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return all that a destination would become, its name apart.

        :param values: all that it is, its name apart.
        :raises IpvsInputError: what it would become does not go together.
        """
        # By identity: what was given is the same object where the same was given, and lives as long as this does.
        known = id(desired.given), values
        merged = self._values.get(known)
        if merged is None:
            new = Destination(desired.key, *values)._replace(**desired.given)
            check_values(desired, new)
            merged = self._values[known] = canonical_destination(new)[1:]
        return merged


def plan_service(current: Optional[Entry], desired: DesiredService, merger: Optional[Merger] = None) -> PlannedService:
    """Return what has to happen to a service.

    :param current: the service as the kernel has it, None if it has none of that name.
    :param merger: the one of other services that are planned together with this one.
    :raises IpvsInputError: what is asked for cannot be.
    """
    after = plan_entry(current, desired, merger)
    if current is not None and after == current:
        return PlannedService(desired.key, current, current, ((), ()))
    # A task compiles on its target all that it imports: not where nothing is to be done.
    from ansible_collections.lvs.director.plugins.module_utils._plan.order import transition  # noqa: PLC0415 (compiled only where it is used)

    planned = transition(desired.key, current, after)
    if planned.gap is not None:
        raise _gap_error(desired, planned.gap)
    return planned


def _gap_error(desired: DesiredService, key: DestinationKey) -> IpvsInputError:
    path = next((one.path for one in desired.destinations or () if one.key == key), desired.path)
    return IpvsInputError(
        path,
        f"{key} is the only destination of service {desired.key} that has a weight, and would have to be taken out for a moment to come to"
        " this place: there would be none for new connections. Give another one a weight first, or list this one last until then",
    )


def plan_entry(current: Optional[Entry], desired: DesiredService, merger: Optional[Merger] = None) -> Optional[Entry]:
    """Return the service as it is to become: what was given, laid over what there is. How to get there is not looked at.

    :param current: what there is, None if there is no service of that name.
    :param merger: the one of other services that are planned together with this one.
    :raises IpvsInputError: what is asked for cannot be.
    """
    if not desired.present:
        return None
    if current is None and desired.must_exist:
        if any(one.present for one in desired.destinations or ()):
            raise IpvsInputError(desired.path, f"there is no service {desired.key}: add it first, with ipvs_service")
        return None
    service = current.service if current else Service(desired.key)
    if desired.given or current is None:
        service = canonical_service(service._replace(**desired.given))
        check_service(desired, service)
    present = current.destinations if current else ()
    if desired.destinations is None:
        return Entry(service, present)
    merger = merger or Merger()
    if not present:
        return Entry(service, _new_destinations(service, desired.destinations, merger))
    return Entry(service, _destinations_after(service, present, desired, merger))


def _new_destinations(service: Service, listed: Sequence[DesiredDestination], merger: Merger) -> tuple[Destination, ...]:
    """Return the destinations of a service that has none."""
    found = []
    given: object = None
    values: tuple[Any, ...] = ()
    for one in listed:
        if one.present:
            if one.given is not given:
                given, values = one.given, merger.merge(one, _NEW)
            new: Destination = _make(Destination, (one.key, *values))
            check_place(one, service, None, new)
            found.append(new)
    return tuple(found)


def _destinations_after(
    service: Service, present: tuple[Destination, ...], desired: DesiredService, merger: Merger
) -> tuple[Destination, ...]:
    before = {one.key: one for one in present}
    listed: dict[DestinationKey, Destination] = {}
    unwanted = set()
    for one in desired.destinations or ():
        key = one.key
        if not one.present:
            unwanted.add(key)
            continue
        old = before.get(key)
        values = _NEW if old is None else old[1:]
        merged = merger.merge(one, values)
        if old is not None and merged == values:
            listed[key] = old
            continue
        new = _make(Destination, (key, *merged))
        check_place(one, service, old, new)
        listed[key] = new
    ordered = service.scheduler in ORDERED_SCHEDULERS if desired.ordered is None else desired.ordered
    if listed == before and not unwanted and (not ordered or list(listed) == list(before)):
        return present
    kept = [listed.get(one.key, one) for one in present if one.key in listed or not (desired.exclusive or one.key in unwanted)]
    if ordered:
        from ansible_collections.lvs.director.plugins.module_utils._plan.order import split_moved  # noqa: PLC0415 (compiled only where it is used)

        put_first, _staying = split_moved(list(listed), [one.key for one in kept])
    else:
        put_first = [key for key in listed if key not in before]
    moved = set(put_first)
    return tuple([listed[key] for key in put_first] + [one for one in kept if one.key not in moved])
