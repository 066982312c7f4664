# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin: each try of a task with ``until`` is the same task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.lvs.director.plugins.action.ipvs_table import ActionModule

from docs.plays import Director

SERVICES = [{"protocol": "tcp", "address": "192.0.2.1", "port": 80, "destinations": [{"address": "10.0.0.1"}]}]


class Task:
    def __init__(self, args: dict[str, Any]) -> None:
        self.args = args


def test_the_plugin_can_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    def run(self: Any, *_: object) -> dict[str, Any]:
        sent.append(self._task.args)
        if len(sent) == 1:
            raise OSError("the connection is lost")
        return {}

    monkeypatch.setattr(NormalAction, "run", run)
    action = ActionModule.__new__(ActionModule)
    action._task = Task({"services": SERVICES, "purge": False})  # type: ignore[assignment]
    with pytest.raises(OSError, match="lost"):
        action.run()
    for _try in range(2):
        action.run()
    assert action._task.args == {"services": SERVICES, "purge": False}
    assert sent[0] == sent[1] == sent[2]
    assert sent[0]["services"][0].keys() == {"packed", "number"}


def test_until_repeats_the_same_task(tmp_path: Path) -> None:
    """A real run, with a kernel in memory: the second try finds the changes of the first."""
    task = {
        "lvs.director.ipvs_table": {"services": SERVICES},
        "register": "result",
        "until": "result is not changed",
        "retries": 3,
        "delay": 0,
    }
    check = {"ansible.builtin.assert": {"that": ["result.attempts == 2", "result is not changed"]}}
    Director(tmp_path).run([{"hosts": "directors", "gather_facts": False, "tasks": [task, check]}])
