# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Translate an errno: why the kernel refused a step, and what to do about it."""

from __future__ import annotations

import errno
import os

from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    NO_PERMISSION,
    IpvsConflictError,
    IpvsError,
    IpvsRejectedError,
    IpvsUnavailableError,
)
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    Refusal,
    StartSyncDaemon,
    Step,
    StopSyncDaemon,
)


def refusal_error(refusal: Refusal) -> IpvsError:
    """Return the error for a refused step."""
    step, number = refusal
    text = f"Cannot {step}: "
    name = errno.errorcode.get(number, str(number))
    if number in (errno.EPERM, errno.EACCES):
        return IpvsUnavailableError(f"{text}permission denied. {NO_PERMISSION}")
    if isinstance(step, (StartSyncDaemon, StopSyncDaemon)):
        return _daemon_error(step, number, f"{text}{_daemon_reason(step, number)} ({name})")
    if number == errno.ENOENT and isinstance(step, (AddService, EditService)):
        return IpvsRejectedError(text + _unknown_part(step))
    conflict = {
        errno.EEXIST: "it already exists",
        errno.ESRCH: "the service no longer exists",
        errno.ENOENT: "it no longer exists",
    }.get(number)
    if conflict:
        return IpvsConflictError(f"{text}{conflict} ({name}). Something else is changing the table; run the task again")
    if number == errno.EINVAL and isinstance(step, (AddDestination, EditDestination)):
        key = step.destination.key
        return IpvsRejectedError(
            f"{text}the kernel calls it invalid (EINVAL). {key} must be a unicast address that this host can route to, "
            "not a broadcast address of one of its networks, and of the service's family unless it is reached by a "
            "tunnel while no sync daemon runs"
        )
    return IpvsRejectedError(f"{text}{os.strerror(number)} ({name})")


def unknown_scheduler(name: str) -> str:
    """Return the sentence about a missing scheduler."""
    hint = "; the role lvs.director.ipvs_director builds and loads it" if name == "test" else ""
    return f'scheduler "{name}" is not known to the kernel: no module ip_vs_{name}{hint}'


def unknown_engine(name: str) -> str:
    """Return the sentence about a missing persistence engine."""
    return f'persistence engine "{name}" is not known to the kernel: no module ip_vs_pe_{name}'


def _unknown_part(step: Step) -> str:
    if not isinstance(step, (AddService, EditService)):
        raise TypeError(step)
    engine = step.service.persistence_engine
    if engine and os.path.exists(f"/sys/module/ip_vs_{step.service.scheduler}"):
        return f"{unknown_engine(engine)} (ENOENT)"
    return f"{unknown_scheduler(step.service.scheduler)} (ENOENT)"


def _daemon_error(step: Step, number: int, text: str) -> IpvsError:
    if number == (errno.EEXIST if isinstance(step, StartSyncDaemon) else errno.ESRCH):
        return IpvsConflictError(f"{text}. Something else starts and stops sync daemons; run the task again")
    return IpvsRejectedError(text)


def _daemon_reason(step: Step, number: int) -> str:
    """Explain an error number for a sync daemon."""
    if isinstance(step, StopSyncDaemon):
        return "it is no longer running" if number == errno.ESRCH else os.strerror(number)
    if not isinstance(step, StartSyncDaemon):
        raise TypeError(step)
    interface = step.daemon.interface
    reasons = {
        errno.EEXIST: "one is already running",
        errno.ENODEV: f"interface {interface} does not exist, or does not do the group's protocol",
        errno.ENETUNREACH: f"there is no way to the group through interface {interface}: it is down, or does not do the group's protocol",
        errno.EADDRNOTAVAIL: f"interface {interface} has no address to send from",
        errno.EADDRINUSE: f"port {step.daemon.port} is in use",
        errno.EAFNOSUPPORT: "the kernel does not do the group's protocol",
        errno.EINVAL: (
            f"the kernel calls it invalid: interface {interface} does not do the group's protocol, or a destination is of "
            "another family than its service"
        ),
    }
    return reasons.get(number, os.strerror(number))
