# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of checks: one JSON object per line, in the file named by $RESULTS_FILE.

Every part of `make test` records its checks here as they end; the sum counts the checks that really ran. A check that can hang also
records its start: if it never ends, it has failed, and its name shows where the part hung.
Without $RESULTS_FILE nothing is recorded, and the parts run as usual.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Outcome = Literal["begun", "passed", "failed", "skipped"]


@dataclass(frozen=True)
class Result:
    name: str
    outcome: Outcome
    detail: str = ""  # why, if it did not pass


@dataclass(frozen=True)
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @classmethod
    def of(cls, results: Iterable[Result]) -> Tally:
        outcomes = [result.outcome for result in results]
        return cls(outcomes.count("passed"), outcomes.count("failed"), outcomes.count("skipped"))

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def record(result: Result, file_name: str = "") -> None:
    """Add a result to a file, which is that of the running part if none is named, and if there is one."""
    if name := file_name or os.environ.get("RESULTS_FILE"):
        # One write to a file opened for appending: lines of checks that run beside each other do not mix.
        with open(name, "a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")


def read(path: Path) -> list[Result]:
    """Return the results that a part has recorded. Checks that started and did not end have failed."""
    if not path.exists():
        return []
    results: list[Result] = []
    begun: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        result = Result(**json.loads(line))
        if result.outcome == "begun":
            begun.append(result.name)
            continue
        if result.name in begun:
            begun.remove(result.name)
        results.append(result)
    return [*results, *(Result(name, "failed", "did not end") for name in begun)]
