# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""Configure destinations: a drained one comes back into service, and a removed one with its earlier values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Optional

from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome, converge_locked, read_desired
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Observed, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist import files, quiescent

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store

    # Names the destinations of a task; asked under the lock.
    Named = Callable[[IpvsKernel], DesiredTable]


def bring_back(kernel: IpvsKernel, named: Named, *, check_mode: bool, store: Optional[Store] = None) -> Outcome:
    """Configure destinations. A drained one comes back; one that was removed then, with its earlier values under the given ones.

    :raises IpvsError: it failed.
    """
    with kernel.lock(exclusive=not check_mode):
        desired = named(kernel)
        marks = quiescent.read() if files.has_quiescent() else quiescent.Marks()
        present = read_desired(kernel, desired, counters=False) if marks.removed else {}

        def configured(service: ServiceKey, destination: DesiredDestination) -> DesiredDestination:
            if not destination.present:
                return destination
            values = marks.removed.get(str(service), {}).get(str(destination.key))
            is_removed = values is not None and find(present, service, destination.key) is None
            earlier = quiescent.given_of(values) if values is not None and is_removed else Given()
            return destination._replace(
                given=Given({**_laid_over(earlier, destination.given), "drained": False, "share": destination.given.get("share", 100)})
            )

        outcome = converge_locked(kernel, changed(desired, configured), check_mode=check_mode, store=store, counters=True)
        if not check_mode:
            _forget_removed(desired)
        return outcome


def _forget_removed(desired: DesiredTable) -> None:
    """Forget the values of destinations that a task deletes, but that were removed already."""
    absent = [(service.key, each.key) for service in desired.services for each in service.destinations or () if not each.present]
    if not absent or not files.has_quiescent():
        return
    marks = left = quiescent.read()
    for service, destination in absent:
        left = left.with_removed(service, destination, None)
    if left != marks:
        quiescent.write(left)


def changed(desired: DesiredTable, change: Callable[[ServiceKey, DesiredDestination], DesiredDestination]) -> DesiredTable:
    """Return the table with other destinations."""
    return desired._replace(
        services=tuple(
            service._replace(destinations=tuple(change(service.key, each) for each in service.destinations or ()))
            for service in desired.services
        )
    )


def _laid_over(before: Given, given: Given) -> Given:
    method = given.get("forward_method", before.get("forward_method"))
    same_method = method == before.get("forward_method")
    kept = {name: value for name, value in before.items() if same_method or not name.startswith("tunnel_")}
    return Given({**kept, **given})


def find(current: Mapping[ServiceKey, Observed], service: ServiceKey, destination: DestinationKey) -> Optional[Destination]:
    """Return the current destination, or None if there is none."""
    observed = current.get(service)
    return observed.entry.destination(destination) if observed else None
