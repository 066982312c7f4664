# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write each task's seconds, as Ansible has them, to the file that $BENCH_SECONDS names: one JSON object a line."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: bench_seconds
type: aggregate
short_description: the seconds of each task, for the bench
description: Writes a JSON object a line to the file that the environment variable BENCH_SECONDS names.
"""


class CallbackModule(CallbackBase):
    """From the start of a task to its result: everything between, on the controller and on the target, loops included."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_seconds"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._begun = 0.0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._begun = time.perf_counter()

    def v2_runner_on_ok(self, result: Any) -> None:
        passed = time.perf_counter() - self._begun
        line = json.dumps({"task": result.task.get_name(), "seconds": passed, "changed": bool(result.result.get("changed"))})
        with open(os.environ["BENCH_SECONDS"], "a", encoding="utf-8") as file:
            file.write(line + "\n")
