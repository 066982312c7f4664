# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of builds and checks, in README.md's format."""

from __future__ import annotations

from collections.abc import Sequence

from .checks import FLAGS, Outcome, Result, Row

COLUMNS = ("suite", "kernel", "headers", "compiler", *FLAGS, "result")


def table(rows: Sequence[Row]) -> str:
    """One line per kernel; reasons stand below, once each."""
    reasons: list[str] = []
    lines = [COLUMNS, tuple("-" for _column in COLUMNS)]
    for row in rows:
        cells = []
        for outcome in row.outcomes.values():
            cell = outcome.result.value
            if outcome.why:
                if str(outcome) not in reasons:
                    reasons.append(str(outcome))
                cell += f" [{reasons.index(str(outcome)) + 1}]"
            cells.append(cell)
        lines.append((row.kernel.suite, row.kernel.name, row.kernel.version, row.compiler or "-", *cells, row.result.value))
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    text = [_line(line, widths) for line in lines]
    text[1] = text[1].replace(" ", "-")
    notes = [f"[{number}] {reason}" for number, reason in enumerate(reasons, start=1)]
    return "\n".join([*text, *([""] if notes else []), *notes])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def logs(rows: Sequence[Row], style: Outcome) -> str:
    """The output of each failed check."""
    parts = [f"--- {row.kernel.suite} {row.kernel.name}, {name}\n{outcome.log}"
             for row in rows for name, outcome in row.outcomes.items() if outcome.result is Result.FAILED]
    if style.result is Result.FAILED:
        parts.append(f"--- checkpatch\n{style.log}")
    return "\n".join(parts)


def total(rows: Sequence[Row]) -> str:
    """How many kernels came out how."""
    return ", ".join(f"{sum(row.result is result for row in rows)} {result.value}"
                     for result in (Result.OK, Result.FAILED, Result.NOT_CHECKED))
