# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""(the table as it is, the table as it shall be) -> what has to happen, service by service. Pure.

The order of the steps over all services, and why:

1. Everything that adds or edits, of all services (the first phase of each ``PlannedService``). A refusal here (an unknown
   scheduler, an address that the host cannot route to) finds every service still serving as before.
2. Everything that takes away: weights, destinations, and the services that are not wanted any more. An old service goes
   when the new one that takes over its clients is there.
3. Counters are set to zero last, so that what is counted from then on is counted by the table as it shall be.
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
    """What is going to happen: the services that were listed, in their order, then those that are purged."""

    services: tuple[PlannedService, ...]
    # Of these, those whose configuration is going to change. Kept, because ten thousand are not asked again and again.
    changed_services: tuple[PlannedService, ...]
    zero: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.zero or self.changed_services)

    @property
    def phases(self) -> tuple[tuple[Step, ...], ...]:
        """The steps, in groups of which each is sent when all of the one before it were accepted."""
        changed = self.changed_services
        return (*tuple(tuple(step for service in changed for step in service.phases[phase]) for phase in (0, 1)), self.zero)


def plan_table(current: Mapping[ServiceKey, Observed], desired: DesiredTable) -> PlannedTable:
    """Return what has to happen to a table.

    :param current: the services that are listed, as the kernel has them; all of its services if others are to be purged.
    :raises IpvsInputError: what is asked for cannot be.
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
            transition(key, observed.entry, None)
            for key, observed in current.items()
            if key not in listed and any(part.covers(key) for part in desired.scope)
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
