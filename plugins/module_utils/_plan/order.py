# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Order the steps that take a service from one state to another. Pure functions: no I/O, no clock.

1. Add or edit the service. If the kernel refuses (unknown scheduler), nothing else has changed yet.
2. Edit the destinations that keep their place, except those whose weight drops to 0.
3. Add and move destinations, last one first: the kernel adds only at the head of the list, which the scheduler tries first.
   A move is a delete and an add; the kernel keeps the connections of the deleted destination and hands them back. The longest
   tail already in order stays put, which keeps the number of moves minimal.
4. Set weights to 0.
5. Delete unwanted destinations. Steps 4 and 5 are the plan's second phase, sent once the kernel has accepted the first.

A service with an eligible destination (weight above 0, neither drained nor held) before and after therefore has one throughout, and
nothing that can be edited is deleted. The exception, ``PlannedService.interrupted``, is a service whose only eligible destination has
to move. ``service`` refuses to plan that; only undoing a refused plan may need it.
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

# Bypasses the constructor of the named tuples, which is slow a hundred thousand times over.
_make = tuple.__new__


def split_moved(wanted: Sequence[DestinationKey], present: Sequence[DestinationKey]) -> tuple[list[DestinationKey], list[DestinationKey]]:
    """Split the wanted order into the destinations to add or move, and the longest tail that can stay."""
    place = {key: index for index, key in enumerate(present)}
    split, limit = len(wanted), len(present)
    while split and place.get(wanted[split - 1], limit) < limit:
        split -= 1
        limit = place[wanted[split]]
    return list(wanted[:split]), list(wanted[split:])


def transition(key: ServiceKey, before: Optional[Entry], after: Optional[Entry]) -> PlannedService:
    """Return the steps from one state of a service to another, with destinations in exactly the order of ``after``."""
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
    """Computes the steps for one service's destinations, tracking the kernel's list after each."""

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
            if self._after[key].effective_weight or not self._now[key].effective_weight:
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
        if old.effective_weight and not self._others_eligible(key):
            self._add_another_eligible(key)
        self.first.append(DeleteDestination(self._service, key))
        # Keep its old weight until the others are in place.
        keeps = old.effective_weight and not new.effective_weight
        self._add(new._replace(weight=old.weight, drained=False, held=False, share=old.share) if keeps else new)

    def _others_eligible(self, key: DestinationKey) -> bool:
        return any(destination.effective_weight for other, destination in self._now.items() if other != key)

    def _add_another_eligible(self, key: DestinationKey) -> None:
        """Make another destination eligible before the only eligible one moves; pick one that stays eligible."""
        for other, destination in self._after.items():
            if other != key and destination.effective_weight:
                if other in self._now:
                    self._edit(other, destination, self.first)
                else:
                    # Not its final place: it moves when its turn comes.
                    self._add(destination)
                return
        if any(destination.effective_weight for destination in self._after.values()):
            self.interrupted = key
