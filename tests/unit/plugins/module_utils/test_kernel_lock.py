# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock between runs: waiting, the message after waiting in vain, and no access for others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel import lock as _lock
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsUnavailableError


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tmp_path.chmod(0o755)
    path = tmp_path / "lock"
    monkeypatch.setattr(_lock, "LOCK", str(path))
    monkeypatch.setattr(_lock, "_PATIENCE", 0.2)
    return path


HOLDER = """
import sys
from ansible_collections.lvs.director.plugins.module_utils._kernel import lock as _lock
_lock.LOCK = sys.argv[1]
with _lock.lock(exclusive=sys.argv[2] == "exclusive"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(place: Path, kind: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(place), kind]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize(("held", "wanted"), [("exclusive", True), ("exclusive", False), ("shared", True)])
def test_only_one_writer_at_a_time(place: Path, held: str, wanted: bool) -> None:
    with held_by_another(place, held) as process:
        name = str(process.pid) if held == "exclusive" else "unknown"
        with pytest.raises(IpvsConflictError, match=rf"\(process {name}\) has been working on the table for 0 seconds"):
            with _lock.lock(exclusive=wanted):
                pass
    # The kernel let go of it when the process was killed.
    with _lock.lock(exclusive=wanted):
        pass


def test_readers_do_not_wait_for_each_other(place: Path) -> None:
    with held_by_another(place, "shared"), _lock.lock(exclusive=False):
        pass


def test_the_lock_waits_up_to_its_limit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lock, "_PATIENCE", 30.0)
    with held_by_another(place, "exclusive") as process:
        pauses = []

        def sleep(_seconds: float) -> None:
            pauses.append(1)
            if len(pauses) == 3:
                process.kill()
                process.wait()

        monkeypatch.setattr(time, "sleep", sleep)
        with _lock.lock(exclusive=True):
            assert len(pauses) >= 3


def test_only_root_can_open_it(place: Path) -> None:
    before = os.umask(0)
    try:
        with _lock.lock(exclusive=True):
            assert place.stat().st_mode & 0o777 == 0o600
            assert place.read_text() == f"{os.getpid()}\n"
    finally:
        os.umask(before)


def test_a_lock_that_others_could_hold_is_refused(place: Path) -> None:
    place.touch()
    place.chmod(0o644)
    with pytest.raises(IpvsUnavailableError, match="is not a file that only root can open: remove it"):
        with _lock.lock(exclusive=True):
            pass
    place.unlink()
    place.parent.chmod(0o777)
    with pytest.raises(IpvsUnavailableError, match="must belong to root"):
        with _lock.lock(exclusive=True):
            pass


def test_a_symbolic_link_is_not_followed(place: Path) -> None:
    victim = place.parent / "victim"
    place.symlink_to(victim)
    with pytest.raises(IpvsUnavailableError, match=r"Cannot open .*lock, which keeps two runs"):
        with _lock.lock(exclusive=True):
            pass
    assert not victim.exists()


def test_a_lock_file_that_cannot_be_created(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lock, "LOCK", str(place / "missing" / "lock"))
    with pytest.raises(IpvsUnavailableError, match="No such file or directory"):
        with _lock.lock(exclusive=False):
            pass
