# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The experiment on a terminal, which is a pseudo terminal here: one table, redrawn in place."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from experiment.board import Board
from experiment.recorded import loaded
from experiment.replay import RECORDED
from experiment.service import services

SERVICE = services()["test"]
RECORDS = loaded(RECORDED.read_text(encoding="utf-8"), SERVICE)

REPLAY = "from experiment.replay import main; main(pause=0)"
DEMO = "import runpy, sys; sys.argv[1:] = {arguments}; runpy.run_module('experiment.fakes', run_name='__main__')"


def on_terminal(folder: Path, program: str, columns: int = 100, rows: int = 30, **variables: str) -> str:
    """Return all that a program writes to a terminal of this size."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = os.environ | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "KEEP"):
        environment.pop(name, None)
    process = subprocess.Popen([sys.executable, "-c", program], cwd=folder, stdin=far, stdout=far, stderr=far, env=environment | variables)
    os.close(far)
    written = b""
    try:
        while part := os.read(near, 65536):
            written += part
    except OSError:
        pass  # Linux says so when the other end is closed.
    finally:
        os.close(near)
        process.wait(60)
    return written.decode()


class Terminal:
    """As much of a terminal as the table needs. `frames` has what a viewer saw before each redrawing."""

    def __init__(self, written: str, columns: int = 100) -> None:
        self.lines = [""]
        self.row = self.column = 0
        self.cursor = True
        self.frames: list[str] = []
        for match in re.finditer(r"\033\[([?\d;]*)([A-Za-z])|\r|\n|[^\r\n\033]+", written):
            self.obey(match)
            # Above and below the table, lines may wrap.
            assert self.cursor or len(self.lines[self.row]) < columns, "a line of the table reaches the edge, where it wraps"
        self.frames.append(self.text())

    def obey(self, match: re.Match[str]) -> None:
        number, letter = match[1], match[2]
        if letter == "F":
            self.frames.append(self.text())
            self.row, self.column = self.row - int(number), 0
            assert self.row >= 0
        elif letter == "K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif letter == "J":
            self.lines[self.row :] = [self.lines[self.row][: self.column]]
        elif letter in ("l", "h"):
            assert number == "?25"
            self.cursor = letter == "h"
        elif letter:
            assert letter == "m", match[0]
        elif match[0] == "\r":
            self.column = 0
        elif match[0] == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
        else:
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + match[0] + line[self.column + len(match[0]) :]
            self.column += len(match[0])

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(on_terminal(tmp_path_factory.mktemp("replay"), REPLAY))


def test_one_table_is_redrawn_in_place(replayed: Terminal) -> None:
    assert all(frame.count("10.211.55.252 ") == 1 for frame in replayed.frames[1:])
    # One drawing for each step's beginning and end, and for each connection.
    assert len(replayed.frames) == sum(2 + len(record.connections) for record in RECORDS)
    assert replayed.cursor


def test_the_last_table(replayed: Terminal) -> None:
    assert replayed.frames[-1].strip("\n").splitlines() == (
        """\
