# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Read the kernel, plan, check, apply, read again and compare. The one way in which a table is changed."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._desired import DesiredTable
from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsError, IpvsVerificationError
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel, refusal_error
from ansible_collections.lvs.director.plugins.module_utils._model import Entry, Observed, ServiceKey, Stats
from ansible_collections.lvs.director.plugins.module_utils._plan import PlannedService, transition
from ansible_collections.lvs.director.plugins.module_utils._plan_table import PlannedTable, plan_table
from ansible_collections.lvs.director.plugins.module_utils._planned_save import PlannedSave
from ansible_collections.lvs.director.plugins.module_utils._preflight import check_plan
from ansible_collections.lvs.director.plugins.module_utils._results import configuration
from ansible_collections.lvs.director.plugins.module_utils._saving import plan_with, saving

# Up to so many services are read one by one, more in one listing of the whole table.
_FEW = 8


class Outcome(NamedTuple):
    """What was planned, and the planned services as they are now (in check mode: as they would be)."""

    plan: PlannedTable
    observed: Mapping[ServiceKey, Observed]
    save: PlannedSave = PlannedSave()

    @property
    def changed(self) -> bool:
        """Whether there was anything to do."""
        return self.plan.changed or self.save.changed


def converge(kernel: IpvsKernel, desired: DesiredTable, *, check_mode: bool, counters: bool = False) -> Outcome:
    """Make the table what is asked for; in check mode say only what that takes.

    :param counters: read the counters too, for the outcome.
    :raises IpvsError: it cannot be done. The table is as it was then, unless the text says otherwise.
    """
    with kernel.lock(exclusive=not check_mode):
        return converge_locked(kernel, desired, check_mode=check_mode, counters=counters)


def converge_locked(kernel: IpvsKernel, desired: DesiredTable, *, check_mode: bool, counters: bool = False) -> Outcome:
    """``converge`` for who holds the lock, to do more under it."""
    with _without_garbage_collection():
        current = read_desired(kernel, desired, counters=counters)
        plan = plan_table(current, desired)
        check_plan(kernel, plan)
        save = _plan_save(kernel, desired, plan)
        if check_mode or not (plan.changed or save.changed):
            return Outcome(plan, _predicted(plan, current), save)
        with saving(kernel, save):
            _apply(kernel, plan)
            changed = plan.services if plan.zero else plan.changed_services
            found = _verified(kernel, changed, counters)
        return Outcome(plan, {**_predicted(plan, current, leave_out={one.key for one in changed}), **found}, save)


def _plan_save(kernel: IpvsKernel, desired: DesiredTable, plan: PlannedTable) -> PlannedSave:
    def make(text: str) -> PlannedSave:
        # A task compiles on its target all that it imports: not where nothing is restored at boot.
        from ansible_collections.lvs.director.plugins.module_utils._saving_table import plan_save  # noqa: PLC0415

        return plan_save(kernel, text, desired, plan)

    return plan_with(kernel, make)


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Thousands of values that all live to the end: looking for garbage among them again and again is time lost."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_desired(kernel: IpvsKernel, desired: DesiredTable, *, counters: bool) -> dict[ServiceKey, Observed]:
    """Return what there is of the services that a task is about."""
    if desired.purge or desired.zero_all_counters:
        counters = counters or desired.zero_all_counters
        return {one.entry.service.key: one for one in kernel.read_table(counters=counters)}
    counters = counters or any(one.zero_counters for one in desired.services)
    return _observe(kernel, [one.key for one in desired.services], counters)


def _observe(kernel: IpvsKernel, keys: Collection[ServiceKey], counters: bool) -> dict[ServiceKey, Observed]:
    return {one.entry.service.key: one for one in _read(kernel, keys, counters)}


def _read(kernel: IpvsKernel, keys: Collection[ServiceKey], counters: bool) -> Iterator[Observed]:
    if len(keys) <= _FEW:
        for key in keys:
            found = kernel.read_service(key, counters=counters)
            if found is not None:
                yield found
        return
    # Not those of others: there may be thousands of them.
    yield from kernel.read_table(counters=counters, only=set(keys))


def _predicted(
    plan: PlannedTable, current: Mapping[ServiceKey, Observed], leave_out: Collection[ServiceKey] = ()
) -> dict[ServiceKey, Observed]:
    """Return the services as they are to be, with the counters as they are."""
    predicted = {}
    for one in plan.services:
        if one.after is not None and one.key not in leave_out:
            observed = current.get(one.key)
            predicted[one.key] = observed._replace(entry=one.after) if observed else Observed(one.after, Stats(), {})
    return predicted


def _verified(kernel: IpvsKernel, changed: Sequence[PlannedService], counters: bool) -> dict[ServiceKey, Observed]:
    """Read services again, and return them if all are as planned."""
    after = {one.key: one.after for one in changed}
    found: dict[ServiceKey, Observed] = {}
    for observed in _read(kernel, after, counters):
        expected = after[observed.entry.service.key]
        if expected is None or observed.entry != expected:
            raise _verification_error(observed.entry.service.key, expected, observed.entry)
        # What was read is equal to what was planned, which is there already: of a large table twice is a lot.
        found[expected.service.key] = observed._replace(entry=expected)
    for key, expected in after.items():
        if expected is not None and key not in found:
            raise _verification_error(key, expected, None)
    return found


def _verification_error(key: ServiceKey, expected: Optional[Entry], found: Optional[Entry]) -> IpvsVerificationError:
    return IpvsVerificationError(
        f"The kernel accepted every change to service {key}, but what it has now is not what was asked for: "
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
    """Bring the services back to what they were before the plan, and return a sentence about how that went."""
    planned = plan.changed_services
    keys = [one.key for one in planned]
    deleted = ""
    try:
        found = _observe(kernel, keys, counters=False)
        back: list[PlannedService] = []
        for one in planned:
            observed = found.get(one.key)
            if observed is None and one.before is not None and one.after is not None:
                # Not by this plan: it would be wrong to bring back what somebody else has taken away.
                deleted = f"Service {one.key} was deleted by something else. "
                continue
            back.append(transition(one.key, observed.entry if observed else None, one.before))
        for phase in (0, 1):
            steps = [step for one in back for step in one.phases[phase]]
            refusal = kernel.apply(steps) if steps else None
            if refusal is not None:
                raise refusal_error(refusal)
        found = _observe(kernel, [one.key for one in back], counters=False)
        for one in back:
            observed = found.get(one.key)
            left = differences(one.after, observed.entry if observed else None)
            if left:
                raise IpvsVerificationError(f"service {one.key}: {'; '.join(left)}")
    except IpvsError as exc:
        return f"{deleted}What had been done before that could not be undone: {exc}"
    if any(one.changed for one in back):
        return f"{deleted}What had been done before that was undone"
    return deleted.removesuffix(". ") or "Nothing was changed"


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
