# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""Set the timeouts or a sync daemon: read, plan, check, apply, read back and compare."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._kernel.errors import refusal_error
from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    IpvsConflictError,
    IpvsError,
    IpvsRejectedError,
    IpvsVerificationError,
)
from ansible_collections.lvs.director.plugins.module_utils._model.results import sync_daemon_result
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import Refusal, StartSyncDaemon, Step, StopSyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import address_family
from ansible_collections.lvs.director.plugins.module_utils._plan.settings import (
    PlannedSyncDaemon,
    PlannedTimeouts,
    change,
    plan_sync_daemon,
    plan_timeouts,
)

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store
    from ansible_collections.lvs.director.plugins.module_utils._persist.update import Save


class TimeoutsOutcome(NamedTuple):
    """The plan, and the resulting timeouts (predicted in check mode)."""

    plan: PlannedTimeouts
    timeouts: Timeouts
    save: Optional[Save]


class SyncDaemonOutcome(NamedTuple):
    """The plan, and the sync daemons that run afterwards (predicted in check mode)."""

    plan: PlannedSyncDaemon
    daemons: tuple[SyncDaemon, ...]
    save: Optional[Save]
    warnings: tuple[str, ...] = ()


def converge_timeouts(kernel: IpvsKernel, given: Mapping[str, int], *, check_mode: bool, store: Optional[Store] = None) -> TimeoutsOutcome:
    """Set the given timeouts, in seconds; in check mode only plan.

    :param store: saves them for the next boot; None to not save.
    :raises IpvsError: it failed.
    """
    with kernel.lock(exclusive=not check_mode):
        return _converge_timeouts(kernel, given, check_mode, store)


def _converge_timeouts(kernel: IpvsKernel, given: Mapping[str, int], check_mode: bool, store: Optional[Store]) -> TimeoutsOutcome:
    plan = plan_timeouts(kernel.read_timeouts(), given)
    save = _save_timeouts(store, given, plan.before)
    if check_mode or not (plan.changed or save):
        return TimeoutsOutcome(plan, plan.after, save)
    with _saving(store, save):
        for step in plan.steps:
            _apply(kernel, step)
        found = kernel.read_timeouts()
        if plan.changed and found != plan.after:
            raise IpvsVerificationError(
                f"The kernel accepted to {plan.steps[0]}, but the timeouts differ from the request: "
                f"{_differences(plan.after._asdict(), found._asdict())}. Something else is changing them at the same time, "
                "or the kernel lacks the protocol"
            )
    return TimeoutsOutcome(plan, found, save)


def converge_sync_daemon(
    kernel: IpvsKernel, desired: DesiredSyncDaemon, *, check_mode: bool, store: Optional[Store] = None, save: bool = True
) -> SyncDaemonOutcome:
    """Start, restart or stop one of the two sync daemons; in check mode only plan.

    :param store: saves it for the next boot; None to not save.
    :param save: False records only its interface.
    :raises IpvsError: it failed. Unless the message says otherwise, the daemon is unchanged.
    """
    with kernel.lock(exclusive=not check_mode):
        return _converge_sync_daemon(kernel, desired, check_mode, store, save)


def _converge_sync_daemon(
    kernel: IpvsKernel, desired: DesiredSyncDaemon, check_mode: bool, store: Optional[Store], save_it: bool
) -> SyncDaemonOutcome:
    running = kernel.read_sync_daemons()
    current = _of_state(running, desired.state)
    mtu = kernel.read_mtu(desired.given["interface"]) if desired.present else None
    plan = plan_sync_daemon(current, desired, mtu)
    warnings: tuple[str, ...] = ()
    after = plan.after
    index = kernel.read_index(after.interface) if after else None
    if after and not plan.changed and index and _is_cut_off(kernel, after, index, store):
        plan = plan._replace(steps=(StopSyncDaemon(plan.state), StartSyncDaemon(after)))
        warnings = (
            f"Sync daemon {plan.state} was cut off: its interface {after.interface} has been deleted and made anew since the daemon "
            "started. It is started again",
        )
    if after is not None and plan.changed:
        _check_start(kernel, StartSyncDaemon(after), alone=not running)
    save = _save_sync_daemon(store, plan) if save_it else None
    if check_mode:
        return SyncDaemonOutcome(plan, _predicted(running, plan), save, warnings)
    if not (plan.changed or save):
        _remember_index(store, plan.state, index)
        return SyncDaemonOutcome(plan, _predicted(running, plan), save)
    with _saving(store, save):
        _apply_or_undo(kernel, plan)
        running = kernel.read_sync_daemons()
        found = _of_state(running, desired.state)
        if plan.changed and found != plan.after:
            raise IpvsVerificationError(
                f"The kernel accepted to {' and '.join(map(str, plan.steps))}, but the running daemon differs from the "
                f"request: {_daemon_differences(plan.after, found)}. Something else starts and stops sync daemons at the same "
                "time, or the kernel is older than 4.3 and knows no more than interface and sync_id"
            )
    _remember_index(store, plan.state, index)
    return SyncDaemonOutcome(plan, tuple(running), save, warnings)


