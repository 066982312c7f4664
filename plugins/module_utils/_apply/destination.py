# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""Configure one destination: a drained one comes back into service, and a removed one with its earlier values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Optional

from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome, converge_locked, read_desired
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Observed, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist import files, quiescent

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store


def bring_back(kernel: IpvsKernel, desired: DesiredTable, *, check_mode: bool, store: Optional[Store] = None) -> Outcome:
    """Configure one destination. A drained one comes back; one that was removed then, with its earlier values under the given ones.

    :raises IpvsError: it failed.
    """
    key, destination = only_destination(desired)
    with kernel.lock(exclusive=not check_mode):
        removed = _removed(key, destination.key)
        if destination.present:
            earlier = removed if removed and find(read_desired(kernel, desired, counters=False), key, destination.key) is None else Given()
            desired = replaced(desired, given=Given({**_laid_over(earlier, destination.given), "drained": False}))
        outcome = converge_locked(kernel, desired, check_mode=check_mode, store=store, counters=True)
        if removed and not destination.present and not check_mode:
            quiescent.write(quiescent.read().with_removed(key, destination.key, None))
        return outcome


def _removed(service: ServiceKey, destination: DestinationKey) -> Optional[Given]:
    """Return the values of a destination that was drained and then removed, None if it was not."""
    if not files.has_quiescent():
        return None
    values = quiescent.read().removed.get(str(service), {}).get(str(destination))
    return None if values is None else quiescent.given_of(values)


def _laid_over(before: Given, given: Given) -> Given:
    method = given.get("forward_method", before.get("forward_method"))
    same_method = method == before.get("forward_method")
    kept = {name: value for name, value in before.items() if same_method or not name.startswith("tunnel_")}
    return Given({**kept, **given})


def find(current: Mapping[ServiceKey, Observed], service: ServiceKey, destination: DestinationKey) -> Optional[Destination]:
    """Return the current destination, or None if there is none."""
    observed = current.get(service)
    return observed.entry.destination(destination) if observed else None


def only_destination(desired: DesiredTable) -> tuple[ServiceKey, DesiredDestination]:
    """Return the service and destination that a task names."""
    (service,) = desired.services
    (destination,) = service.destinations or ()
    return service.key, destination


def replaced(desired: DesiredTable, **values: object) -> DesiredTable:
    """Return the table with other values for the destination."""
    (service,) = desired.services
    (destination,) = service.destinations or ()
    return desired._replace(services=(service._replace(destinations=(destination._replace(**values),)),))  # type: ignore[arg-type]
