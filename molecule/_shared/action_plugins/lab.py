# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action ``lab``: run a command of tests/lab, and show its progress.

(The command module would keep that to itself until the end.)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

TESTS = Path(__file__).resolve().parents[3] / "tests"


class ActionModule(ActionBase):
    """lab: {command: up, state: DIR, machines: [...]}, or {command: down, state: DIR}."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self._task.args
        said = []
        with subprocess.Popen([sys.executable, "-m", "lab", arguments["command"], "--state", arguments["state"]],
                              env=os.environ | {"PYTHONPATH": str(TESTS)}, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
            assert job.stdin
            assert job.stdout
            assert job.stderr
            json.dump(arguments.get("machines", []), job.stdin)
            job.stdin.close()
            for line in job.stderr:
                Display().display(line.rstrip())
                said.append(line.rstrip())
            answer = job.stdout.read()
        if job.returncode != 0:
            return result | {"failed": True, "msg": "\n".join(said[-40:])}
        return result | {"changed": True, "machines": json.loads(answer) if answer else []}
