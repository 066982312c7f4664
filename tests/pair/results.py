# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps have come to, kept in a file from one of the scenario's runs of pytest to the next."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What a step may cost.

    :param lost: how many held connections.
    :param new_lost: which share of the new ones.
    :param new_refused: how many of them may be told that nobody is there.
    :param gap: seconds.
    :param seconds: how long it may take until what the step is about has come about.
    :param control: what a step shows that is meant to lose connections.
    """

    lost: int = 0
    new_lost: float | None = None
    new_refused: int | None = None
    gap: float | None = None
    seconds: float | None = None
    control: str = ""

    def __str__(self) -> str:
        if self.control:
            return f"control: {self.control}"
        said = [f"{self.lost} lost"]
        if self.new_lost is not None:
            said.append(f"new <= {self.new_lost:.1%}" if self.new_lost else "new 0")
        if self.new_refused is not None:
            said.append(f"refused {self.new_refused}")
        if self.gap is not None:
            said.append(f"gap <= {self.gap:g} s")
        if self.seconds is not None:
            said.append(f"<= {self.seconds:g} s")
        return ", ".join(said)


@dataclasses.dataclass(frozen=True)
class Row:
    """A step, and what it has cost."""

    step: str
    held: int
    lost: int
    new: int
    new_lost: int
    new_refused: int
    new_gap: float
    talking_gap: float
    bound: str
    note: str = ""
    seconds: float | None = None

    @classmethod
    def of(cls, step: str, found: dict[str, Any], bound: str, note: str = "", seconds: float | None = None) -> Row:
        """The row of a measurement of traffic.py."""
        return cls(
            step,
            found["talking"] + found["idle"],
            len(found["lost"]),
            found["new"],
            len(found["new_lost"]),
            sum(line.endswith(": refused") for line in found["new_lost"]),
            found["new_gap"],
            found["talking_gap"],
            bound,
            note,
            seconds,
        )

    def beyond(self, bounds: Bounds) -> list[str]:
        """What is beyond the bounds."""
        found = []
        if self.lost > bounds.lost:
            found.append(f"{self.lost} of {self.held} held connections were lost")
        if bounds.new_lost is not None and self.new_lost > bounds.new_lost * self.new:
            found.append(f"{self.new_lost} of {self.new} new connections were lost")
        if bounds.new_refused is not None and self.new_refused > bounds.new_refused:
            found.append(f"{self.new_refused} of {self.new} new connections were refused")
        if bounds.gap is not None and max(self.new_gap, self.talking_gap) > bounds.gap:
            found.append(f"a gap of {max(self.new_gap, self.talking_gap):.1f} s")
        if bounds.seconds is not None and (self.seconds is None or self.seconds > bounds.seconds):
            found.append("it has not come about" if self.seconds is None else f"it took {self.seconds:.1f} s")
        return found

    def __str__(self) -> str:
        took = "" if self.seconds is None else f"{self.seconds:.1f} s"
        line = (
            f"{self.step:<58} {took:>7} {f'{self.lost} of {self.held}':>10} {f'{self.new_lost} of {self.new}':>12} "
            f"{self.new_gap:7.1f} s {self.talking_gap:7.1f} s   {self.bound}"
        )
        return f"{line}; {self.note}" if self.note else line


HEAD = f"{'step':<58} {'took':>7} {'lost':>10} {'new lost':>12} {'new gap':>9} {'held gap':>9}   bound"


def record(path: Path, row: Row) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(dataclasses.asdict(row)) + "\n")


def table(path: Path) -> str:
    """All steps so far."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return "\n".join([HEAD, *(str(Row(**json.loads(line))) for line in lines)])
