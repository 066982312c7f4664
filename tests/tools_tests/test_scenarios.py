# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""With a script in place of molecule that prints molecule's output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools import scenarios
from tools.results import Result, read

RECORD = f"{sys.executable} -c \"from tools.results import Result, record; record(Result('verify', 'passed'))\""
SAYS = """#!/bin/sh
echo "$@" >> {calls}
[ "$1" = test ] || exit 0
echo 'INFO     [good > create] Executing'
echo 'something long'
echo 'lab  0.1 s  waiting for an image' >> "$LAB_PROGRESS"
echo 'INFO     [good > verify] Executing'
{then}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scenarios, "BUILD", tmp_path)
    monkeypatch.setattr(scenarios, "ROOT", tmp_path)
    monkeypatch.setenv("RESULTS_FILE", str(tmp_path / "results"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(scenarios.__file__).parents[1]))
    (tmp_path / "logs").mkdir()

    def _run(then: str) -> tuple[bool, list[str], list[Result]]:
        (tmp_path / "molecule").write_text(SAYS.format(calls=tmp_path / "calls", then=then))
        (tmp_path / "molecule").chmod(0o755)
        good = scenarios.run("good")
        return good, (tmp_path / "calls").read_text().splitlines(), read(tmp_path / "results")

    return _run


def test_a_scenario_shows_its_steps_and_keeps_its_log(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, calls, results = run(RECORD)
    assert good
    assert calls == ["test -s good"]
    assert results == [Result("verify", "passed"), Result("scenario good", "passed")]
    output = capsys.readouterr().out
    assert "good: create" in output
    assert "good: verify" in output
    assert "good: lab  0.1 s  waiting for an image" in output
    assert "something long" not in output
    assert "something long" in (tmp_path / "logs" / "scenario-good.log").read_text()


def test_a_failure_shows_the_end_of_the_log_and_destroys(run, capsys: pytest.CaptureFixture[str]) -> None:
    good, calls, results = run("echo it broke; exit 3")
    assert not good
    assert calls == ["test -s good", "destroy -s good"]
    assert results == [Result("scenario good", "failed", "failed at verify")]
    assert "it broke" in capsys.readouterr().out


def test_a_verifier_without_tests_is_a_failure(run) -> None:
    good, _calls, results = run("true")
    assert not good
    assert results == [Result("scenario good", "failed", "its verifier ran no test")]


def test_a_step_that_molecule_skips_is_a_failure(run) -> None:
    good, _calls, results = run(f"echo 'WARNING  [good > side_effect] Executed: Missing playbook (Remove it)'; {RECORD}")
    assert not good
    assert results[-1] == Result("scenario good", "failed", "molecule passed over side_effect, of which it has found no playbook")


def test_a_hanging_scenario_is_killed_with_its_machines(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "PATIENCE", 1)
    good, calls, results = run("sleep 60")
    assert not good
    assert calls == ["test -s good", "destroy -s good"]
    assert "did not end within 1 s" in results[0].detail
