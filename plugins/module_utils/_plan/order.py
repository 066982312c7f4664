# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Two states of a service -> the ordered steps from one to the other. Pure functions: no input or output, no clock.

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
edited is never deleted. The one exception is told by ``PlannedService.interrupted``: the only destination that is ever eligible
has to move itself. Nobody may ask for that (``service`` refuses it); a refused plan that is undone has no choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import PlannedService
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Step,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Entry, ServiceKey

# What the class does, without being asked a hundred thousand times how it does it.
_make = tuple.__new__


def split_moved(wanted: Sequence[DestinationKey], present: Sequence[DestinationKey]) -> tuple[list[DestinationKey], list[DestinationKey]]:
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
        added = [_make(AddDestination, (key, destination)) for destination in reversed(after.destinations)]
        return PlannedService(key, before, after, ((*first, *added), ()))
    rest = _Destinations(key, before.destinations, after.destinations)
    rest.run()
    return PlannedService(key, before, after, (tuple(first + rest.first), tuple(rest.second)), rest.interrupted)


class _Destinations:
    """Works out the steps for one service's destinations, following what the kernel's list is at each point."""

    def __init__(self, service: ServiceKey, before: tuple[Destination, ...], after: tuple[Destination, ...]) -> None:
        self._service = service
        self._before = {destination.key: destination for destination in before}
        self._after = {destination.key: destination for destination in after}
        self._now: dict[DestinationKey, Destination] = dict(self._before)
        self._order = [destination.key for destination in before]
        self.first: list[Step] = []
        self.second: list[Step] = []
        self.interrupted: Optional[DestinationKey] = None

    def run(self) -> None:
        """Fill in the steps."""
        moved, staying = split_moved(list(self._after), [key for key in self._order if key in self._after])
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
            self._add_another_eligible(key)
        self.first.append(DeleteDestination(self._service, key))
        # It keeps its weight until the others are in place.
        self._add(new if new.weight or not old.weight else new._replace(weight=old.weight))

    def _others_eligible(self, key: DestinationKey) -> bool:
        return any(destination.weight for other, destination in self._now.items() if other != key)

    def _add_another_eligible(self, key: DestinationKey) -> None:
        """Make another destination eligible before the only eligible one is moved: one that will be so in the end."""
        for other, destination in self._after.items():
            if other != key and destination.weight:
                if other in self._now:
                    self._edit(other, destination, self.first)
                else:
                    # Its place is not here: it is moved when its turn comes.
                    self._add(destination)
                return
        if any(destination.weight for destination in self._after.values()):
            self.interrupted = key
