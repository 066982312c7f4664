# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def lab(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "lab", *arguments], input=given, text=True, capture_output=True, check=False)


@pytest.mark.parametrize(("given", "complaint"), [
    ("nonsense", "standard input must be a JSON list of machines: Expecting value"),
    ('{"name": "director"}', "standard input must be a JSON list of machines, like"),
    ('["director"]', "standard input must be a JSON list of machines, like"),
    ("[]", "a lab needs machines"),
    ('[{"name": "director", "imgae": "debian12"}]', "machine 'director': unknown key imgae"),
])
def test_an_impossible_lab_is_refused_with_a_sentence(tmp_path: Path, given: str, complaint: str) -> None:
    ended = lab("up", "--state", str(tmp_path / "state"), given=given)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"lab: {complaint}")
    assert ended.stdout == ""


def test_ssh_to_an_unknown_machine(tmp_path: Path) -> None:
    ended = lab("ssh", "--state", str(tmp_path), "director", "true")
    assert (ended.returncode, ended.stderr) == (1, f"lab: {tmp_path} has no machine 'director'; there are: none\n")


def test_down_without_a_lab_is_fine(tmp_path: Path) -> None:
    assert lab("down", "--state", str(tmp_path / "state")).returncode == 0
