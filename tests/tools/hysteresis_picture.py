# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw docs/hysteresis.json into the guide "How overload failover works": `python3 -m tools.hysteresis_picture`.

tests/docs/hysteresis.py measured the data.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tools import page_picture
from tools.checkout import ROOT
from tools.page_picture import text

DATA = ROOT / "docs" / "hysteresis.json"
DOCUMENT = ROOT / "docs" / "docsite" / "rst" / "guide_overload.rst"

LEFT, STEP, TAKEN, PASSED = 170, 130, 96, 206
INK, FAINT, UP, DOWN = "#1f2933", "#52606d", "#2f6f9f", "#c2410c"


class Probe(NamedTuple):
    """A probe: one more connection at a given count of the first server."""

    direction: str
    held: int
    chosen: str
    first: bool


def probes(data: dict[str, Any]) -> list[Probe]:
    found = []
    for step in data["steps"]:
        server = step["servers"][0]
        (chosen,) = step["chosen"]
        first = chosen == server["address"]
        held = server["active_connections"] + server["inactive_connections"] - first
        found.append(Probe(step["direction"], held, "." + chosen.rpartition(".")[2], first))
    return found


def picture(data: dict[str, Any]) -> str:
    """Return the picture as SVG."""
    first = data["steps"][0]["servers"][0]
    upper, lower = first["upper_threshold"], first["lower_threshold"]
    found = probes(data)
    turn = max(one.held for one in found)
    back = min(one.held for one in found if one.direction == "down" and one.first)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + turn * STEP + 130} 322" role="img" font-size="14"',
        f'     font-family="DejaVu Sans, sans-serif" fill="{INK}" style="max-width: 46em; width: 100%; background: #ffffff">',
        "  <title>Filled, a server takes connections up to its upper threshold; emptied, not before it is below the lower one</title>",
        '  <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">',
        f'    <path d="M0 0 L8 4 L0 8 z" fill="{FAINT}"/></marker></defs>',
        *(text(LEFT - 62, y, label, anchor="end") for y, label in ((TAKEN - 4, "takes"), (TAKEN + 14, "one more"))),
        *(text(LEFT - 62, y, label, anchor="end") for y, label in ((PASSED - 4, "is passed"), (PASSED + 14, "over"))),
    ]
    for threshold, label in ((lower, "lower threshold"), (upper, "upper threshold")):
        lines.append(f'  <path d="M{at(threshold)} 44 V{PASSED + 52}" stroke="{FAINT}" stroke-dasharray="4 4"/>')
        lines.append(text(at(threshold), 34, f"{label} {threshold}", anchor="middle", colour=FAINT))
    arrows = [
        (UP, f"M{at(0)} {TAKEN} H{at(turn)}"),
        (UP, f"M{at(turn)} {TAKEN} V{PASSED - 9}"),
        (DOWN, f"M{at(turn)} {PASSED} H{at(back)}"),
        (DOWN, f"M{at(back)} {PASSED} V{TAKEN + 9}"),
    ]
    lines += [f'  <path d="{way}" stroke="{colour}" stroke-width="2" fill="none" marker-end="url(#tip)"/>' for colour, way in arrows]
    for one in found:
        y, colour = TAKEN if one.first else PASSED, UP if one.direction == "up" else DOWN
        fill = colour if one.first else "#ffffff"
        lines.append(f'  <circle cx="{at(one.held)}" cy="{y}" r="6" fill="{fill}" stroke="{colour}" stroke-width="2"/>')
        # Two probes share the point where the ways meet: the one on the way up is drawn above or right of it, the other left.
        aside = one.direction == "down" and one.first
        place = at(one.held) + (-14 if aside else 0 if one.first else 14 if one.held == turn else 0)
        height = TAKEN + 24 if aside else TAKEN - 14 if one.first else PASSED + 26
        lines.append(text(place, height, one.chosen, anchor="end" if aside else "middle", colour=colour))
    lines += [text(at(number), PASSED + 72, str(number), anchor="middle") for number in range(turn + 1)]
    lines += [
        text(at(2), TAKEN + 26, "is being filled", anchor="middle", colour=UP),
        text(at(2), PASSED - 16, "is being emptied", anchor="middle", colour=DOWN),
        text(LEFT - 10, PASSED + 100, f"connections of {first['address']} when one more is asked for, and who got it", anchor="start"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def at(connections: int) -> int:
    return LEFT + connections * STEP


def renewed(document: str, data: dict[str, Any]) -> str:
    """Return the page with the picture as it has to be."""
    return page_picture.renewed(document, "hysteresis_picture", picture(data))


if __name__ == "__main__":
    recorded = json.loads(DATA.read_text(encoding="utf-8"))
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8"), recorded), encoding="utf-8")
