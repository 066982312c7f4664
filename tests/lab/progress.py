# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell on stderr what happens and, while nothing does, what is being waited for.

Ansible shows what a command says only when it has ended. So whoever sees the lab through Ansible
may name a file in $LAB_PROGRESS, to which each line is added as well.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator


class Progress:
    """One line per event; a line every few seconds for what is still awaited."""

    def __init__(self, interval: float = 10.0) -> None:
        self._started = time.monotonic()
        self._interval = interval
        self._waits: dict[tuple[str, str, Callable[[], str]], float] = {}
        self._lock = threading.Lock()
        self._silent_since = self._started
        self._reporter: threading.Thread | None = None

    def say(self, who: str, what: str) -> None:
        """Print one event."""
        with self._lock:
            self._print(f"{who}: {what}")

    @contextlib.contextmanager
    def waiting(self, who: str, what: str, details: Callable[[], str] = str) -> Iterator[None]:
        """Name what ``who`` waits for as long as the block runs, with the details of the moment."""
        key = (who, what, details)
        with self._lock:
            self._waits[key] = time.monotonic()
            if self._reporter is None:
                self._reporter = threading.Thread(target=self._report, daemon=True)
                self._reporter.start()
        try:
            yield
        finally:
            with self._lock:
                del self._waits[key]

    def _report(self) -> None:
        while True:
            time.sleep(0.5)
            with self._lock:
                now = time.monotonic()
                if not self._waits:
                    self._reporter = None
                    return
                longest = now - min(self._waits.values())
                if min(longest, now - self._silent_since) >= self._interval:
                    self._print("waiting for " + ", ".join(
                        f"{who} ({what}, {now - since:.0f} s so far{details()})"
                        for (who, what, details), since in self._waits.items()))

    def _print(self, line: str) -> None:
        self._silent_since = time.monotonic()
        line = f"lab {self._silent_since - self._started:6.1f} s  {line}"
        print(line, file=sys.stderr, flush=True)
        if path := os.environ.get("LAB_PROGRESS"):
            with open(path, "a", encoding="utf-8") as file:
                file.write(f"{line}\n")
