# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Change the table: read, plan, check, apply, read back and compare.

Modules that only a change needs are imported there: a target compiles every module that a task imports, and most tasks change
nothing.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable
from ansible_collections.lvs.director.plugins.module_utils._model.table import Observed, ServiceKey, Stats
from ansible_collections.lvs.director.plugins.module_utils._plan.table import PlannedTable, plan_table

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store
    from ansible_collections.lvs.director.plugins.module_utils._persist.update import Save


class Outcome(NamedTuple):
    """The plan, and the resulting services (predicted in check mode)."""

    plan: PlannedTable
    observed: Mapping[ServiceKey, Observed]
    save: Optional[Save] = None

    @property
    def changed(self) -> bool:
        """Whether the run changed anything."""
        return self.plan.changed or self.save is not None


def converge(
    kernel: IpvsKernel,
    desired: DesiredTable,
    *,
    check_mode: bool,
    store: Optional[Store] = None,
    counters: bool = False,
) -> Outcome:
    """Bring the table to the desired state; in check mode only plan.

    :param store: saves changes for the next boot; None to not save.
    :param counters: read the counters too, for the outcome.
    :raises IpvsError: it failed. Unless the message says otherwise, the table is unchanged.
    """
    with kernel.lock(exclusive=not check_mode):
        return converge_locked(kernel, desired, check_mode=check_mode, store=store, counters=counters)


def converge_locked(
    kernel: IpvsKernel,
    desired: DesiredTable,
    *,
    check_mode: bool,
    store: Optional[Store] = None,
    counters: bool = False,
) -> Outcome:
    """``converge`` for callers that already hold the lock."""
    with _without_garbage_collection():
        current = read_desired(kernel, desired, counters=counters)
        plan = plan_table(current, desired)
        if plan.changed:
            from ansible_collections.lvs.director.plugins.module_utils._apply.preflight import check_plan  # noqa: PLC0415 (compiled only where it is used)

            plan = plan._replace(warnings=(*plan.warnings, *check_plan(kernel, plan, check_mode=check_mode)))
        save = _plan_save(store, desired, plan)
        if check_mode:
            return Outcome(plan, _predicted(plan, current), save)
        if not (plan.changed or save):
            return Outcome(plan, _predicted(plan, current), save)
        from ansible_collections.lvs.director.plugins.module_utils._apply.transaction import carry_out  # noqa: PLC0415 (compiled only where it is used)

        # Write to disk before any change, to notice a full disk in time. After a kill in between, the next run notices the difference.
        with store.replace_table(save.text) if store and save else contextlib.nullcontext():
            changed = plan.services if plan.zero else plan.changed_services
            found = carry_out(kernel, plan, changed, counters=counters)
        return Outcome(plan, {**_predicted(plan, current, leave_out={planned.key for planned in changed}), **found}, save)


def _plan_save(store: Optional[Store], desired: DesiredTable, plan: PlannedTable) -> Optional[Save]:
    text = store.read_table() if store else None
    if store is None or text is None:
        return None
    from ansible_collections.lvs.director.plugins.module_utils._persist.update import save_table  # noqa: PLC0415 (compiled only where it is used)

    return save_table(text, desired, plan, store.read_fallback())


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disable garbage collection: thousands of values all live to the end, and scanning them is wasted time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_desired(kernel: IpvsKernel, desired: DesiredTable, *, counters: bool) -> dict[ServiceKey, Observed]:
    """Return the current state of the services that a task names."""
    if desired.purge or desired.zero_all_counters:
        counters = counters or desired.zero_all_counters
        return {observed.entry.service.key: observed for observed in kernel.read_table(counters=counters)}
    counters = counters or any(service.zero_counters for service in desired.services)
    return {
        observed.entry.service.key: observed
        for observed in kernel.read_table(counters=counters, only=[service.key for service in desired.services])
    }


def _predicted(
    plan: PlannedTable, current: Mapping[ServiceKey, Observed], leave_out: Collection[ServiceKey] = ()
) -> dict[ServiceKey, Observed]:
    """Return the planned services with their current counters."""
    predicted = {}
    for planned in plan.services:
        if planned.after is not None and planned.key not in leave_out:
            observed = current.get(planned.key)
            predicted[planned.key] = observed._replace(entry=planned.after) if observed else Observed(planned.after, Stats(), {})
    return predicted
