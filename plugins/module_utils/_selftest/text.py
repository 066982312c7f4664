# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The experiment as text that a person reads: the same on the demo's screen and in the self-test's result."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Connection, Record
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Step


def opening_lines(number: int, step: Step) -> list[str]:
    """Return what is about to be done."""
    first, *others = step.says.splitlines()
    return [f"{number}. {first}", *(f"   {line}" for line in others)]


def connection_line(connection: Connection) -> str:
    """Return what came of opening a connection."""
    return f"   connection {connection.number:2}   {connection.greeting or connection.error:50} {connection.ms:5} ms"


def table_lines(record: Record) -> list[str]:
    """Return the director's table, and beside each real server the open connections that it greeted."""
    rows = iter(record.table.rows)
    lines = []
    for line in record.table.text.rstrip().splitlines():
        beside = ""
        if line.startswith("Prot "):
            beside = "greeted"
        elif line.lstrip().startswith("->") and "RemoteAddress" not in line:
            beside = " ".join(map(str, record.held.get(next(rows).address, ())))
        lines.append(f"   {line.rstrip():79} {beside}".rstrip())
    return lines


def verdict_lines(broken: Sequence[str], control: str) -> list[str]:
    """Return what was not as promised, or that all was.

    :param control: the name of the scheduler beside it, "" without one.
    """
    if broken:
        return [f"   NOT AS PROMISED: {said}" for said in broken]
    return [f"   as promised; {control} agrees" if control else "   as promised"]
