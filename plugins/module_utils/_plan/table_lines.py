# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The table for people: one line for each service and destination, in scheduling order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationCounters,
    Observed,
    is_full,
)
from ansible_collections.lvs.director.plugins.module_utils._plan.diff import destination_line, service_line


def table_lines(table: Iterable[Observed], reasons: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield the lines of a table.

    :param reasons: why destinations are held, by the names of service and destination.
    """
    for (service, destinations), _stats, counters in table:
        yield service_line(service)
        for destination in destinations:
            reason = reasons.get((str(service.key), str(destination.key)), "") if destination.held else ""
            yield _line(destination, counters.get(destination.key, DestinationCounters()), reason)


def _line(destination: Destination, counters: DestinationCounters, reason: str) -> str:
    words = {True: " FULL", None: " maybe full", False: ""}[is_full(destination, counters)]
    text = f"{destination_line(destination)} connections {counters.active_connections}+{counters.inactive_connections}{words}"
    return f"{text}: {reason}" if reason else text
