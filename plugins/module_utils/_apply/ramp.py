# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Bring destinations back in steps: a server that has just started is slow, and would be overrun.

The share of the weight that a destination has reached is kept with its mark, so an interrupted task can be run again and continues. The
lock is held for the changes, not while waiting.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Optional

from ansible_collections.lvs.director.plugins.module_utils._apply.destination import bring_back, changed, find
from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome, read_desired
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._apply.destination import Named
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._model.ramp import Ramp
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store

_Shares = dict[tuple[ServiceKey, DestinationKey], int]


def ramp(kernel: IpvsKernel, named: Named, how: Ramp, *, check_mode: bool, store: Optional[Store] = None) -> Outcome:
    """Configure destinations, and bring those back in steps that are not in service.

    :raises IpvsConflictError: one was drained or deleted meanwhile. It is left so.
    :raises IpvsError: it failed.
    """
    # The whole change, for the report.
    whole = bring_back(kernel, named, check_mode=True, store=store)
    if check_mode:
        return whole
    reached = _reached(kernel, named(kernel))
    outcome = whole
    for number, share in enumerate([share for share in how.shares() if share > min(reached.values(), default=100)]):
        if number:
            time.sleep(how.every)
        outcome = bring_back(kernel, _step(named, reached, share, first=not number), check_mode=False, store=store)
    if outcome is whole:
        outcome = bring_back(kernel, named, check_mode=False, store=store)
    return whole._replace(observed=outcome.observed)


def _reached(kernel: IpvsKernel, desired: DesiredTable) -> _Shares:
    """Return the share that each destination has; 0 for one that is not in service."""
    current = read_desired(kernel, desired, counters=False)
    reached = {}
    for service in desired.services:
        for each in service.destinations or ():
            found = find(current, service.key, each.key)
            reached[service.key, each.key] = found.share if found and found.weight and not found.drained else 0
    return reached


def _step(named: Named, reached: _Shares, share: int, *, first: bool) -> Named:
    """Return what names the destinations, with their next share. One that has reached more keeps it."""

    def next_step(kernel: IpvsKernel) -> DesiredTable:
        desired = named(kernel)
        current = read_desired(kernel, desired, counters=False)

        def with_share(service: ServiceKey, each: DesiredDestination) -> DesiredDestination:
            found = find(current, service, each.key)
            if not first and (found is None or found.drained):
                raise IpvsConflictError(
                    f"Destination {each.key} of service {service} was {'drained' if found else 'deleted'} by something else while it came "
                    "back. It was left so"
                )
            return each._replace(given=Given({**each.given, "share": max(share, reached.get((service, each.key), 0))}))

        return changed(desired, with_share)

    return next_step
