# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recorded run as an animated SVG. Whoever shows no animation, or prefers none, shows the end of the step `fail over`.

Each element is drawn once, and CSS shows it in the frames that it belongs to: no script, which a README's pictures may not have.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from ansible_collections.lvs.director.plugins.module_utils._selftest import report
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Connection, Record
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Service, Step

from experiment import board
from experiment.board import Board, Line
from experiment.picture import ACTIVE, FAINT, INK, REFUSED, SHUT, ordinal
from experiment.replay import replay
from experiment.screen import Display

# Seconds: to read what a step does, to see a connection come, to see what the step has brought.
READ, COME, SEE, END = 2.0, 0.45, 1.1, 3.0
STILL = "fail over"

WIDTH, MARGIN = 860, 24
TOP, ROW, BAR, CELL = 138, 54, 170, 138
SOFT, GOOD = "#52606d", "#2f7d4f"
COLOURS = {board.NEXT: GOOD, board.READY: SOFT}


class Frames(Display):
    """What is to be seen, and for how long: the elements of each moment, the lowest first."""

    def __init__(self, service: Service, steps: int) -> None:
        self.board = Board(service)
        self.steps = steps
        self.number, self.step, self.last, self.verdict = 0, Step("", "", ()), "", ""
        self.seconds: list[float] = []
        self.shown: list[list[str]] = []
        self.still = 0

    def begin(self, number: int, step: Step) -> None:
        self.number, self.step, self.last, self.verdict = number, step, "", ""
        self.board.begin(step)
        self._frame(READ)

    def connected(self, connection: Connection) -> None:
        self.board.connected(connection)
        words = f"connection {connection.number}   {connection.greeting or connection.error}"
        self.last = text(MARGIN, self.bottom + 34, words, colour=INK if connection.greeting else REFUSED, more=' class="mono"')
        self._frame(COME)

    def outcome(self, number: int, record: Record, broken: Sequence[str], control: str) -> None:
        self.board.read(record)
        words = report.verdict_lines(broken, control)[0].strip()
        self.verdict = text(WIDTH - MARGIN, self.bottom + 34, words, colour=REFUSED if broken else GOOD, anchor="end")
        if record.step.name == STILL:
            self.still = len(self.shown)
        self._frame(END if number == self.steps else SEE)

    @property
    def bottom(self) -> int:
        return TOP + ROW * len(self.board.greeted)

    def _frame(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.shown.append([part for part in (*self._step(), *self._servers(), self.last, self.verdict) if part])

    def _step(self) -> Iterator[str]:
        for number in range(1, self.steps + 1):
            fill = ACTIVE if number <= self.number else "#ffffff"
            x = WIDTH - MARGIN - 8 - 20 * (self.steps - number)
            yield f'<circle cx="{x}" cy="62" r="6" fill="{fill}" stroke="{ACTIVE}"/>'
        yield text(MARGIN, 67, f"Step {self.number} of {self.steps}: {self.step.name}", more=' font-weight="bold"')
        for row, line in enumerate(textwrap.wrap(" ".join(self.step.description.split()), 96)):
            yield text(MARGIN, 92 + 20 * row, line)

    def _servers(self) -> Iterator[str]:
        for line in self.board.lines():
            y = TOP + ROW * (line.place - 1)
            if line.state not in COLOURS:
                yield f'<rect x="{BAR - 6}" y="{y}" width="{CELL * line.upper + 6}" height="{ROW - 8}" fill="{SHUT}"/>'
            yield text(
                BAR + CELL * line.upper + 16, y + 28, line.state, colour=COLOURS.get(line.state, REFUSED), more=' font-weight="bold"'
            )
            yield from self._bar(line, y)

    def _bar(self, line: Line, y: int) -> Iterator[str]:
        for cell in range(max(line.upper, line.active + line.inactive)):
            size = place_of(cell, y)
            if cell < line.active:
                yield f'<rect {size} fill="{ACTIVE}" stroke="{ACTIVE}" stroke-width="2"/>'
            elif cell < line.active + line.inactive:
                yield f'<rect {size} fill="#ffffff" stroke="{ACTIVE}" stroke-width="2"/>'
            if cell < min(line.active, len(line.greeted)):
                yield text(BAR + CELL * cell + CELL // 2 - 3, y + 28, str(line.greeted[cell]), colour="#ffffff", anchor="middle")


def place_of(cell: int, y: int) -> str:
    return f'x="{BAR + CELL * cell}" y="{y + 6}" width="{CELL - 6}" height="{ROW - 20}"'


def text(x: int, y: int, words: str, *, colour: str = INK, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}"{more}>{escape(words)}</text>'


def animated(service: Service, records: Sequence[Record]) -> str:
    """Return the run as SVG."""
    frames = Frames(service, len(records))
    replay(frames, records)
    ends = [0.0]
    for seconds in frames.seconds:
        ends.append(ends[-1] + seconds)
    groups = grouped(frames.shown)
    rules, drawn = [], []
    for number, (pattern, elements) in enumerate(groups.items()):
        if all(pattern):
            drawn += elements
            continue
        changes = [0, *(place for place, (before, now) in enumerate(pairwise(pattern), 1) if before != now)]
        moments = "".join(f"{100 * ends[at] / ends[-1]:.4g}%{{visibility:{'visible' if pattern[at] else 'hidden'}}}" for at in changes)
        rules.append(f"@keyframes f{number}{{{moments}}}#f{number}{{animation-name:f{number}}}")
        still = "" if pattern[frames.still] else ' visibility="hidden"'
        drawn += [f'<g id="f{number}"{still}>', *elements, "</g>"]
    return "\n".join([*head(service, frames.bottom, ends[-1]), *rules, "</style>", *scenery(service, frames.bottom), *drawn, "</svg>", ""])


def grouped(shown: Sequence[Sequence[str]]) -> dict[tuple[bool, ...], list[str]]:
    """Return the elements by the frames in which they are visible. What is lower in a frame comes first."""
    sets = [set(elements) for elements in shown]
    # Those of a lower layer begin with what fills an area.
    every = sorted(dict.fromkeys(element for elements in shown for element in elements), key=layer)
    groups: dict[tuple[bool, ...], list[str]] = {}
    for element in every:
        groups.setdefault(tuple(element in elements for elements in sets), []).append(element)
    return groups


def layer(element: str) -> int:
    return 0 if f'fill="{SHUT}"' in element else 2 if element.startswith("<text") else 1


def head(service: Service, bottom: int, seconds: float) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 84}" width="{WIDTH}" role="img" font-size="14.5"'
        ' font-family="DejaVu Sans, Verdana, sans-serif">',
        f"<title>The experiment step by step: connections through {service}, and which real server greeted</title>",
        "<style>",
        ".mono{font-family:DejaVu Sans Mono,Menlo,Consolas,monospace;font-size:13px;white-space:pre}",
        f"g{{animation:{seconds:g}s step-end infinite}}",
        "@media (prefers-reduced-motion:reduce){g{animation:none}}",
    ]


