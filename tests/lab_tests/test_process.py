# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from lab import process

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def marker() -> str:
    return f"unix:/tmp/lab-{uuid.uuid4().hex}/director.qmp"


@pytest.fixture
def start() -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def run(*arguments: str, code: str = "import time; time.sleep(60)") -> subprocess.Popen[bytes]:
            job = stack.enter_context(subprocess.Popen([sys.executable, "-c", code, *arguments]))
            stack.callback(job.kill)
            while not process.find(arguments[0]) and job.poll() is None:
                time.sleep(0.01)
            return job

        yield run


def test_a_process_is_found_by_its_argument(start: Start, marker: str) -> None:
    job = start(marker)
    assert process.find(marker) == [job.pid]
    assert process.find(marker[:-1]) == []


def test_only_processes_with_the_argument_are_killed(start: Start, marker: str) -> None:
    ours, relative, stranger = start(marker), start(marker + ".log"), start("another")
    assert process.end(marker) == 1
    assert ours.wait(5) == -15
    assert relative.poll() is None
    assert stranger.poll() is None


def test_a_process_that_ignores_sigterm_is_killed(start: Start, marker: str) -> None:
    job = start(marker, code="import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)")
    time.sleep(0.3)  # until it does not listen
    assert process.end(marker, patience=0.2) == 1
    assert job.wait(5) == -9


def test_a_reused_process_id_is_left_alone(start: Start, marker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = start("another")
    monkeypatch.setattr(process, "find", lambda _marker: [stranger.pid])  # what a moment ago was true
    assert process.end(marker) == 0
    assert stranger.poll() is None


def test_nothing_to_end_is_fine(marker: str) -> None:
    assert process.end(marker) == 0


def test_another_user_s_process_is_not_ours(start: Start, marker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start(marker)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert process.find(marker) == []
