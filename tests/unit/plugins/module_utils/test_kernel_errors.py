# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages when the kernel refuses a step that passed all checks."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel import errors as _refusals
from ansible_collections.lvs.director.plugins.module_utils._kernel.errors import refusal_error
from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    IpvsConflictError,
    IpvsError,
    IpvsRejectedError,
    IpvsUnavailableError,
)
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    EditService,
    Refusal,
    StartSyncDaemon,
    Step,
    StopSyncDaemon,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Service, ServiceKey

KEY = ServiceKey("ipv4", "tcp", b"\xc0\0\2\1", 80)
REAL = DestinationKey(b"\x0a\0\0\1", 80)
MASTER = SyncDaemon("master", "eth1", 1, 1400, b"", 0, 0)
SIP = Service(KEY, "test", persistence_timeout=60, persistence_engine="sip")


@pytest.mark.parametrize(
    ("step", "number", "kind", "message"),
    [
        (DeleteDestination(KEY, REAL), errno.EPERM, IpvsUnavailableError, "permission denied. CAP_NET_ADMIN is needed"),
        (DeleteDestination(KEY, REAL), errno.ENOENT, IpvsConflictError, "it no longer exists (ENOENT). Something else is changing"),
        (AddDestination(KEY, Destination(REAL)), errno.ESRCH, IpvsConflictError, "the service no longer exists (ESRCH)"),
        (AddService(SIP), errno.EEXIST, IpvsConflictError, "it already exists (EEXIST)"),
        (AddDestination(KEY, Destination(REAL)), errno.EINVAL, IpvsRejectedError, "10.0.0.1:80 must be a unicast address"),
        (DeleteDestination(KEY, REAL), errno.EINVAL, IpvsRejectedError, ": Invalid argument (EINVAL)"),
        (StopSyncDaemon("master"), errno.ESRCH, IpvsConflictError, "it is no longer running (ESRCH). Something else starts and stops"),
        (StopSyncDaemon("master"), errno.EBUSY, IpvsRejectedError, "Device or resource busy (EBUSY)"),
        (StartSyncDaemon(MASTER), errno.EEXIST, IpvsConflictError, "one is already running (EEXIST)"),
        (StartSyncDaemon(MASTER), errno.ENODEV, IpvsRejectedError, "interface eth1 does not exist, or"),
    ],
)  # fmt: skip
def test_a_refusal_in_words(step: Step, number: int, kind: type[IpvsError], message: str) -> None:
    error = refusal_error(Refusal(step, number))
    assert isinstance(error, kind)
    assert str(error).startswith(f"Cannot {step}: ")
    assert message in str(error)


@pytest.mark.parametrize("step", [AddService(SIP), EditService(SIP)])
@pytest.mark.parametrize(("loaded", "message"), [(True, 'persistence engine "sip"'), (False, 'scheduler "test"')])
def test_the_missing_scheduler_or_engine_is_named(monkeypatch: pytest.MonkeyPatch, step: Step, loaded: bool, message: str) -> None:
    """The kernel has one error for both."""
    monkeypatch.setattr(_refusals.os.path, "exists", lambda path: loaded and path == "/sys/module/ip_vs_test")
    error = refusal_error(Refusal(step, errno.ENOENT))
    assert isinstance(error, IpvsRejectedError)
    assert f"Cannot {step}: {message} is not known to the kernel: no module ip_vs_" in str(error)
