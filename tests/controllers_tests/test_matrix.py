# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make matrix` from end to end, with scripts in the place of each version's programs and of make."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from controllers import __main__ as matrix
from controllers.versions import Version
from tools.checkout import ROOT

RECORD = "from tools.results import Result, record; record(Result('it', '{outcome}'))"


def script(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that gets a line for each call of a program; in 2.21 the unit tests fail."""
    calls = tmp_path / "calls"

    def environment(version: Version, release: str, _progress: object) -> Path:
        programs = tmp_path / version.name
        passes = version.name != "2.21"
        record = f'"{sys.executable}" -c "{RECORD.format(outcome="passed" if passes else "failed")}"'
        script(programs / "ansible-galaxy", f'echo "{release} installs into $7" >> {calls}')
        script(programs / "python3", f'echo "{release} tests $ANSIBLE_COLLECTIONS_PATH" >> {calls}', record, f"exit {int(not passes)}")
        return programs

    script(
        tmp_path / "bin" / "make",
        f'echo "$(basename $GUIDES_CONTROLLER) plays $3" >> {calls}',
        f'"{sys.executable}" -c "{RECORD.format(outcome="passed")}"',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(matrix.environments, "environment", environment)
    monkeypatch.setattr(matrix.versions, "newest", lambda version: f"{version.name}.7")
    monkeypatch.setattr(matrix, "BUILD", tmp_path / "build")
    monkeypatch.setattr(matrix, "CACHE", tmp_path / ".cache")
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    return calls


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["controllers", *arguments])
    return matrix.main()


def test_each_version_installs_tests_and_plays(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "2.19", "2.20") == 0
    installed = tmp_path / ".cache" / "controllers"
    assert calls.read_text().splitlines() == [
        f"2.19.7 installs into {installed / '2.19'}",
        f"2.20.7 installs into {installed / '2.20'}",
        f"2.19.7 tests {installed / '2.19'}",
        "2.19 plays SCENARIOS=guides",
        f"2.20.7 tests {installed / '2.20'}",
        "2.20 plays SCENARIOS=guides",
    ]
    assert capfd.readouterr().out.splitlines()[-1] == "4 passed, 0 failed"


def test_a_failing_version_does_not_stop_the_others(
    calls: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 1
    assert calls.read_text().count(" plays ") == 3
    said = capfd.readouterr().out.splitlines()
    assert "failed in units-2.21: it: " in said
    assert said[-1] == "5 passed, 1 failed"


def test_only_the_directory_is_printed(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--folder", "2.20") == 0
    assert capfd.readouterr().out == f"{tmp_path / '2.20'}\n"
    assert not calls.exists()


def test_an_unknown_version_is_an_error(calls: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "2.4") == 1
    assert "no controller is tested with ansible-core 2.4" in capfd.readouterr().err
