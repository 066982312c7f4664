# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of tasks that a run of the role sends to the machine; and check mode works alike however it is set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_director as installed
import pytest
import yaml

Task = dict[str, Any]

TASKS = Path(next(iter(installed.__path__))) / "tasks"
# They run on the controller.
LOCAL = {
    "ansible.builtin.assert",
    "ansible.builtin.debug",
    "ansible.builtin.fail",
    "ansible.builtin.include_vars",
    "ansible.builtin.set_fact",
    "lvs.director.ipvs_role_variables",
}
KEYWORDS = {
    *("name", "when", "tags", "vars", "register", "failed_when", "changed_when", "check_mode", "environment", "diff"),
    *("loop", "delegate_to", "delegate_facts", "ignore_unreachable"),
}
# The state of a director on which nothing is left to do.
SKIPPED = re.compile(
    r"__ipvs_director_(missing|unfinished|pip_packages)\b.* length > 0|== 'absent'|table_ready"
    r"|ipvs_director_(vrrp|sync) is defined|has_vrrp|__ipvs_director_checked"
)


def flat(name: str, *conditions: str) -> Iterator[tuple[Task, str]]:
    yield from inside(yaml.safe_load((TASKS / name).read_text(encoding="utf-8")), *conditions)


def inside(tasks: list[Task], *conditions: str) -> Iterator[tuple[Task, str]]:
    for task in tasks:
        when = [*conditions, str(task.get("when", ""))]
        if "block" in task:
            yield from inside(task["block"], *when)
            yield from inside(task.get("rescue", []), *when, "rescue")
        elif "ansible.builtin.import_tasks" in task:
            yield from flat(task["ansible.builtin.import_tasks"], *when)
        else:
            yield task, " and ".join(when)


def action(task: Task) -> str:
    (name,) = set(task) - KEYWORDS
    return name


def test_a_run_with_nothing_to_do_sends_at_most_ten_tasks_to_the_machine() -> None:
    remote = [action(task) for task, when in flat("main.yml") if action(task) not in LOCAL and not SKIPPED.search(when)]
    assert len(remote) <= 10, remote
    assert remote[:3] == ["ansible.builtin.setup", "lvs.director.ipvs_machine_info", "lvs.director.ipvs_scheduler"]


@pytest.mark.parametrize("path", sorted(TASKS.glob("*.yml")), ids=lambda path: path.name)
def test_check_mode_does_not_depend_on_the_command_line(path: Path) -> None:
    """13.1: ansible_check_mode is only true with --check, and a task without check mode changes something in it."""
    text = path.read_text(encoding="utf-8")
    assert "ansible_check_mode" not in text
    assert "check_mode: false" not in text


def test_removal_is_predicted_before_anything_is_removed() -> None:
    """13.12: and check mode is the prediction alone."""
    predicted, removed = yaml.safe_load((TASKS / "absent.yml").read_text(encoding="utf-8"))
    assert predicted["check_mode"] is True
    assert predicted["block"][0]["ansible.builtin.import_tasks"] == removed["ansible.builtin.import_tasks"] == "remove.yml"
    assert removed["when"] == "not __ipvs_director_machine.check_mode"
    assert not [action(task) for task, when in flat("main.yml") if "== 'absent'" not in when and task.get("state") == "absent"]


def test_only_read_tasks_precede_the_prediction() -> None:
    before = [action(task) for task, when in flat("main.yml") if "== 'present'" not in when and "== 'absent'" not in when]
    assert set(before) - LOCAL == {"ansible.builtin.setup", "lvs.director.ipvs_machine_info"}
