# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The experiment on a terminal: one table, redrawn in place, with a bar for each real server."""

from __future__ import annotations

import os
import shutil
import textwrap
import time
from collections.abc import Sequence
from typing import TextIO

from ansible_collections.lvs.director.plugins.module_utils._selftest import report
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Connection, Record
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Open, Service, Step, steps_of

from experiment import board, screen
from experiment.board import Board, Line
from experiment.picture import ordinal

# Seconds for the viewer to read what a step has brought.
PAUSE = 2.0
COLUMNS, ROWS = 80, 24
COLOURS = {board.NEXT: "32", board.READY: "", board.FULL: "33", board.OVERLOADED: "33", board.WEIGHT_0: "35"}

# A part of a line, and the code of its colour.
Span = tuple[str, str]


def fits(stream: TextIO) -> bool:
    """Tell whether the table can be redrawn: on a terminal that is large enough, and moves its cursor."""
    if not stream.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return False
    size = shutil.get_terminal_size((COLUMNS, ROWS))
    return size.columns >= COLUMNS and size.lines >= ROWS


class Live(screen.Display):
    def __init__(self, service: Service, stream: TextIO, pause: float = PAUSE) -> None:
        self.stream = stream
        self.pause = pause
        self.board = Board(service)
        self.steps = steps_of(service)
        self.events = max(sum(action.count for action in step.actions if isinstance(action, Open)) for step in self.steps)
        self.marks: list[bool] = []
        self.step = self.steps[0]
        self.log: list[Span] = []
        self.progress = ""
        self.verdict: list[Span] = []
        self.troubles: list[str] = []
        self.height = 0
        # A terminal that cannot show them would show something else, of another width.
        plain = not (stream.encoding or "").lower().replace("-", "").startswith("utf8")
        self.full, self.ended, self.free, self.done, self.now, self.to_do = "#o.+>." if plain else "█▒·✓▸·"

    def __enter__(self) -> Live:
        self.stream.write("\n\033[?25l")
        return self

    def __exit__(self, *exc: object) -> None:
        """Bring the cursor back, and say below the table what went wrong in steps that it does not show any more."""
        self.stream.write("\033[?25h" + "".join(f"{line}\n" for line in self.troubles))
        self.stream.flush()

    # -- what happens ------------------------------------------------------------------------

    def begin(self, number: int, step: Step) -> None:
        if number > 1:
            time.sleep(self.pause)
        self.step, self.log, self.progress, self.verdict = step, [], "", []
        self.board.begin(step)
        self.draw()

    def connected(self, connection: Connection) -> None:
        self.progress = ""
        self.board.connected(connection)
        self.log.append((report.connection_line(connection), "" if connection.greeting else "33"))
        self.draw()

    def waiting(self, left: int, seconds: float) -> None:
        self.progress = f"{screen.waiting_line(left)}: {seconds:.0f} s"
        self.draw()

    def commanded(self, command: str) -> None:
        self.log += [(line, "36") for line in screen.command_lines(command)]
        self.draw()

    def outcome(self, number: int, record: Record, broken: Sequence[str], control: str) -> None:
        self.progress = ""
        self.board.read(record)
        self.marks.append(not broken)
        lines = report.verdict_lines(broken, control)
        self.verdict = [(lines[0], "1;31" if broken else "32")]
        if broken:
            self.troubles += ["", *report.opening_lines(number, record.step)]
            self.troubles += [*map(report.connection_line, record.connections), "", *report.table_lines(record), *lines]
        self.draw()

    # -- what is shown -----------------------------------------------------------------------

    def lines(self, columns: int, rows: int) -> list[list[Span]]:
        marks = [(self.done, "32") if good else ("!", "1;31") for good in self.marks]
        number = self.steps.index(self.step) + 1
        if len(marks) < number:
            marks.append((self.now, "1"))
        marks.append((self.to_do * (len(self.steps) - len(marks)), "2"))
        texts = [wrapped(step, columns) for step in self.steps]
        described = texts[number - 1]
        servers = self.board.lines()
        bars = max(len("connections"), 3 * max(line.upper for line in servers) - 1)
        above = [
            [(f"Step {number:2} of {len(self.steps)}  ", "1"), *marks, (f"  {self.step.name}", "1")],
            *([(line, "")] for line in described),
            *[[]] * (max(map(len, texts)) - len(described) + 1),
            [(f"{'':22}{'connections':{bars}}  active inactive  {'state':10}  greeted", "2")],
            *(self.server(line, bars) for line in servers),
            [],
        ]
        # The last events of the step; the verdict stays where it is.
        room = max(1, min(self.events, rows - len(above) - 2))
        log = [*self.log, *([(self.progress, "")] if self.progress else [])][-room:]
        return [*above, *([span] for span in log), *[[]] * (room - len(log)), self.verdict]

    def server(self, line: Line, bars: int) -> list[Span]:
        cells: list[Span] = []
        for cell in range(max(line.upper, line.active + line.inactive)):
            filled, colour = (self.full, "34") if cell < line.active else (self.ended, "34")
            if cell >= line.active + line.inactive:
                filled, colour = self.free, "2"
            cells.append((filled * 2 + " ", colour))
        blank = " " * (bars - sum(len(text) for text, _colour in cells) + 2)
        return [
            (f"   {ordinal(line.place):5}{line.address:14}", ""),
            *cells,
            (f"{blank}{line.active:6}{line.inactive:9}  ", ""),
            (f"{line.state:10}", COLOURS[line.state]),
            (f"  {' '.join(map(str, line.greeted))}", ""),
        ]

    def draw(self) -> None:
        """Draw all in one write, over what was drawn before. No line wraps: the next drawing would begin in the wrong place."""
        columns, rows = shutil.get_terminal_size((COLUMNS, ROWS))
        lines = self.lines(columns - 1, rows)
        back = f"\033[{self.height}F" if self.height else ""
        self.height = len(lines)
        self.stream.write(back + "".join(f"{cut(line, columns - 1)}\033[K\n" for line in lines) + "\033[J")
        self.stream.flush()


def wrapped(step: Step, columns: int) -> list[str]:
    return textwrap.wrap(" ".join(step.description.split()), columns - 3, initial_indent="   ", subsequent_indent="   ")


def cut(spans: Sequence[Span], columns: int) -> str:
    """Return a line of at most so many columns, with its colours."""
    shown = ""
    for text, code in spans:
        part = text[:columns]
        columns -= len(part)
        shown += screen.paint(part, code) if code and part else part
    return shown
