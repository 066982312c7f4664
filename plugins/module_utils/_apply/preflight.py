# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Checks that need the running kernel, made before any change, in check mode too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Optional

from ansible_collections.lvs.director.plugins.module_utils._kernel.errors import unknown_engine, unknown_scheduler
from ansible_collections.lvs.director.plugins.module_utils._model.desired import PlannedService
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsNotReadyError, IpvsRejectedError, not_predicted
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    EditService,
    Step,
)
from ansible_collections.lvs.director.plugins.module_utils._plan.table import PlannedTable

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel

# With 0, the kernel drops packets whose destination is gone, but keeps the connection in case it comes back.
EXPIRE_NODEST_CONN = "/proc/sys/net/ipv4/vs/expire_nodest_conn"


def check_plan(kernel: IpvsKernel, plan: PlannedTable, *, check_mode: bool) -> list[str]:
    """Refuse a plan with a step that the kernel would refuse. Return warnings.

    :raises IpvsRejectedError: names the step and the reason.
    """
    warnings: list[str] = []
    for service in plan.changed_services:
        # If the plan changes the service itself, that is its first step.
        for step in service.phases[0][:1]:
            if isinstance(step, (AddService, EditService)):
                try:
                    _check_modules(kernel, service, step)
                except IpvsNotReadyError as exc:
                    if not check_mode:
                        raise
                    warnings.append(not_predicted(exc))
    warnings += filter(None, [_moved_reason(plan)])
    warnings += _quiescent_reasons(plan)
    running = kernel.read_sync_daemons()
    mixed = _first_of_mixed_families(plan) if running else None
    if mixed:
        states = " and ".join(daemon.state for daemon in running)
        raise IpvsRejectedError(
            f"Cannot {mixed}: its family is not the service's, which the kernel does not allow while a sync daemon runs ({states})"
        )
    return warnings


def _quiescent_reasons(plan: PlannedTable) -> Iterator[str]:
    """Yield a warning for each weight that changes, but does not count yet."""
    for service in plan.changed_services:
        for destination in service.after.destinations if service.before and service.after else ():
            before = service.before.destination(destination.key) if service.before else None
            if before is None or before.weight == destination.weight:
                continue
            why = "a failed health check holds it" if destination.held else "it is drained"
            if destination.held or (before.drained and destination.drained):
                yield (
                    f"Destination {destination.key} of service {service.key} has weight 0 for now, since {why}. "
                    f"Weight {destination.weight} is the one that it comes back with"
                )


def _moved_reason(plan: PlannedTable) -> str:
    """Return the warning about moved destinations if their connections suffer: a move is a delete and an add."""
    moved = []
    for service in plan.changed_services:
        deleted = {step.key for step in service.phases[0] if isinstance(step, DeleteDestination)}
        if deleted:
            moved.append(f"{', '.join(map(str, sorted(deleted)))} of service {service.key}")
    if not moved or not _expires_without_destination():
        return ""
    return (
        f"net.ipv4.vs.expire_nodest_conn is not 0, and destinations move to another place in the order: {'; '.join(moved)}. "
        "A connection that has a packet in that moment is lost"
    )


def _expires_without_destination() -> bool:
    try:
        with open(EXPIRE_NODEST_CONN, encoding="ascii") as value:
            return value.read().strip() != "0"
    except OSError:
        return False


def _first_of_mixed_families(plan: PlannedTable) -> Optional[Step]:
    for service in plan.changed_services:
        length = 4 if service.key.family == "ipv4" else 16
        for step in service.phases[0]:
            if isinstance(step, AddDestination) and len(step.destination.key.address) != length:
                return step
    return None


def _check_modules(kernel: IpvsKernel, plan: PlannedService, step: AddService | EditService) -> None:
    service = step.service
    before = plan.before.service if plan.before else None
    # The kernel reports "none" for a service without a scheduler.
    if (before is None or before.scheduler != service.scheduler) and service.scheduler != "none":
        if not kernel.has_module("ip_vs", service.scheduler):
            # The role builds and loads this one. Any other missing scheduler is a mistake in the task.
            error = IpvsNotReadyError if service.scheduler == "test" else IpvsRejectedError
            raise error(f"Cannot {step}: {unknown_scheduler(service.scheduler)}")
    engine = service.persistence_engine
    if engine and (before is None or before.persistence_engine != engine):
        if not kernel.has_module("ip_vs_pe", engine):
            raise IpvsRejectedError(f"Cannot {step}: {unknown_engine(engine)}")
