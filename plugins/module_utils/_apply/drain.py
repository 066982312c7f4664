# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Drain destinations: take them out of service without losing their connections. (``destination`` brings them back.)

Mark them as drained, which gives them weight 0 in the kernel, wait until their connections have ended, then keep or remove them. Their
values are saved before the first change, so an interrupted task can be run again and continues. The lock is held for the changes, not
while waiting.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._apply.destination import changed, find
from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome, converge, converge_locked, read_desired
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.drain import Drain
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsInputError, IpvsMissingError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationCounters,
    DestinationKey,
    Entry,
    Observed,
    ServiceKey,
)
from ansible_collections.lvs.director.plugins.module_utils._persist import quiescent

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._apply.destination import Named
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store

# Seconds between counts of the connections.
PAUSE = 1.0

Place = tuple[ServiceKey, DestinationKey]


class Drained(NamedTuple):
    """How the waiting went, for one destination or all of them."""

    connections_before: int
    connections: int
    seconds: float
    timed_out: bool


Waited = Mapping[Place, Drained]


def drain(kernel: IpvsKernel, named: Named, how: Drain, *, check_mode: bool, store: Optional[Store] = None) -> tuple[Outcome, Waited]:
    """Drain destinations: all of them, or none if one cannot be.

    :param named: names them, present and without values.
    :raises IpvsInputError: one does not exist, or too few others would remain in its service.
    :raises IpvsError: it failed.
    """
    with kernel.lock(exclusive=not check_mode):
        desired = named(kernel)
        current = read_desired(kernel, desired, counters=True)
        places = [(service.key, each.key) for service in desired.services for each in service.destinations or ()]
        found = {place: find(current, *place) for place in places}
        before = {place: values for place, values in found.items() if values}
        missing = [place for place in places if place not in before]
        if missing and not how.remove:
            service, destination = missing[0]
            raise IpvsMissingError("address", f"there is no destination {destination} of service {service} to drain")
        marked = changed(desired, lambda _service, each: each._replace(given=Given({"drained": True, "share": 100})))
        final = changed(desired, lambda _service, each: each._replace(present=False)) if how.remove else marked
        # The whole change, for the report; it is made in two parts.
        whole = converge_locked(kernel, final, check_mode=True, store=store, counters=True)
        _refuse_if_too_few_are_left(current, before, how.min_available)
        counted = {place: how.left(_counters(current[place[0]], place[1])) for place in before}
        if check_mode:
            return whole, {place: Drained(counted.get(place, 0), counted.get(place, 0), 0.0, False) for place in places}
        there = _only(marked, before)
        first = converge_locked(kernel, there, check_mode=False, store=store)
    waited = {**{place: Drained(0, 0, 0.0, False) for place in missing}, **_wait(kernel, how, counted)}
    if how.gives_up(total(waited).timed_out):
        whole, final = first, there
    elif how.remove:
        with kernel.lock(exclusive=True):
            marks = quiescent.read()
            for place, values in before.items():
                marks = marks.with_removed(*place, quiescent.values_of(values))
            quiescent.write(marks)
    # If they are kept, nothing is left to do: read them again for the result.
    outcome = converge(kernel, final, check_mode=False, store=store, counters=True)
    return whole._replace(observed=outcome.observed), waited


def _only(desired: DesiredTable, places: Mapping[Place, object]) -> DesiredTable:
    """Return the table without the destinations that are not in ``places``."""
    services = [
        service._replace(destinations=tuple(each for each in service.destinations or () if (service.key, each.key) in places))
        for service in desired.services
    ]
    return desired._replace(services=tuple(service for service in services if service.destinations))


def total(waited: Waited) -> Drained:
    """Return how the waiting went for all destinations together."""
    each = waited.values()
    return Drained(
        sum(one.connections_before for one in each),
        sum(one.connections for one in each),
        max((one.seconds for one in each), default=0.0),
        any(one.timed_out for one in each),
    )


def _wait(kernel: IpvsKernel, how: Drain, before: Mapping[Place, int]) -> Waited:
    started = time.monotonic()
    waited: dict[Place, Drained] = {}
    while len(waited) < len(before):
        waiting = [place for place in before if place not in waited]
        table = _read(kernel, waiting)
        seconds = time.monotonic() - started
        for service, destination in waiting:
            place = service, destination
            found = find(table, service, destination)
            if found is None:
                # Another program removed it: nothing left to wait for.
                waited[place] = Drained(before[place], 0, seconds, False)
                continue
            if found.effective_weight:
                raise IpvsConflictError(
                    f"Destination {destination} of service {service} was given weight {found.effective_weight} by something else while "
                    "it was being drained. It was left so"
                )
            left = how.left(_counters(table[service], destination))
            if left <= how.connections or seconds >= how.timeout:
                waited[place] = Drained(before[place], left, seconds, left > how.connections)
        if len(waited) < len(before):
            time.sleep(min(PAUSE, how.timeout - seconds))
    return waited


def _read(kernel: IpvsKernel, places: Sequence[Place]) -> dict[ServiceKey, Observed]:
    keys = list(dict.fromkeys(service for service, _destination in places))
    return {observed.entry.service.key: observed for observed in kernel.read_table(counters=True, only=keys)}


def _refuse_if_too_few_are_left(current: Mapping[ServiceKey, Observed], drained: Mapping[Place, Destination], least: int) -> None:
    reasons: list[str] = []
    for service in dict.fromkeys(service for (service, _destination), values in drained.items() if values.effective_weight):
        keys = [key for name, key in drained if name == service]
        reasons += filter(None, [_too_few_reason(current[service].entry, keys, least)])
    if reasons:
        raise IpvsInputError("min_available", f"{'; '.join(reasons)}: give others a weight first, or lower min_available")


def _too_few_reason(entry: Entry, drained: Sequence[DestinationKey], least: int) -> str:
    others = [other for other in entry.destinations if other.key not in drained]
    eligible = sum(1 for other in others if other.effective_weight)
    if eligible >= least:
        return ""
    return (
        f"without {', '.join(map(str, drained))}, {eligible} of the {len(others)} other destinations of service {entry.service.key} have a "
        f"weight, and {least} must be left"
    )


def _counters(observed: Observed, destination: DestinationKey) -> DestinationCounters:
    return observed.counters.get(destination, DestinationCounters())
