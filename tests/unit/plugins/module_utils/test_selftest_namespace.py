# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process in a namespace of its own: its answers, its failures, and that it never outlives the process that waits for it.

The network namespace itself needs root; scenario selftest has that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError, IpvsRejectedError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._selftest import namespace as _namespace
from ansible_collections.lvs.director.plugins.module_utils._selftest.namespace import Answer, run_in_namespace


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_namespace, "_leave", lambda libc, outside: None)


def test_the_answer_comes_back_from_another_process() -> None:
    answer = run_in_namespace(lambda: {"process": os.getpid(), "long": "x" * 300_000}, 30)
    assert answer["process"] != os.getpid()
    assert len(answer["long"]) == 300_000
    with pytest.raises(ProcessLookupError):
        os.kill(answer["process"], 0)


def test_its_output_is_not_the_modules_result(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> Answer:
        os.write(1, b"not for the task")
        os.write(2, b"nor this")
        os.system("echo nor that")
        return {}

    assert run_in_namespace(work, 30) == {}
    assert capfd.readouterr() == ("", "")


def test_an_error_keeps_its_words() -> None:
    def work() -> Answer:
        raise IpvsRejectedError("Cannot add service: no")

    with pytest.raises(IpvsExperimentError, match=r"^Cannot add service: no$"):
        run_in_namespace(work, 30)


def test_an_unexpected_error_keeps_its_traceback() -> None:
    def work() -> Answer:
        raise ZeroDivisionError("never thought of")

    with pytest.raises(RuntimeError, match=r"in work[\s\S]*ZeroDivisionError: never thought of"):
        run_in_namespace(work, 30)


def test_a_killed_process_is_reported() -> None:
    def work() -> Answer:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    with pytest.raises(IpvsExperimentError, match="ended by signal 9 from outside"):
        run_in_namespace(work, 30)


def test_a_process_that_runs_too_long_is_killed() -> None:
    started = time.monotonic()

    def work() -> Answer:
        time.sleep(60)
        return {}

    with pytest.raises(IpvsExperimentError, match="took more than 0 seconds, and was ended"):
        run_in_namespace(work, 0.2)
    assert time.monotonic() - started < 10


def test_an_interrupted_process_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """For example by Ctrl-C in the waiting process."""
    seen: list[int] = []
    fork = os.fork

    def remembered() -> int:
        seen.append(fork())
        return seen[-1]

    def interrupt(source: int, limit: float) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fork", remembered)
    monkeypatch.setattr(_namespace, "_read", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_in_namespace(lambda: {"slept": time.sleep(60)}, 90)
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], 0)


PARENT = """
import os, sys, time
from ansible_collections.lvs.director.plugins.module_utils._selftest import namespace as _namespace
_namespace._leave = lambda libc, outside: None
def work():
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(60)
_namespace.run_in_namespace(work, 90)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_ends_with_its_parent(tmp_path: Path, number: signal.Signals) -> None:
    told = tmp_path / "child"
    with subprocess.Popen([sys.executable, "-c", PARENT, str(told)]) as parent:
        wait_until(told.exists)
        child = int(told.read_text())
        assert is_running(child)
        parent.send_signal(number)
        parent.wait(10)
    wait_until(lambda: not is_running(child))


def wait_until(happened: object) -> None:
    assert callable(happened)
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(process: int) -> bool:
    """An unreaped zombie does not count."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "CAP_SYS_ADMIN is needed: run the task as root"), (28, "user.max_net_namespaces"), (22, "CONFIG_NET_NS"), (12, "Cannot allocate")],
)
def test_an_unavailable_namespace_is_explained(monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    monkeypatch.undo()

    class Libc:
        def unshare(self, flags: int) -> int:
            assert flags == 0x40000000
            return -1

    monkeypatch.setattr(_namespace.ctypes, "get_errno", lambda: number)
    with pytest.raises(IpvsUnavailableError, match=f"Cannot make a network namespace for the self-test: .*{words}"):
        _namespace._leave(Libc(), 0)  # type: ignore[arg-type]


def test_the_machines_own_namespace_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    class Libc:
        def unshare(self, flags: int) -> int:
            return 0

    here = os.stat(_namespace.NAMESPACE).st_ino
    with pytest.raises(IpvsExperimentError, match="not in a network namespace of its own"):
        _namespace._leave(Libc(), here)  # type: ignore[arg-type]
