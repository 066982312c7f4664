# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw docs/monitoring.json into the guide "Monitoring": `python3 -m tools.monitoring_picture`.

The scenario `monitoring` leaves the data in build/monitoring.json: what Prometheus has recorded while a real server was full.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tools.checkout import ROOT
from tools.page_picture import renewed, text

TOOL = "monitoring_picture"
DATA = ROOT / "docs" / "monitoring.json"
DOCUMENT = ROOT / "docs" / "docsite" / "rst" / "guide_monitoring.rst"

LEFT, WIDTH, TOP, HEIGHT = 170, 560, 40, 110
ROW, BAR = 30, 16
MARGIN = 20.0  # seconds before and after
STEP = 5.0  # seconds between two samples
FAINT, LINE, BUSY, PENDING, FIRING = "#52606d", "#2f6f9f", "#e8a33d", "#f3d9b1", "#c2410c"

Samples = list[tuple[float, float]]


class Recorded(NamedTuple):
    """What is drawn of the recording, in the names of the metrics and of the alert's states."""

    server: str
    ratio: Samples
    full: Samples
    maybe_full: Samples
    pending: Samples
    firing: Samples


def recorded(data: dict[str, Any]) -> Recorded:
    """Return the series of the real server for which the alert fired."""

    def samples(word: str, **labels: str) -> Samples:
        return [
            (float(seconds), float(value))
            for query, series in data.items()
            if word in query
            for each in series
            if labels.items() <= each["metric"].items()
            for seconds, value in each["values"]
        ]

    (server,) = {each["metric"]["remote_address"] for query, series in data.items() if query.startswith("ALERTS") for each in series}
    return Recorded(
        server,
        samples(":ratio", remote_address=server),
        samples("destination_full", remote_address=server),
        samples("maybe_full", remote_address=server),
        samples("ALERTS", alertstate="pending"),
        samples("ALERTS", alertstate="firing"),
    )


def spans(samples: Samples) -> list[tuple[float, float]]:
    """Return from when to when the value was not 0."""
    found: list[tuple[float, float]] = []
    for seconds, value in samples:
        if value:
            if found and seconds - found[-1][1] <= STEP:
                found[-1] = found[-1][0], seconds + STEP
            else:
                found.append((seconds, seconds + STEP))
    return found


def picture(data: dict[str, Any]) -> str:
    """Return the picture as SVG."""
    of = recorded(data)
    times = [seconds for samples in of[1:] for begin, end in spans(samples) for seconds in (begin, end)]
    start, end = min(times) - MARGIN, max(times) + MARGIN
    scale = WIDTH / (end - start)

    def at(seconds: float) -> float:
        return round(LEFT + (seconds - start) * scale, 1)

    def height(ratio: float) -> float:
        return TOP + HEIGHT * (1 - ratio)

    points = [(at(seconds), height(value)) for seconds, value in of.ratio if start <= seconds <= end]
    way = "".join(f"{'H' if number else 'M'}{x:g} {f'V{y:g}' if number else f'{y:g}'}" for number, (x, y) in enumerate(points))
    rows = TOP + HEIGHT + 36
    bottom = rows + 2 * ROW + 14
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 30} {bottom + 54}" role="img" font-size="14"',
        '     font-family="DejaVu Sans, sans-serif" fill="#1f2933" style="max-width: 46em; width: 100%; background: #ffffff">',
        "  <title>A real server is filled; the alert IPVSDestinationFull waits for a minute, fires, and ends</title>",
        f'  <path d="M{LEFT} {TOP} H{LEFT + WIDTH}" stroke="{FAINT}" stroke-dasharray="4 4"/>',
        text(LEFT - 12, TOP + 5, "upper threshold", anchor="end", colour=FAINT),
        text(LEFT - 12, TOP + HEIGHT + 5, "no connection", anchor="end", colour=FAINT),
        text(LEFT, TOP - 18, f"connections of {of.server}", anchor="start", colour=LINE),
        f'  <path d="{way}" fill="none" stroke="{LINE}" stroke-width="2"/>',
    ]
    for row, (name, bars) in enumerate(
        (
            ("full, maybe full", ((BUSY, of.full), (PENDING, of.maybe_full))),
            ("alert pending, firing", ((PENDING, of.pending), (FIRING, of.firing))),
        )
    ):
        y = rows + row * ROW
        lines.append(text(LEFT - 12, y + BAR - 3, name, anchor="end"))
        lines += [
            f'  <rect x="{at(begin):g}" y="{y}" width="{at(until) - at(begin):.1f}" height="{BAR}" fill="{colour}"/>'
            for colour, samples in bars
            for begin, until in spans(samples)
        ]
    lines.append(f'  <path d="M{LEFT} {bottom} H{LEFT + WIDTH}" stroke="{FAINT}"/>')
    minutes = range(int((end - start - MARGIN) // 60) + 1)
    lines += [text(at(start + MARGIN + 60 * minute), bottom + 20, str(minute), anchor="middle", colour=FAINT) for minute in minutes]
    lines += [text(LEFT + WIDTH / 2, bottom + 42, "minutes", anchor="middle", colour=FAINT), "</svg>"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    page = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(renewed(page, TOOL, picture(json.loads(DATA.read_text(encoding="utf-8")))), encoding="utf-8")
