# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Carry out a plan completely or not at all, and verify the result."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Optional

from ansible_collections.lvs.director.plugins.module_utils._kernel.errors import refusal_error
from ansible_collections.lvs.director.plugins.module_utils._model.desired import PlannedService
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsVerificationError
from ansible_collections.lvs.director.plugins.module_utils._model.results import configuration
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry, Observed, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._plan.order import transition
from ansible_collections.lvs.director.plugins.module_utils._plan.table import PlannedTable

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel

# Bypasses the constructor, which is slow ten thousand times over.
_make = tuple.__new__


def carry_out(kernel: IpvsKernel, plan: PlannedTable, changed: Sequence[PlannedService], *, counters: bool) -> dict[ServiceKey, Observed]:
    """Apply a plan, and return the changed services.

    :param counters: read the counters too.
    :raises IpvsError: it failed. Unless the message says otherwise, the table is unchanged.
    """
    _apply(kernel, plan)
    return _verified(kernel, changed, counters)


def _observe(kernel: IpvsKernel, keys: Collection[ServiceKey]) -> dict[ServiceKey, Observed]:
    return {observed.entry.service.key: observed for observed in kernel.read_table(counters=False, only=keys)}


def _verified(kernel: IpvsKernel, changed: Sequence[PlannedService], counters: bool) -> dict[ServiceKey, Observed]:
    """Read the services back, and return them if they match the plan."""
    after = {planned.key: planned.after for planned in changed}
    found: dict[ServiceKey, Observed] = {}
    for observed in kernel.read_table(counters=counters, only=after):
        expected = after[observed.entry.service.key]
        if expected is None or observed.entry != expected:
            raise _verification_error(observed.entry.service.key, expected, observed.entry)
        # Equal to the planned value: reuse that one, to keep a large table in memory only once.
        found[expected.service.key] = _make(Observed, (expected, *observed[1:]))
    for key, expected in after.items():
        if expected is not None and key not in found:
            raise _verification_error(key, expected, None)
    return found


def _verification_error(key: ServiceKey, expected: Optional[Entry], found: Optional[Entry]) -> IpvsVerificationError:
    return IpvsVerificationError(
        f"The kernel accepted every change to service {key}, but the result differs from the request: "
        f"{'; '.join(differences(expected, found))}. Something else is changing the table at the same time"
    )


def _apply(kernel: IpvsKernel, plan: PlannedTable) -> None:
    for phase in plan.phases:
        if not phase:
            continue
        try:
            refusal = kernel.apply(phase)
        except IpvsError as exc:
            raise type(exc)(f"{exc}. {_undo(kernel, plan)}") from exc
        if refusal is not None:
            error = refusal_error(refusal)
            raise type(error)(f"{error}. {_undo(kernel, plan)}")


def _undo(kernel: IpvsKernel, plan: PlannedTable) -> str:
    """Undo the plan, and return a sentence with the outcome."""
    planned = plan.changed_services
    keys = [service.key for service in planned]
    deleted = ""
    try:
        found = _observe(kernel, keys)
        back: list[PlannedService] = []
        for service in planned:
            observed = found.get(service.key)
            if observed is None and service.before is not None and service.after is not None:
                # Deleted by another program, not by this plan: do not bring it back.
                deleted = f"Service {service.key} was deleted by something else. "
                continue
            back.append(transition(service.key, observed.entry if observed else None, service.before))
        for phase in (0, 1):
            steps = [step for service in back for step in service.phases[phase]]
            refusal = kernel.apply(steps) if steps else None
            if refusal is not None:
                raise refusal_error(refusal)
        found = _observe(kernel, [service.key for service in back])
        for service in back:
            observed = found.get(service.key)
            left = differences(service.after, observed.entry if observed else None)
            if left:
                raise IpvsVerificationError(f"service {service.key}: {'; '.join(left)}")
    except IpvsError as exc:
        return f"{deleted}The earlier changes could not be undone: {exc}"
    if any(service.changed for service in back):
        return f"{deleted}The earlier changes were undone"
    return deleted.removesuffix(". ") or "Nothing was changed"


def differences(expected: Optional[Entry], found: Optional[Entry]) -> list[str]:
    """Describe the differences between two states of a service."""
    if expected is None or found is None:
        if expected is found:
            return []
        return ["the service is there" if expected is None else "the service is not there"]
    wanted, present = configuration(expected), configuration(found)
    texts = [
        f"{option} is {present[option]!r} instead of {wanted[option]!r}"
        for option in wanted
        if option != "destinations" and wanted[option] != present[option]
    ]
    wanted_keys = [destination.key for destination in expected.destinations]
    present_keys = [destination.key for destination in found.destinations]
    texts += [f"destination {key} is missing" for key in wanted_keys if key not in present_keys]
    texts += [f"destination {key} is there" for key in present_keys if key not in wanted_keys]
    for destination in found.destinations:
        other = expected.destination(destination.key)
        if other is not None and other != destination:
            changed = [
                f"{option} {getattr(destination, option)!r} instead of {getattr(other, option)!r}"
                for option in destination._fields
                if getattr(destination, option) != getattr(other, option)
            ]
            texts.append(f"destination {destination.key} has {', '.join(changed)}")
    if not texts and wanted_keys != present_keys:
        texts.append(f"the destinations' order is {', '.join(map(str, present_keys))} instead of {', '.join(map(str, wanted_keys))}")
    return texts
