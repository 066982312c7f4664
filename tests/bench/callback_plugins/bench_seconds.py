# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write each task's seconds, as Ansible has them, to the file that $BENCH_SECONDS names: one JSON object a line."""

from __future__ import annotations

import json
import mmap
import os
import struct
import time
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import connection_loader

DOCUMENTATION = """
name: bench_seconds
type: aggregate
short_description: the seconds of each task, for the bench
description: Writes a JSON object a line to the file that the environment variable BENCH_SECONDS names.
"""


class Calls:
    """How many commands went over connections, counted in memory that Ansible's workers share."""

    _COUNT = struct.Struct("=Q")

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, self._COUNT.size)

    @property
    def number(self) -> int:
        return int(self._COUNT.unpack(self._shared[:])[0])

    def watch(self, connection: Any) -> None:
        """Count the commands of this kind of connection from now on."""
        execute = connection.exec_command

        def counted(*arguments: Any, **options: Any) -> Any:
            self._shared[:] = self._COUNT.pack(self.number + 1)
            return execute(*arguments, **options)

        connection.exec_command = counted


class CallbackModule(CallbackBase):
    """From the start of a task to its result: everything between, on the controller and on the target, loops included."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_seconds"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._begun = 0.0
        self._calls_before = 0
        self._calls = Calls()
        for name in ("ssh", "local"):
            self._calls.watch(connection_loader.get(name, class_only=True))

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._begun = time.perf_counter()
        self._calls_before = self._calls.number

    def v2_runner_on_ok(self, result: Any) -> None:
        passed = time.perf_counter() - self._begun
        seen = {
            "task": result.task.get_name(),
            "seconds": passed,
            "changed": bool(result.result.get("changed")),
            "went_to_machine": self._calls.number > self._calls_before,
        }
        with open(os.environ["BENCH_SECONDS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(seen) + "\n")
