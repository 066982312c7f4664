# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The steps of the self-test as data and as text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._selftest.pair import Taken
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Connection
from ansible_collections.lvs.director.plugins.module_utils._selftest.table import Row
from ansible_collections.lvs.director.plugins.module_utils._selftest.text import (
    connection_line,
    opening_lines,
    table_lines,
    verdict_lines,
)


def step_result(number: int, taken: Taken, control: str) -> dict[str, Any]:
    """Return an item of ``steps``, and beside its values the text about it under ``text``.

    :param control: the name of the scheduler beside it, "" without one.
    """
    record, other = taken.record, taken.other
    return {
        "number": number,
        "name": record.step.name,
        "description": " ".join(record.step.says.split()),
        "kept": not taken.broken,
        "broken": list(record.broken),
        "connections": _connections(record.connections),
        "promised": _rows(record.promised),
        "observed": _rows(record.table.rows),
        "control": {
            "agreed": record.seen() == other.seen(),
            "broken": list(other.broken),
            "connections": _connections(other.connections),
            "observed": _rows(other.table.rows),
        }
        if other
        else None,
        "text": _text(number, taken, control),
    }


def _text(number: int, taken: Taken, control: str) -> str:
    """Return what was done, the table after it, and whether that was as promised."""
    record, other = taken.record, taken.other
    # The control's table is of interest when it is another one.
    differs = other is not None and record.table.rows != other.table.rows
    return "\n".join(
        [
            *opening_lines(number, record.step),
            *map(connection_line, record.connections),
            "",
            *table_lines(record),
            *(["   and the control:", *table_lines(other)] if other and differs else []),
            *verdict_lines(taken.broken, control),
        ]
    )


def _connections(connections: Iterable[Connection]) -> list[dict[str, Any]]:
    return [
        {
            "number": one.number,
            "promised": one.promised,
            "observed": one.server,
            "error": one.error or None,
            "milliseconds": one.ms,
        }
        for one in connections
    ]


def _rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        {
            "address": row.address,
            "upper_threshold": row.upper,
            "lower_threshold": row.lower,
            "active_connections": row.active,
            "inactive_connections": row.inactive,
        }
        for row in rows
    ]
