# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The near end of the client (_selftest/client.py): one ssh pipe to the client VM for the whole experiment."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError
from ansible_collections.lvs.director.plugins.module_utils._selftest import client as _experiment_client

SOURCE = Path(_experiment_client.__file__)
# It comes as an argument, so nothing is installed in the client and nothing there can be stale.
COMMAND = f"python3 -S -c {shlex.quote(SOURCE.read_text())}"

# Seconds for an answer: a client that checks all connections waits ten seconds for each that is dead.
LIMIT = 300.0


class Agent:
    def __init__(self, popen: Callable[[str], subprocess.Popen[str]]) -> None:
        """`popen` starts one command in the client, its standard streams being text pipes."""
        self.process = popen(COMMAND)

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *exc: object) -> None:
        """The agent ends with its input, and its connections with it."""
        assert self.process.stdin
        try:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
            self.process.wait(timeout=30)
        finally:
            self.process.kill()

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        answer = ""
        # Without an answer, the client ends, and the line that is waited for with it.
        late = threading.Timer(LIMIT, self.process.kill)
        late.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(json.dumps({"do": do, **values}) + "\n")
                self.process.stdin.flush()
                answer = self.process.stdout.readline()
            if not answer:
                words = self.process.stderr.read() if self.process.stderr else ""
                status = self.process.wait(LIMIT)
                raise IpvsExperimentError(f"the client has ended (status {status}) at {do} {values}: {words}")
        finally:
            late.cancel()
        return dict(json.loads(answer))
