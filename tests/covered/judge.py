# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From coverage.py's report to a table, and to a verdict for lines and for branches. (Its own percentage mixes them.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coverage.results import format_lines

from tools.results import Result

LINES = 95.0
BRANCHES = 90.0


@dataclass(frozen=True)
class Share:
    """A part of a total."""

    covered: int = 0
    all: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.covered + other.covered, self.all + other.all)

    @property
    def percent(self) -> float:
        return 100.0 * self.covered / self.all if self.all else 100.0

    def __str__(self) -> str:
        # Cut off, never rounded: a hundred means that nothing is missing.
        return f"{int(self.percent * 10) / 10:.1f} %"


@dataclass(frozen=True)
class File:
    name: str
    lines: Share
    branches: Share
    missing: str

    @classmethod
    def of(cls, name: str, report: dict[str, Any]) -> File:
        """Convert coverage.py's report on a file."""
        summary, missing = report["summary"], report["missing_lines"]
        branches = [(begin, [end]) for begin, end in report["missing_branches"]]
        return cls(
            name,
            Share(summary["covered_lines"], summary["num_statements"]),
            Share(summary["covered_branches"], summary["num_branches"]),
            format_lines([*report["executed_lines"], *missing], missing, branches),
        )


def files_of(report: dict[str, Any]) -> list[File]:
    return [File.of(name, one) for name, one in sorted(report["files"].items())]


def total(files: Sequence[File]) -> tuple[Share, Share]:
    """Return the shares of lines and of branches."""
    return sum((file.lines for file in files), Share()), sum((file.branches for file in files), Share())


def table(files: Sequence[File]) -> list[str]:
    lines, branches = total(files)
    width = max(len(file.name) for file in files)
    return [
        f"{'file':<{width}}{'lines':>9}{'branches':>10}  missing",
        *(f"{file.name:<{width}}{file.lines!s:>9}{file.branches!s:>10}  {file.missing}".rstrip() for file in files),
        f"{'all':<{width}}{lines!s:>9}{branches!s:>10}  {lines.all - lines.covered} of {lines.all} lines, "
        f"{branches.all - branches.covered} of {branches.all} branches",
    ]


def verdicts(files: Sequence[File]) -> list[Result]:
    """Judge lines and branches, each by its bound; a failure names the files that are below it."""
    results = []
    for what, bound, share in zip(("lines", "branches"), (LINES, BRANCHES), total(files), strict=True):
        below = [file.name for file in files if getattr(file, what).percent < bound]
        detail = "" if share.percent >= bound else f"{share}; below it are {', '.join(below)}"
        results.append(Result(f"at least {bound:.0f} % of the {what} are run", "failed" if detail else "passed", detail))
    return results