def scenery(service: Service, bottom: int) -> list[str]:
    """Return what does not change."""
    lines = [
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        text(MARGIN, 34, "When a real server is full, the next one takes over", more=' font-size="19" font-weight="bold"'),
    ]
    for place, server in enumerate(service.destinations, 1):
        y = TOP + ROW * (place - 1)
        lines.append(text(BAR - 18, y + 21, server.address, anchor="end"))
        lines.append(text(BAR - 18, y + 38, f"tried {ordinal(place)}", colour=SOFT, anchor="end", more=' font-size="12"'))
        lines += [
            f'<rect {place_of(cell, y)} fill="none" stroke="{FAINT}" stroke-dasharray="3 3"/>' for cell in range(server.upper_threshold)
        ]
    y = bottom + 52
    lines.append(f'<path d="M{MARGIN} {bottom + 8}H{WIDTH - MARGIN}" stroke="{FAINT}"/>')
    for x, fill, stroke, words in (
        (MARGIN, ACTIVE, ACTIVE, "active, with its number"),
        (MARGIN + 220, "#ffffff", ACTIVE, "inactive: ended, still counted"),
        (MARGIN + 490, SHUT, SHUT, "takes no new connection"),
    ):
        lines.append(f'<rect x="{x}" y="{y}" width="20" height="12" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>')
        lines.append(text(x + 28, y + 11, words, colour=SOFT, more=' font-size="12.5"'))
    return lines
