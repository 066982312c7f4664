# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program with a timeout, and read its output line by line.

The program gets its own session, and is killed with everything that it started: make would leave its shell's children behind. Output is
read until the last writer is gone, which is when all of them have ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Seconds for a program to end after SIGTERM, and for its children to end after it: ssh keeps a connection for a minute.
GRACE = 90.0


class Program:
    """A program that runs.

    :param each_line: called with every line of output, in a thread.
    :param grace: seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        command: Sequence[str],
        each_line: Callable[[str], None],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        grace: float = GRACE,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._each_line = each_line
        self._grace = grace
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._each_line(line)

    def wait(self, limit: float) -> tuple[int, str]:
        """Wait for the end, and return the exit status and, if the program had to be killed, the reason.

        :param limit: seconds.
        """
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            why = f"did not end within {limit:.0f} s"
        else:
            self._reader.join(self._grace)
            why = "left processes behind that would not end" if self._reader.is_alive() else ""
        self.end()
        return self._process.returncode, why

    def end(self) -> None:
        """End the program and its children; kill those that do not end by themselves."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self._runs():
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            self._reader.join(self._grace)
            with contextlib.suppress(subprocess.TimeoutExpired):
                # It may have closed its output before it ends.
                self._process.wait(self._grace)

    def _runs(self) -> bool:
        return self._process.poll() is None or self._reader.is_alive()
