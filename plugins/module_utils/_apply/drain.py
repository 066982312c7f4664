# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Drain a destination: take it out of service without losing its connections. (``destination`` brings it back.)

Mark it as drained, which gives it weight 0 in the kernel, wait until its connections have ended, then keep or remove it. Its values are
saved before the first change, so an interrupted task can be run again and continues. The lock is held for the changes, not while waiting.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._apply.destination import find, only_destination, replaced
from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome, converge, converge_locked, read_desired
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.drain import Drain
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsInputError, IpvsMissingError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    DestinationCounters,
    DestinationKey,
    Entry,
    Observed,
    ServiceKey,
)
from ansible_collections.lvs.director.plugins.module_utils._persist import quiescent

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store

# Seconds between counts of the connections.
PAUSE = 1.0


class Drained(NamedTuple):
    """How the waiting went."""

    connections_before: int
    connections: int
    seconds: float
    timed_out: bool


def drain(
    kernel: IpvsKernel, desired: DesiredTable, how: Drain, *, check_mode: bool, store: Optional[Store] = None
) -> tuple[Outcome, Drained]:
    """Drain the destination that ``desired`` names, present and without values.

    :raises IpvsInputError: it does not exist, or too few others would remain.
    :raises IpvsError: it failed.
    """
    key, named = only_destination(desired)
    marked = replaced(desired, given=Given({"drained": True}))
    final = replaced(desired, present=False) if how.remove else marked
    with kernel.lock(exclusive=not check_mode):
        current = read_desired(kernel, desired, counters=True)
        observed = current.get(key)
        before = find(current, key, named.key)
        if observed is None or before is None:
            if not how.remove:
                raise IpvsMissingError("address", f"there is no destination {named.key} of service {key} to drain")
            gone = converge_locked(kernel, final, check_mode=check_mode, store=store, counters=True)
            return gone, Drained(0, 0, 0.0, False)
        # The whole change, for the report; it is made in two parts.
        whole = converge_locked(kernel, final, check_mode=True, store=store, counters=True)
        if before.effective_weight:
            _refuse_if_too_few_are_left(observed.entry, named.key, how.min_available)
        counted = how.left(_counters(observed, named.key))
        if check_mode:
            return whole, Drained(counted, counted, 0.0, False)
        converge_locked(kernel, marked, check_mode=False, store=store)
    waited = _wait(kernel, key, named.key, how, counted)
    if how.remove:
        with kernel.lock(exclusive=True):
            quiescent.write(quiescent.read().with_removed(key, named.key, quiescent.values_of(before)))
    # If it is kept, nothing is left to do: read it again for the result.
    outcome = converge(kernel, final, check_mode=False, store=store, counters=True)
    return whole._replace(observed=outcome.observed), waited


def _wait(kernel: IpvsKernel, service: ServiceKey, destination: DestinationKey, how: Drain, before: int) -> Drained:
    started = time.monotonic()
    while True:
        observed = kernel.read_service(service)
        found = observed.entry.destination(destination) if observed else None
        seconds = time.monotonic() - started
        if observed is None or found is None:
            # Another program removed it: nothing left to wait for.
            return Drained(before, 0, seconds, False)
        if found.effective_weight:
            raise IpvsConflictError(
                f"Destination {destination} of service {service} was given weight {found.effective_weight} by something else while it was "
                "being drained. It was left so"
            )
        left = how.left(_counters(observed, destination))
        if left <= how.connections or seconds >= how.timeout:
            return Drained(before, left, seconds, left > how.connections)
        time.sleep(min(PAUSE, how.timeout - seconds))


def _refuse_if_too_few_are_left(entry: Entry, destination: DestinationKey, least: int) -> None:
    others = [other for other in entry.destinations if other.key != destination]
    eligible = sum(1 for other in others if other.effective_weight)
    if eligible < least:
        raise IpvsInputError(
            "min_available",
            f"without {destination}, {eligible} of the {len(others)} other destinations of service {entry.service.key} have a "
            f"weight, and {least} must be left: give others a weight first, or lower min_available",
        )


def _counters(observed: Observed, destination: DestinationKey) -> DestinationCounters:
    return observed.counters.get(destination, DestinationCounters())
