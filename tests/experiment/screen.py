# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's output while it runs: each connection, and the table after each step."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ansible_collections.lvs.director.plugins.module_utils._selftest import report
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Connection, Record, Watcher
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Service, Step


def paint(line: str, code: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return line
    return f"\033[{code}m{line}\033[0m"


def say(line: str = "") -> None:
    print(line, flush=True)


def chapter(title: str) -> None:
    say()
    say(paint(f"== {title} ".ljust(96, "="), "1"))


def typed(command: str, where: str = "") -> None:
    """A command line as the user would type it."""
    say(paint(f"{where}$ {command}", "36"))


def conclusion(service: Service, steps: int, control: str) -> str:
    first, second, *_others = service.destinations
    return (
        f"Shown: {first.address} was full with {first.upper_threshold} connections, the next went to {second.address};"
        f" all {steps} steps as expected, with {control} as well."
    )


def waiting_line(left: int) -> str:
    return f"   waiting until the director has forgotten {left} ended connections"


def command_lines(command: str) -> list[str]:
    """One of Ansible's command lines, as the user would type it, in lines that can be shown."""
    return f"   $ {command}".replace("\n", "\n           ").replace(" -a ", " \\\n       -a ").split("\n")


class Display(Watcher):
    """Shows the experiment while it runs, as a context."""

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *exc: object) -> None:
        """Leave the terminal as it was."""

    def begin(self, number: int, step: Step) -> None:
        """A step begins."""

    def commanded(self, command: str) -> None:
        """One of Ansible's command lines is about to run."""

    def outcome(self, number: int, record: Record, broken: Sequence[str], control: str) -> None:
        """A step has ended."""


class Screen(Display):
    """As text, line after line."""

    def __init__(self) -> None:
        self.waits = False

    def begin(self, number: int, step: Step) -> None:
        say()
        for line in report.opening_lines(number, step):
            say(paint(line, "1"))

    def connected(self, connection: Connection) -> None:
        self.done_waiting()
        line = report.connection_line(connection)
        say(line if connection.greeting else paint(line, "33"))

    def waiting(self, left: int, seconds: float) -> None:
        line = waiting_line(left)
        if sys.stdout.isatty():
            print(f"\r{line}: {seconds:.0f} s\033[K", end="", flush=True)
        elif not self.waits:
            say(line)
        self.waits = True

    def done_waiting(self) -> None:
        if self.waits and sys.stdout.isatty():
            print("\r\033[K", end="", flush=True)
        self.waits = False

    def commanded(self, command: str) -> None:
        say(paint("\n".join(command_lines(command)), "36"))

    def outcome(self, number: int, record: Record, broken: Sequence[str], control: str) -> None:
        self.done_waiting()
        say()
        for line in report.table_lines(record):
            say(line)
        for line in report.verdict_lines(broken, control):
            say(paint(line, "1;31" if broken else "32"))
