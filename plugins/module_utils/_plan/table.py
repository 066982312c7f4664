# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Plan the whole table, service by service. Pure functions.

The steps of all services run in three phases:

1. Adds and edits (the first phase of each ``PlannedService``). If the kernel refuses one (unknown scheduler, no route to an
   address), every service still works as before.
2. Removals: weights, destinations, and unwanted services. An old service goes only when its replacement exists.
3. Zeroing counters, last, when the table is final.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable, PlannedService
from ansible_collections.lvs.director.plugins.module_utils._model.table import Observed, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._plan.service import Merger, plan_service

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._model.steps import Step


class PlannedTable(NamedTuple):
    """The plan: the listed services in their order, then the purged ones."""

    services: tuple[PlannedService, ...]
    # Those of them that change. Stored, because computing it for ten thousand services is slow.
    changed_services: tuple[PlannedService, ...]
    zero: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the plan changes anything."""
        return bool(self.zero or self.changed_services)

    @property
    def phases(self) -> tuple[tuple[Step, ...], ...]:
        """The steps in phases; a phase is sent once the kernel has accepted the previous one."""
        changed = self.changed_services
        return (*tuple(tuple(step for service in changed for step in service.phases[phase]) for phase in (0, 1)), self.zero)


def plan_table(current: Mapping[ServiceKey, Observed], desired: DesiredTable) -> PlannedTable:
    """Plan a table.

    :param current: the listed services in the kernel; all services if others are to be purged.
    :raises IpvsInputError: the requested state is impossible.
    """
    services = []
    merger = Merger()
    zeroed: list[Optional[ServiceKey]] = []
    for service in desired.services:
        observed = current.get(service.key)
        services.append(plan_service(observed.entry if observed else None, service, merger))
        if service.zero_counters and observed and service.present and _has_counted(observed):
            zeroed.append(service.key)
    if desired.purge:
        from ansible_collections.lvs.director.plugins.module_utils._plan.order import transition  # noqa: PLC0415 (compiled only where it is used)

        listed = {service.key for service in desired.services}
        services += [
            transition(key, observed.entry, None) for key, observed in current.items() if key not in listed and desired.purges(key)
        ]
    if desired.zero_all_counters and any(_has_counted(observed) for observed in current.values()):
        zeroed = [None]
    return PlannedTable(
        tuple(services),
        tuple([service for service in services if service.changed]),
        _zero(zeroed) if zeroed else (),
        tuple(merger.warnings),
    )


def _zero(names: list[Optional[ServiceKey]]) -> tuple[Step, ...]:
    from ansible_collections.lvs.director.plugins.module_utils._model.steps import ZeroCounters  # noqa: PLC0415 (compiled only where it is used)

    return tuple(map(ZeroCounters, names))


def _has_counted(observed: Observed) -> bool:
    return any(observed.stats) or any(any(counters.stats) for counters in observed.counters.values())
