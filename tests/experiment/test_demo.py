# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo with a fake lab: its text without a terminal, and what becomes of its machines.

printed.txt was printed by the run that is recorded in docs/overload.json.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError

from experiment import demo, fakes
from experiment.recorded import loaded
from experiment.replay import RECORDED
from experiment.service import services
from lab import LabError
from tools.checkout import ROOT

PRINTED = Path(__file__).with_name("printed.txt").read_text(encoding="utf-8")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> fakes.FakeLab:
    for name in ("PICTURE", "RECORD"):
        monkeypatch.setattr(demo, name, tmp_path / getattr(demo, name).name)
    monkeypatch.delenv("KEEP", raising=False)
    return fakes.install(monkeypatch)


def test_without_a_terminal_the_demo_prints_what_it_always_did(
    lab: fakes.FakeLab, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert demo.demo() == 0
    printed = capsys.readouterr().out.replace(str(tmp_path), "build")
    assert printed[printed.index("== 4.") :] == PRINTED
    assert lab.events == ["down", "up", "down"]


def test_the_demo_leaves_the_record_of_its_run(lab: fakes.FakeLab) -> None:
    demo.demo()
    service = services()["test"]
    assert loaded(demo.RECORD.read_text(), service) == loaded(RECORDED.read_text(), service)


def test_the_record_says_where_the_control_did_something_else(lab: fakes.FakeLab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.fault = lambda number, server: None if number == 21 else server
    assert demo.demo() == 1
    service = services()["test"]
    *others, last = (record.broken for record in loaded(demo.RECORD.read_text(), service))
    assert set(others) == {()}
    assert last[-1] == "test and fo did not do the same"
    assert f"   NOT AS EXPECTED: {last[-1]}\n" in capsys.readouterr().out


PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - {name: This one is ok, ansible.builtin.assert: {that: true}}
    - {name: This one changes something, ansible.builtin.assert: {that: true}, changed_when: true}
    - {name: This one fails, ansible.builtin.fail: }
"""


def test_tasks_that_are_ok_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "inventory.yml").write_text("all: {hosts: {localhost: }}\n")
    monkeypatch.setattr(demo, "INVENTORY", tmp_path / "inventory.yml")
    with pytest.raises(LabError, match=r"play\.yml failed: ansible-playbook says above why"):
        demo.play(tmp_path / "play.yml")
    shown = capfd.readouterr().out
    assert "TASK [This one is ok]" not in shown
    assert "ok: [" not in shown
    assert "changed: [localhost]" in shown
    assert "TASK [This one fails]" in shown


@pytest.mark.parametrize("ending", [None, LabError, IpvsExperimentError, KeyboardInterrupt])
def test_machines_stay_with_keep_however_the_demo_ends(
    lab: fakes.FakeLab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ending: type[BaseException] | None
) -> None:
    monkeypatch.setenv("KEEP", "1")
    if ending:

        def fail(_lab: object, _started: float) -> int:
            raise ending

        monkeypatch.setattr(demo, "experiment", fail)
        with pytest.raises(ending):
            demo.demo()
    else:
        assert demo.demo() == 0
    assert lab.events == ["down", "up"]
    printed = capsys.readouterr().out
    assert f"The machines still run, until the next `make demo`: director, client. In {ROOT}:\n" in printed
    for _purpose, command in demo.USES:
        assert f"{command}\n" in printed


@pytest.mark.parametrize("keep", ["", "0"])
def test_machines_end_without_keep(lab: fakes.FakeLab, monkeypatch: pytest.MonkeyPatch, keep: str) -> None:
    monkeypatch.setenv("KEEP", keep)
    demo.demo()
    assert lab.events == ["down", "up", "down"]


def test_the_commands_for_machines_that_stay_need_no_environment_of_ours(tmp_path: Path) -> None:
    """Debian's Python runs them; a lab of no machines has no director to log in to, and nothing to end."""
    answers = []
    for purpose, command in demo.USES:
        if purpose != "run Ansible":
            empty = command.replace(str(demo.STATE), str(tmp_path))
            assert empty != command
            environment = {"PATH": "/usr/bin:/bin"}
            done = subprocess.run(empty, check=False, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
            answers.append((done.returncode, done.stderr))
    assert answers == [(1, f"lab: {tmp_path} has no machine 'director'; there are: none\n"), (0, "")]


def test_make_gives_keep_to_the_demo() -> None:
    shown = subprocess.run(
        ["make", "-s", "-f", "-", "show", "KEEP=1"],
        input=f"include {ROOT / 'Makefile'}\nshow:\n\t@{sys.executable} -c 'import os; print(os.environ[\"KEEP\"])'\n",
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert shown.stdout == "1\n"
