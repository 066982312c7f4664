# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks, and Ansible's output about their tasks. Ansible runs on this host, and changes nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bench import tasks
from bench.tasks import Controller, Pair
from lab import LabError, MachineSpec
from lab.machine import Machine

SLEEP = {"ansible.builtin.pause": {"seconds": 1}}
NOTHING = {"ansible.builtin.assert": {"that": True, "quiet": True}}


@pytest.fixture
def controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Controller:
    monkeypatch.setattr("lab.inventory.COMMON", {"ansible_connection": "local"})
    return Controller(Machine(MachineSpec("bench"), 1, tmp_path, tmp_path, tmp_path / "key", 22), tmp_path)


@pytest.fixture
def without_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts that prepare the machine are not for this host."""
    monkeypatch.setattr(tasks, "_shell", lambda script: {"name": "prepare", **NOTHING})


def names(playbook: list[dict[str, Any]]) -> list[str]:
    return [task["name"] for task in playbook[0]["tasks"]]


def test_runs_alternate_after_a_warm_up_pair() -> None:
    pair = Pair(ours=NOTHING, peer=NOTHING)
    assert names(pair.playbook(2)) == ["prepare", "warm up ours", "warm up peer", "ours", "peer", "ours", "peer", "prepare"]


def test_the_table_is_made_ready_before_each_task_that_changes_it() -> None:
    pair = tasks.loop(20)
    each = ["prepare", "ours", "prepare", "peer"]
    assert names(pair.playbook(2)) == ["prepare", "prepare", "warm up ours", "prepare", "warm up peer", *each, *each, "prepare"]
    # Their services exist before the loop, which only adds destinations.
    assert pair.before_peer.count("ipvsadm -A ") == 2
    assert len(pair.variables["rules"]) == 20
    assert all(rule.startswith("-a ") for rule in pair.variables["rules"])


@pytest.mark.usefixtures("without_scripts")
def test_the_seconds_are_those_of_the_tasks(controller: Controller) -> None:
    ours, peer = controller.pairs("case", Pair(ours=SLEEP, peer=NOTHING), 2)
    assert len(ours) == len(peer) == 2
    assert all(1 <= one < 10 for one in ours)
    assert all(0 < one < 1 for one in peer)


@pytest.mark.usefixtures("without_scripts")
@pytest.mark.parametrize("changes", [True, False])
def test_a_task_with_an_unexpected_result_is_not_measured(controller: Controller, changes: bool) -> None:
    does = {**NOTHING, "changed_when": not changes}
    with pytest.raises(LabError, match=f"changed={not changes}"):
        controller.pairs("case", Pair(ours=does, peer=NOTHING, changes=changes), 1)
    assert controller.pairs("case", dataclasses.replace(Pair(ours=does, peer=NOTHING), changes=not changes), 1)


def test_the_tasks_that_go_to_the_machine_are_counted(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"ansible.builtin.command": "/bin/true", "changed_when": False}
    several = [there, NOTHING, {**there, "loop": [1, 2]}, {**there, "when": False}, {"ansible.builtin.set_fact": {"x": 1}}]
    monkeypatch.setattr(tasks, "ROLE_PLAY", [{"hosts": "all", "gather_facts": False, "tasks": several}])
    ours, peer, went = controller.role_noop("case", 1)
    assert len(ours) == len(peer) == 1
    assert went == 2


def test_a_role_that_reports_changes_is_not_measured(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    changing = {"name": "change", **NOTHING, "changed_when": True}
    monkeypatch.setattr(tasks, "ROLE_PLAY", [{"hosts": "all", "gather_facts": False, "tasks": [changing]}])
    with pytest.raises(LabError, match="still changed something: change"):
        controller.role_noop("case", 1)


def test_a_failure_quotes_ansibles_output(controller: Controller) -> None:
    fails = [{"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.fail": {"msg": "there is no such thing"}}]}]
    with pytest.raises(LabError, match="there is no such thing"):
        controller.play("case", fails)
