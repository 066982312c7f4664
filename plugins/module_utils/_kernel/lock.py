# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Lock: one run at a time, so the table does not change between reading and writing.

A flock on a file that only root can open, in a directory that only root can write to: nobody else can hold or replace it. The
kernel releases it when the process ends. All network namespaces share it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsUnavailableError

LOCK = "/run/lvs.director.lock"

# Seconds; enough for a run on the largest tables.
_PATIENCE = 60.0
_PAUSE = 0.05


@contextlib.contextmanager
def lock(*, exclusive: bool) -> Iterator[None]:
    """Hold the lock: exclusive to change the table, shared (with other readers) to read it.

    :raises IpvsConflictError: another run does not release it.
    :raises IpvsUnavailableError: the lock file cannot be opened, or is not safe.
    """
    file = _open()
    try:
        _acquire(file, exclusive)
        if exclusive:
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)


def _open() -> int:
    directory = os.path.dirname(LOCK)
    try:
        _refuse_unless_only_root_writes(directory, os.stat(directory))
        file = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        raise IpvsUnavailableError(
            f"Cannot open {LOCK}, which keeps two runs from changing the table at the same time: {exc.strerror}. "
            "Run the task as root (become: true)"
        ) from exc
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077:
            raise IpvsUnavailableError(f"{LOCK} is not a file that only root can open: remove it")
        _refuse_unless_only_root_writes(LOCK, found)
    except BaseException:
        os.close(file)
        raise
    return file


def _refuse_unless_only_root_writes(path: str, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise IpvsUnavailableError(
            f"{path} must belong to root, who runs this, and be writable by nobody else: anybody could hold the lock otherwise"
        )


def _acquire(file: int, exclusive: bool) -> None:
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
                raise IpvsConflictError(
                    f"Another run of lvs.director (process {holder}) has been working on the table for {_PATIENCE:.0f} seconds. "
                    "Nothing was changed; run the task again when it has ended"
                ) from None
            time.sleep(_PAUSE)
