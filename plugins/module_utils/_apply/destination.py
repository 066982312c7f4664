# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""Make one destination what is asked for; one that was drained comes back with its earlier weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome, converge_locked, read_desired
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Observed, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist import drained as _drained
from ansible_collections.lvs.director.plugins.module_utils._persist.files import Store


def bring_back(kernel: IpvsKernel, desired: DesiredTable, *, check_mode: bool, store: Optional[Store] = None) -> Outcome:
    """Make one destination what is asked for; if no weight is given and it was drained, with the weight that it had then.

    :raises IpvsError: it cannot be done.
    """
    key, destination = only_destination(desired)
    with kernel.lock(exclusive=not check_mode):
        earlier = _drained.earlier_weight(key, destination.key)
        if earlier is not None and destination.present and "weight" not in destination.given:
            current = find(read_desired(kernel, desired, counters=False), key, destination.key)
            # A weight that somebody else has given it meanwhile is not overruled.
            if current is None or not current.weight:
                desired = replaced(desired, given=Given({**destination.given, "weight": earlier}))
        outcome = converge_locked(kernel, desired, check_mode=check_mode, store=store, counters=True)
        if earlier is not None and not check_mode:
            _drained.forget(key, destination.key)
        return outcome


def find(current: Mapping[ServiceKey, Observed], service: ServiceKey, destination: DestinationKey) -> Optional[Destination]:
    """Return a destination as it is now, or None if there is none."""
    observed = current.get(service)
    return observed.entry.destination(destination) if observed else None


def only_destination(desired: DesiredTable) -> tuple[ServiceKey, DesiredDestination]:
    """Return the service and the destination that a task is about."""
    (service,) = desired.services
    (destination,) = service.destinations or ()
    return service.key, destination


def replaced(desired: DesiredTable, **values: object) -> DesiredTable:
    """Return the same with other values for the destination."""
    (service,) = desired.services
    (destination,) = service.destinations or ()
    return desired._replace(services=(service._replace(destinations=(destination._replace(**values),)),))  # type: ignore[arg-type]
