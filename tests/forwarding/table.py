# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of docs/forwarding.md: written from the measurements, and read again. Each column is a kernel series."""

from __future__ import annotations

import re
from typing import Any

from .combinations import KINDS, PROTOCOLS, WAYS, WORKS, Way

BEGIN = "<!-- The table: made by the scenario forwarding, through tests/tools/forwarding_table.py -->\n"
END = "<!-- The end of the table -->\n"
_HEADINGS = ("forwarding", "virtual address", "real server")

Column = dict[Way, str]


def series(release: str) -> str:
    """The column's heading: the common part of a kernel's updates."""
    found = re.match(r"\d+\.\d+", release)
    if not found:
        raise ValueError(f"{release!r} is no kernel's release")
    return f"Linux {found[0]}"


def column(measured: dict[str, Any]) -> Column:
    """A kernel's results, from the JSON of `python3 -m forwarding`, which must be complete."""
    outcomes = {(Way(*one["way"]), one["protocol"], tuple(one["kind"])): str(one["outcome"]) for one in measured["results"]}
    every = [(protocol, kind) for protocol in PROTOCOLS for kind in KINDS]
    return {way: cell({(protocol, kind.name): outcomes[way, protocol, tuple(kind)] for protocol, kind in every}) for way in WAYS}


def cell(outcomes: dict[tuple[str, str], str]) -> str:
    """The protocols that work with every kind of service, and the faults of the others.

    :param outcomes: by protocol and name of the kind of service.
    """
    problems: dict[str, list[str]] = {}
    for (protocol, kind), outcome in outcomes.items():
        if outcome != WORKS:
            problems.setdefault(protocol, []).append(f"{kind}: {outcome}")
    good = [protocol.upper() for protocol in PROTOCOLS if protocol not in problems]
    if not good and len(set(outcomes.values())) == 1:
        return f"no: {next(iter(outcomes.values()))}"
    bad = [f"not {protocol.upper()}: {'; '.join(found)}" for protocol, found in problems.items()]
    return "; ".join([*([", ".join(good)] if good else []), *bad])


def rendered(columns: dict[str, Column]) -> str:
    """The Markdown."""
    names = sorted(columns, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])
    rows = [(*_HEADINGS, *names), ("---",) * (len(_HEADINGS) + len(names))]
    rows += [(*_labels(way), *(columns[name][way] for name in names)) for way in WAYS]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def parsed(table: str) -> dict[str, Column]:
    """The columns of a table."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines() if line.startswith("|")]
    if not rows:
        return {}
    ways = {_labels(way): way for way in WAYS}
    found = {tuple(row[: len(_HEADINGS)]): row[len(_HEADINGS) :] for row in rows[2:]}
    return {
        name: {way: found[labels][index] for labels, way in ways.items() if labels in found}
        for index, name in enumerate(rows[0][len(_HEADINGS) :])
    }


def split(document: str) -> tuple[str, str, str]:
    """A document's table, and the text before and after it."""
    before, begin, rest = document.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no place for the table, between {BEGIN.strip()} and {END.strip()}")
    return before + begin, table, end + after


def renewed(document: str, measured: list[dict[str, Any]]) -> str:
    """The document with the new results; columns of other kernels stay."""
    before, table, after = split(document)
    columns = {**parsed(table), **{series(one["kernel"]): column(one) for one in measured}}
    return before + rendered(columns) + after


def _labels(way: Way) -> tuple[str, str, str]:
    return way.name, f"IPv{way.virtual}", f"IPv{way.real}"
