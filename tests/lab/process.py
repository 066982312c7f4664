# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that outlive the command that starts them, and how they are recognised later.

A process is ours if it runs under our user and carries an argument that nobody else's can carry
(it names a socket in the lab's own, randomly named runtime directory). This holds however the
starter ended, and a reused process number fools nobody.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path


def find(marker: str) -> list[int]:
    """The numbers of our processes that have ``marker`` as one of their arguments."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and _carries(int(directory.name), marker):
            found.append(int(directory.name))
    return found


def _carries(pid: int, marker: str) -> bool:
    try:
        directory = Path("/proc", str(pid))
        return (os.fsencode(marker) in (directory / "cmdline").read_bytes().split(b"\0")
                and directory.stat().st_uid == os.geteuid())
    except OSError:  # ended meanwhile, or not ours to look at
        return False


@contextlib.contextmanager
def _opened(pid: int) -> Iterator[int | None]:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def end(marker: str, patience: float = 5.0) -> int:
    """End our processes with that argument, forcibly if they do not listen; how many there were.

    The process is held by a descriptor *before* it is looked at, so the signal cannot reach
    another one that got the same number meanwhile.
    """
    ended = 0
    for pid in find(marker):
        with _opened(pid) as handle:
            if handle is None or not _carries(pid, marker):
                continue
            ended += 1
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            if not select.select([handle], [], [], patience)[0]:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                select.select([handle], [], [], patience)
    return ended


def wait_until_gone(marker: str, patience: float) -> bool:
    """Whether our processes with that argument ended by themselves in time."""
    deadline = time.monotonic() + patience
    while find(marker):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
