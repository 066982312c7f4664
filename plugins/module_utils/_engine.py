# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Bring one service to its desired state: read, plan, check, apply, read again and compare; undo what was refused midway."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._desired import DesiredService
from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsError, IpvsVerificationError
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel, refusal_error
from ansible_collections.lvs.director.plugins.module_utils._model import Entry, Observed, Stats
from ansible_collections.lvs.director.plugins.module_utils._plan import PlannedService, plan_service, transition
from ansible_collections.lvs.director.plugins.module_utils._preflight import check_plan
from ansible_collections.lvs.director.plugins.module_utils._results import configuration


class Outcome(NamedTuple):
    """What was planned, and the service as it is now (in check mode: as it would be)."""

    plan: PlannedService
    observed: Optional[Observed]


def converge(kernel: IpvsKernel, desired: DesiredService, *, check_mode: bool) -> Outcome:
    """Make a service what is asked for; in check mode say only what that takes.

    :raises IpvsError: it cannot be done. The table is as it was then, unless the text says otherwise.
    """
    current = kernel.read_service(desired.key)
    plan = plan_service(current.entry if current else None, desired)
    check_plan(kernel, plan)
    if check_mode or not plan.changed:
        return Outcome(plan, _with_counters(plan.after, current))
    _apply(kernel, plan)
    observed = kernel.read_service(desired.key)
    found = observed.entry if observed else None
    if found != plan.after:
        raise IpvsVerificationError(
            f"The kernel accepted every change to service {plan.key}, but what it has now is not what was asked for: "
            f"{'; '.join(differences(plan.after, found))}. Something else is changing the table at the same time"
        )
    return Outcome(plan, observed)


def _with_counters(entry: Optional[Entry], current: Optional[Observed]) -> Optional[Observed]:
    if entry is None:
        return None
    return Observed(entry, current.stats if current else Stats(), current.counters if current else {})


def _apply(kernel: IpvsKernel, plan: PlannedService) -> None:
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


def _undo(kernel: IpvsKernel, plan: PlannedService) -> str:
    """Bring the service back to what it was before the plan, and return a sentence about how that went."""
    try:
        observed = kernel.read_service(plan.key)
        found = observed.entry if observed else None
        if found is None and plan.before is not None and plan.after is not None:
            # Not by this plan: it would be wrong to bring back what somebody else has taken away.
            return f"Service {plan.key} was deleted by something else"
        back = transition(plan.key, found, plan.before)
        for phase in back.phases:
            refusal = kernel.apply(phase) if phase else None
            if refusal is not None:
                raise refusal_error(refusal)
        observed = kernel.read_service(plan.key)
        left = differences(plan.before, observed.entry if observed else None)
        if left:
            raise IpvsVerificationError("; ".join(left))
    except IpvsError as exc:
        return f"What had been done before that could not be undone: {exc}"
    return "Nothing was changed" if not back.changed else "What had been done before that was undone"


def differences(expected: Optional[Entry], found: Optional[Entry]) -> list[str]:
    """Return what differs between two states of a service, in words."""
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
    wanted_keys = [one.key for one in expected.destinations]
    present_keys = [one.key for one in found.destinations]
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
