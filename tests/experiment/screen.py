# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo prints while it walks: each connection as it is made, the table after each step."""

from __future__ import annotations

import os
import sys

from experiment.steps import Step
from experiment.walk import Connection, Record, Watcher


def paint(text: str, code: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{code}m{text}\033[0m"


def say(text: str = "") -> None:
    print(text, flush=True)


def chapter(text: str) -> None:
    say()
    say(paint(f"== {text} ".ljust(96, "="), "1"))


def typed(text: str, where: str = "") -> None:
    """A command line as the user would type it."""
    say(paint(f"{where}$ {text}", "36"))


def opening(number: int, step: Step) -> None:
    say()
    say(paint(f"{number}. {step.says.splitlines()[0]}", "1"))
    for line in step.says.splitlines()[1:]:
        say(paint(f"   {line}", "1"))


class Screen(Watcher):
    def __init__(self) -> None:
        self.waits = False

    def connected(self, connection: Connection) -> None:
        self.done_waiting()
        # Padded first: colours count as characters, and are none.
        got = f"{connection.greeting or connection.error:50}"
        got = got if connection.greeting else paint(got, "33")
        say(f"   connection {connection.number:2}   {got} {connection.ms:5} ms")

    def waiting(self, left: int, seconds: float) -> None:
        text = f"   waiting until the director has forgotten {left} ended connections"
        if sys.stdout.isatty():
            print(f"\r{text}: {seconds:.0f} s\033[K", end="", flush=True)
        elif not self.waits:
            say(text)
        self.waits = True

    def done_waiting(self) -> None:
        if self.waits and sys.stdout.isatty():
            print("\r\033[K", end="", flush=True)
        self.waits = False

    def commanded(self, command: str) -> None:
        typed(command.replace("\n", "\n           ").replace(" -a ", " \\\n       -a "), "   ")

    def table(self, record: Record) -> None:
        self.done_waiting()
        say()
        rows = iter(record.table.rows)
        for line in record.table.text.rstrip().splitlines():
            beside = ""
            if line.startswith("Prot "):
                beside = "greeted"
            elif line.lstrip().startswith("->") and "RemoteAddress" not in line:
                beside = " ".join(map(str, record.held.get(next(rows).address, ())))
            say(f"   {line.rstrip():79} {beside}".rstrip())

    def verdict(self, faults: list[str], fine: str) -> None:
        for fault in faults:
            say(paint(f"   NOT AS PROMISED: {fault}", "1;31"))
        if not faults:
            say(paint(f"   {fine}", "32"))
