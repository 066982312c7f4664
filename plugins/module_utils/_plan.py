# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Current and desired state -> ordered steps. Pure functions: no input or output, no clock.

Everything that a task reports (changed, diff, what check mode predicts, what is returned) comes from the plan made here.

The order of the steps, and why:

1. The service is added or edited. If the kernel refuses it (an unknown scheduler), nothing else has been touched.
2. Destinations that stay where they are get their new values, except those that stop taking connections.
3. Destinations are added and moved, from the last to the first: the kernel knows one place to add, the head of the
   list, which is tried first. To move is to delete and to add again; the kernel keeps the connections of a deleted
   destination and gives them back. What already stands in order at the end of the list stays: since everything else
   can only come to stand before it, this moves as few as possible.
4. Only then destinations lose their weight, and
5. only then destinations go that are not wanted any more. Steps 4 and 5 are the plan's second phase: they are sent when
   the kernel has accepted all of the first.

So a service that has an eligible destination (weight above 0) before and after has one all the time, and what can be
edited is never deleted. The one exception is told by ``PlannedService.gap``: the only destination that is ever eligible
has to move itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._desired import DesiredDestination, DesiredService
from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
    canonical_destination,
    canonical_service,
)
from ansible_collections.lvs.director.plugins.module_utils._rules import check_place, check_service, check_values
from ansible_collections.lvs.director.plugins.module_utils._steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Step,
)

# What the classes do, without being asked a hundred thousand times how they do it.
_make = tuple.__new__
# What a destination starts from, its name apart.
_NEW = Destination(DestinationKey(b"", 0))[1:]

# Schedulers that walk the list from its head, or fill a table of buckets by walking it.
ORDERED_SCHEDULERS = frozenset({"test", "mh", "sh", "dh"})


class PlannedService(NamedTuple):
    """What is going to happen to one service."""

    key: ServiceKey
    before: Optional[Entry]
    after: Optional[Entry]
    phases: tuple[tuple[Step, ...], tuple[Step, ...]]
    gap: bool = False  # for a moment no destination is eligible

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return any(self.phases)


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
    after = _after(current, desired, merger or Merger())
    if current is not None and after == current:
        return PlannedService(desired.key, current, current, ((), ()))
    return transition(desired.key, current, after)


def _after(current: Optional[Entry], desired: DesiredService, merger: Merger) -> Optional[Entry]:
    """Return the service as it is to become: what was given, laid over what there is."""
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
    if not present:
        return Entry(service, _new_destinations(service, desired.destinations, merger))
    return Entry(service, _destinations_after(service, present, desired, merger))


def _new_destinations(
    service: Service, listed: Sequence[DesiredDestination], merger: Merger
) -> tuple[Destination, ...]:
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
        put_first, _staying = _split_moved(list(listed), [one.key for one in kept])
    else:
        put_first = [key for key in listed if key not in before]
    moved = set(put_first)
    return tuple([listed[key] for key in put_first] + [one for one in kept if one.key not in moved])


def _split_moved(wanted: Sequence[DestinationKey], present: Sequence[DestinationKey]) -> tuple[list[DestinationKey], list[DestinationKey]]:
    """Split an order into the part that has to be put before the list, and the longest end of it that can stay."""
    place = {key: index for index, key in enumerate(present)}
    split, limit = len(wanted), len(present)
    while split and place.get(wanted[split - 1], limit) < limit:
        split -= 1
        limit = place[wanted[split]]
    return list(wanted[:split]), list(wanted[split:])


def transition(key: ServiceKey, before: Optional[Entry], after: Optional[Entry]) -> PlannedService:
    """Return the steps from one state of a service to another one, destinations in exactly the order of ``after``."""
    if after is None:
        gone: tuple[Step, ...] = (DeleteService(key),) if before else ()
        return PlannedService(key, before, None, ((), gone))
    first: list[Step] = []
    if before is None:
        first.append(AddService(after.service))
    elif before.service != after.service:
        first.append(EditService(after.service))
    if before is None or not before.destinations:
        added = [_make(AddDestination, (key, one)) for one in reversed(after.destinations)]
        return PlannedService(key, before, after, ((*first, *added), ()))
    rest = _Destinations(key, before.destinations, after.destinations)
    rest.run()
    return PlannedService(key, before, after, (tuple(first + rest.first), tuple(rest.second)), rest.gap)


class _Destinations:
    """Works out the steps for one service's destinations, following what the kernel's list is at each point."""

    def __init__(self, service: ServiceKey, before: tuple[Destination, ...], after: tuple[Destination, ...]) -> None:
        self._service = service
        self._before = {one.key: one for one in before}
        self._after = {one.key: one for one in after}
        self._now: dict[DestinationKey, Destination] = dict(self._before)
        self._order = [one.key for one in before]
        self.first: list[Step] = []
        self.second: list[Step] = []
        self.gap = False

    def run(self) -> None:
        """Fill in the steps."""
        moved, staying = _split_moved(list(self._after), [key for key in self._order if key in self._after])
        for key in staying:
            if self._after[key].weight or not self._now[key].weight:
                self._edit(key, self._after[key], self.first)
        for key in reversed(moved):
            if key in self._now:
                self._move(key)
            else:
                self._add(self._after[key])
        for key in self._after:
            self._edit(key, self._after[key], self.second)
        for key in self._order:
            if key not in self._after:
                self.second.append(DeleteDestination(self._service, key))

    def _edit(self, key: DestinationKey, destination: Destination, steps: list[Step]) -> None:
        if self._now[key] != destination:
            steps.append(EditDestination(self._service, destination))
            self._now[key] = destination

    def _add(self, destination: Destination) -> None:
        self.first.append(AddDestination(self._service, destination))
        self._now[destination.key] = destination

    def _move(self, key: DestinationKey) -> None:
        old, new = self._now[key], self._after[key]
        if old.weight and not self._others_eligible(key):
            self._find_stand_in(key)
        self.first.append(DeleteDestination(self._service, key))
        # It keeps its weight until the others are in place.
        self._add(new if new.weight or not old.weight else new._replace(weight=old.weight))

    def _others_eligible(self, key: DestinationKey) -> bool:
        return any(one.weight for other, one in self._now.items() if other != key)

    def _find_stand_in(self, key: DestinationKey) -> None:
        """Make another destination eligible before the only eligible one is moved: one that will be so in the end."""
        for other, destination in self._after.items():
            if other != key and destination.weight:
                if other in self._now:
                    self._edit(other, destination, self.first)
                else:
                    # Its place is not here: it is moved when its turn comes.
                    self._add(destination)
                return
        if any(one.weight for one in self._after.values()):
            self.gap = True
