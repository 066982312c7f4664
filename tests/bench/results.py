# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements and their evaluation: ratios, medians, bounds."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One case with one size: the seconds of each run, ours and the peer's, pair by pair."""

    case: str
    size: int
    ours: Sequence[float]
    peer: Sequence[float]
    bound: float | None = None
    """The upper bound of the ratio; without it, the row is only shown."""
    note: str = ""
    """A remark."""
    grows: bool = False
    """Whether to report how our time grows with the size."""

    def __post_init__(self) -> None:
        if not self.ours or len(self.ours) != len(self.peer):
            raise ValueError(f"{self.case} ({self.size}): {len(self.ours)} runs of ours and {len(self.peer)} of the peer are no pairs")

    @property
    def ratios(self) -> list[float]:
        """Ours to the peer's, pair by pair: the two of a pair ran one after the other, when the machine was equally busy."""
        return [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool:
        return self.bound is None or self.ratio <= self.bound

    def as_json(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "size": self.size,
            "ours_s": list(self.ours),
            "peer_s": list(self.peer),
            "ratio": self.ratio,
            "bound": self.bound,
            "note": self.note,
        }


@dataclass(frozen=True)
class Limit:
    """A number beside the ratios that has a bound of its own."""

    name: str
    value: float
    bound: float
    unit: str

    @property
    def met(self) -> bool:
        return self.value <= self.bound

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.value, "bound": self.bound, "unit": self.unit}


GROWTH_BOUND = 1.15
"""The highest exponent of the size that counts as linear: at 100 times the size, 1.7 times the price for each."""


def growth(small: Row, large: Row) -> Limit:
    """Return by which power of the size our seconds grow: 1 is linear, 2 is quadratic."""
    seconds = statistics.median(large.ours) / statistics.median(small.ours)
    exponent = math.log(seconds) / math.log(large.size / small.size)
    return Limit(f"{small.case}: growth from {small.size:,} to {large.size:,}", exponent, GROWTH_BOUND, "power of the size")


def growths(rows: Iterable[Row]) -> list[Limit]:
    """Return how our seconds grow from 1,000 destinations to the largest size, for each case that has both."""
    found = []
    by_case: dict[str, dict[int, Row]] = {}
    for row in rows:
        if row.grows:
            by_case.setdefault(row.case, {})[row.size] = row
    for sizes in by_case.values():
        if 1000 in sizes and max(sizes) > 1000:
            found.append(growth(sizes[1000], sizes[max(sizes)]))
    return found


@dataclass
class Report:
    """All that a run of the bench found."""

    machine: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)

    @property
    def met(self) -> bool:
        return all(row.met for row in self.rows) and all(one.met for one in self._all_limits())

    def _all_limits(self) -> list[Limit]:
        return [*self.limits, *growths(self.rows)]

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "cases": [row.as_json() for row in self.rows],
            "limits": [one.as_json() for one in self._all_limits()],
            "met": self.met,
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=2) + "\n", encoding="utf-8")

    def table(self) -> str:
        """Return the table that is printed: medians in seconds, with the range of the runs."""
        cells = [["case", "size", "runs", "ours: median (range) s", "peer: median (range) s", "ratio (range)", "at most", ""]]
        for row in self.rows:
            bound = "" if row.bound is None else _short(row.bound)
            verdict = "" if row.bound is None else _verdict(row.met)
            cells.append(
                [row.case, f"{row.size:,}", str(len(row.ours)), _spread(row.ours), _spread(row.peer), _spread(row.ratios), bound, verdict]
            )
        lines = _aligned(cells)
        lines += [f"{row.case}: {row.note}" for row in self.rows if row.note]
        for one in self._all_limits():
            lines.append(f"{one.name}: {_short(one.value)} {one.unit}, at most {_short(one.bound)}: {_verdict(one.met)}")
        return "\n".join(lines)


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def _short(value: float) -> str:
    """Return three digits of a number, and no exponent."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(decimals, 4)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _spread(values: Sequence[float]) -> str:
    middle = _short(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({_short(min(values))}..{_short(max(values))})"


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the columns one below the other: words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    last = len(widths) - 1

    def padded(column: int, text: str) -> str:
        return text.ljust(widths[column]) if column in (0, last) else text.rjust(widths[column])

    return ["  ".join(padded(column, text) for column, text in enumerate(row)).rstrip() for row in cells]