def _is_cut_off(kernel: IpvsKernel, daemon: SyncDaemon, index: int, store: Optional[Store]) -> bool:
    """Return whether a daemon's socket is bound to a deleted interface that was created again under the same name.

    The kernel keeps listing such a daemon. A backup has left its multicast group; a master shows only by the interface's index.
    """
    known = store.read_daemon_index(daemon.state) if store else None
    return known not in (None, index) or (daemon.state == "backup" and not kernel.has_joined(daemon))


def _remember_index(store: Optional[Store], state: str, index: Optional[int]) -> None:
    if store is not None and store.read_daemon_index(state) != index:
        store.write_daemon_index(state, index)


def settings_diff(name: str, before: Mapping[str, object], after: Mapping[str, object], save: Optional[Save]) -> list[dict[str, object]]:
    """Return the diff of timeouts or of a sync daemon, and of what is saved of it; empty if nothing changes."""
    if before == after and save is None:
        return []
    from ansible_collections.lvs.director.plugins.module_utils._plan.diff import entry, saved_diff  # noqa: PLC0415 (compiled only where it is used)

    found = [entry(name, dict(before), dict(after))] if before != after else []
    return [*found, *(saved_diff(save.before, save.after) if save else ())]


def _save_timeouts(store: Optional[Store], given: Mapping[str, int], before: Timeouts) -> Optional[Save]:
    text = store.read_table() if store else None
    if text is None:
        return None
    from ansible_collections.lvs.director.plugins.module_utils._persist.update import save_timeouts  # noqa: PLC0415 (compiled only where it is used)

    return save_timeouts(text, given, before)


def _save_sync_daemon(store: Optional[Store], plan: PlannedSyncDaemon) -> Optional[Save]:
    text = store.read_table() if store else None
    if text is None:
        return None
    from ansible_collections.lvs.director.plugins.module_utils._persist.update import save_sync_daemon  # noqa: PLC0415 (compiled only where it is used)

    return save_sync_daemon(text, plan.state, plan.after)


def _saving(store: Optional[Store], save: Optional[Save]) -> AbstractContextManager[None]:
    return store.replace_table(save.text) if store and save else contextlib.nullcontext()


def _apply(kernel: IpvsKernel, step: Step) -> None:
    refusal = kernel.apply([step])
    if refusal is not None:
        raise refusal_error(refusal)


def _of_state(daemons: list[SyncDaemon], state: str) -> Optional[SyncDaemon]:
    return next((daemon for daemon in daemons if daemon.state == state), None)


def _predicted(running: list[SyncDaemon], plan: PlannedSyncDaemon) -> tuple[SyncDaemon, ...]:
    """Return the daemons that the kernel will list after the plan, master first."""
    found = {daemon.state: daemon for daemon in running}
    if plan.after is None:
        found.pop(plan.state, None)
    else:
        found[plan.state] = plan.after
    return tuple(found[state] for state in ("master", "backup") if state in found)


def _check_start(kernel: IpvsKernel, step: StartSyncDaemon, *, alone: bool) -> None:
    """Refuse a daemon that the kernel would refuse, before stopping a running one for it."""
    if alone:
        # The kernel accepts no such destination while a daemon runs.
        _check_families(kernel, step)
    number = kernel.try_sync_daemon(step.daemon)
    if number:
        raise refusal_error(Refusal(step, number))


def _check_families(kernel: IpvsKernel, step: StartSyncDaemon) -> None:
    """Refuse a daemon if there is a destination whose connections it could not sync."""
    for observed in kernel.read_table(counters=False):
        service = observed.entry.service.key
        for destination in observed.entry.destinations:
            if address_family(destination.key.address) != service.family:
                raise IpvsRejectedError(
                    f"Cannot {step}: destination {destination.key} of service {service} is not of its service's family, "
                    "which the kernel does not allow while a sync daemon runs"
                )


def _apply_or_undo(kernel: IpvsKernel, plan: PlannedSyncDaemon) -> None:
    for step in plan.steps:
        try:
            _apply(kernel, step)
        except IpvsConflictError as exc:
            # Another program has started a daemon: leave it alone.
            stopped = " The daemon that ran before was stopped" if step != plan.steps[0] else " Nothing was changed"
            raise IpvsConflictError(f"{exc}.{stopped}") from exc
        except IpvsError as exc:
            raise type(exc)(f"{exc}. {_undo(kernel, plan)}") from exc


def _undo(kernel: IpvsKernel, plan: PlannedSyncDaemon) -> str:
    """Undo the plan, and return a sentence with the outcome."""
    try:
        back = change(plan.state, _of_state(kernel.read_sync_daemons(), plan.state), plan.before)
        for step in back.steps:
            _apply(kernel, step)
    except IpvsError as exc:
        return f"The earlier changes could not be undone: {exc}"
    if not back.changed:
        return "Nothing was changed"
    return "The daemon that ran before was started again" if plan.before else "It was stopped again"


def _daemon_differences(wanted: Optional[SyncDaemon], found: Optional[SyncDaemon]) -> str:
    if wanted is None or found is None:
        return "one is running" if wanted is None else "none is running"
    return _differences(sync_daemon_result(wanted), sync_daemon_result(found))


def _differences(wanted: Mapping[str, object], found: Mapping[str, object]) -> str:
    return "; ".join(f"{name} is {found[name]!r} instead of {wanted[name]!r}" for name in wanted if wanted[name] != found[name])
