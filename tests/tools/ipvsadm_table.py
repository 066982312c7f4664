# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Update the table of ipvsadm's options in the guide "From ipvsadm" from tests/contract/ipvsadm_options.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from contract.ipvsadm_options import GROUPS, Case, Row, Task
from tools.checkout import ROOT

DOCUMENT = ROOT / "docs" / "docsite" / "rst" / "guide_from_ipvsadm.rst"
BEGIN, END = ".. The table: made by tests/tools/ipvsadm_table.py\n", ".. The end of the table\n"


def tables() -> str:
    """Return the reStructuredText of all tables."""
    parts = []
    for title, rows in GROUPS.items():
        parts.append(f"\n{title}\n{'~' * len(title)}\n\n.. list-table::\n   :header-rows: 1\n   :widths: 18 82\n\n")
        parts += ["   * - ipvsadm\n     - Here, and for example\n", *map(line_of, rows)]
    return "".join(parts) + "\n"


def line_of(row: Row) -> str:
    here = re.sub(r"`([^`]+)`", lambda found: code(found[1]), row.here)
    cell = "\n\n".join([here, *map(example, row.cases)])
    indented = "\n".join(f"       {line}".rstrip() for line in cell.splitlines()).lstrip()
    return f"   * - {', '.join(code(option) for option in row.options)}\n     - {indented}\n"


def example(case: Case) -> str:
    """Return command lines and the tasks that are equal to them, line below line."""
    lines = [*(f"ipvsadm {line}" for line in case.lines), *map(yaml_of, case.tasks)]
    return "\n".join(f"| {code(line)}" for line in lines)


def code(text: str) -> str:
    return f"``{text}``"


def yaml_of(task: Task) -> str:
    return f"{task.module}: {flow(task.values)}"


def flow(value: Any) -> str:
    """Return a value as YAML in one line."""
    if isinstance(value, dict):
        return f"{{{listed(f'{key}: {flow(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{listed(flow(one) for one in value)}]"
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]*[A-Za-z][A-Za-z0-9_-]*|[0-9]+(\.[0-9]+){3}", value)
    return value if plain else json.dumps(value)


def listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def renewed(document: str) -> str:
    """Return the document with the tables as they have to be."""
    before, _begin, rest = document.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"ipvsadm_table: {DOCUMENT} has no place for the table between {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + tables() + END + after


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