Step 10 of 10  ✓✓✓✓✓✓✓✓✓✓  weight back
   It gets its weight 1 again: it is chosen.


                      connections  active inactive  state       greeted
   1st  10.211.55.253 ██ ██ ·· ··       2        0  next        19 21
   2nd  10.211.55.252 ██ ██ ██ ██       4        0  full        5 6 7 8
   3rd  10.211.55.251 ██ ██ ██ ██       4        0  full        9 10 11 12
   4th  10.211.55.250 ██ ██ ██ ██       4        0  full        13 14 15 16

   connection 21   220 lvs.director experiment [10.211.55.253]           62 ms








   as expected; fo agrees""".splitlines()
    )


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("first full", "1st  10.211.55.253 ██ ██ ██ ██       4        0  full        1 2 3 4"),
        ("fail over", "2nd  10.211.55.252 ██ ██ ·· ··       2        0  next        5 6"),
        ("hysteresis", "1st  10.211.55.253 ██ ██ ██ ▒▒       3        1  full        2 3 4"),
        ("reset", "1st  10.211.55.253 ▒▒ ▒▒ ▒▒ ▒▒       0        4  full"),
        ("recovered", "1st  10.211.55.253 ██ ·· ·· ··       1        0  next        19"),
        ("weight 0", "1st  10.211.55.253 ██ ·· ·· ··       1        0  weight 0    19"),
    ],
)
def test_bar_and_state_after_a_step(replayed: Terminal, step: str, line: str) -> None:
    (after,) = (frame for frame in replayed.frames if f"  {step}\n" in frame and "as expected" in frame)
    assert f"   {line}\n" in after


def test_greetings_come_one_by_one(replayed: Terminal) -> None:
    shown = [frame for frame in replayed.frames if "  all full\n" in frame]
    assert [frame.count("220 lvs.director") for frame in shown] == [*range(10), 9]


def test_colours_can_be_off(replayed: Terminal, tmp_path: Path) -> None:
    plain = on_terminal(tmp_path, REPLAY, NO_COLOR="1")
    assert not re.search(r"\033\[[\d;]*m", plain)
    assert Terminal(plain).frames == replayed.frames


def test_without_unicode(tmp_path: Path) -> None:
    shown = Terminal(on_terminal(tmp_path, REPLAY, PYTHONIOENCODING="ascii")).frames[-1]
    assert "10.211.55.253 ## ## .. ..       2" in shown
    assert shown.isascii()


def test_the_smallest_terminal_for_a_table(tmp_path: Path) -> None:
    shown = Terminal(on_terminal(tmp_path, REPLAY, columns=80, rows=24), columns=80)
    assert all(len(frame.strip("\n").splitlines()) < 24 for frame in shown.frames)
    assert "13 14 15 16\n" in shown.frames[-1]


@pytest.mark.parametrize(("columns", "rows", "term"), [(79, 30, "xterm"), (100, 23, "xterm"), (100, 30, "dumb")])
def test_a_terminal_without_room_or_cursor_gets_the_text(tmp_path: Path, columns: int, rows: int, term: str) -> None:
    written = on_terminal(tmp_path, REPLAY, columns, rows, TERM=term)
    assert not re.search(r"\033\[\d*F", written)
    assert written.count("Prot LocalAddress:Port") == len(RECORDS)


def test_the_demo_on_a_terminal(tmp_path: Path, replayed: Terminal) -> None:
    shown = Terminal(on_terminal(tmp_path, DEMO.format(arguments=[])))
    text = shown.text()
    assert text.count("10.211.55.251 ") == 1
    assert "waiting until the director has forgotten 4 ended connections: 0 s\n" in "\n".join(shown.frames)
    # The lines of a command are longer than some terminals, and wrap in none.
    assert '-m lvs.director.ipvs_destination \\\n       -a \'{"service"' in text
    assert "as expected; fo agrees\n\nThe same as a picture: build/overload.svg   (0 s in all)\nShown: " in text
    assert shown.cursor


def test_what_went_wrong_stands_below_the_table(tmp_path: Path) -> None:
    shown = Terminal(on_terminal(tmp_path, DEMO.format(arguments=["wrong"])))
    text = shown.text()
    assert "✓✓!" in text
    assert "connection 5: expected 10.211.55.252, got 10.211.55.250\n" in text
    assert text.index("\n3. 2 more: the next server takes over.\n") > text.index("Step 10 of 10")
    assert "\nNOT AS EXPECTED: step 3 (fail over)" in text
    assert shown.cursor


def test_a_board_shows_a_greeting_at_the_server_that_sent_it() -> None:
    board = Board(SERVICE)
    for record in RECORDS[:3]:
        board.begin(record.step)
        for connection in record.connections:
            board.connected(connection)
        before = board.lines()
        board.read(record)
        assert board.lines() == before
