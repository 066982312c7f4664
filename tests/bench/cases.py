# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases, and their bounds."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from bench import tasks

RUNS = 5
LARGEST = 100_000
"""Destinations of the table that is loaded and read once."""
SIZES = (1, 100, 1_000, 10_000, LARGEST)


@dataclass(frozen=True)
class EngineCase:
    """The engine alone, without Ansible, measured within the machine by guest.py."""

    name: str
    about: str
    bound: float | None
    """The bound of the ratio; without a bound, the ratio is only shown."""
    bound_from: int = 1
    """Destinations from which on the bound holds. Smaller tables are shown only."""
    sizes: tuple[int, ...] = SIZES
    runs: int = RUNS
    grows: bool = False
    """Whether it is to be shown how our seconds grow with the size."""

    def bound_at(self, size: int) -> float | None:
        return self.bound if size >= self.bound_from else None


@dataclass(frozen=True)
class TaskCase:
    """A whole Ansible task, measured on this host by the callback."""

    name: str
    about: str
    bound: float
    size: int
    pair: Callable[[int], tasks.Pair]
    runs: int = RUNS
    emulated: Callable[[int], tasks.Pair] | None = None
    """The sizes on an emulated machine, where a task takes seconds."""
    note: str = ""
    """What that is."""


ENGINE = (
    EngineCase("apply", "empty kernel to full table, the engine beside ipvsadm -R", 1.0, 1_000, grows=True),
    EngineCase("keepalived", "the same beside keepalived, from its start to the full table", 1.0),
    EngineCase("noop", "read everything and find nothing to do, beside ipvsadm -Sn", 1.5, grows=True),
    EngineCase("apply:floor", "the same beside a C program that sends the same bytes and does not look at the answers", None),
    EngineCase("noop:floor", "the same beside a C program that asks the same and does not look at the answers", None),
    EngineCase("one_change", "one destination of many edited, beside nothing to do", 1.05, sizes=(10_000,), runs=15),
    EngineCase("restore", "services restored as at boot, a destination each, beside ipvsadm -R", None, sizes=(1_000, 10_000), grows=True),
    EngineCase("resync", "connections taken from another director, beside ipvsadm -L -n -c", None, sizes=(10_000, LARGEST), runs=3),
)
GROUPS = (("apply", "keepalived", "apply:floor"), ("noop", "noop:floor"), ("one_change",), ("restore",), ("resync",))
"""Cases that are measured together, because they share the runs of ours."""
FLOOR = "floor"
"""Both cases that are compared with nothing but the kernel (floor.c)."""
# The small ones first: the remains of a deleted large table in the kernel slow down later adds.
TASKS = (
    TaskCase("startup", "ipvs_destination that changes nothing, beside command: /bin/true", 1.3, 1, lambda _size: tasks.startup(), runs=15),
    TaskCase(
        "task_vs_loop",
        "ipvs_table beside a loop over command: ipvsadm -a",
        1 / 30,
        100,
        tasks.loop,
        emulated=lambda size: tasks.loop(size, share=10),
        note="each run of the peer looped over 10 of the 100 destinations, and its seconds were taken ten times",
    ),
    TaskCase("task_noop", "ipvs_table that changes nothing, beside command: ipvsadm -Sn", 1.5, 10_000, tasks.noop),
)
MEMORY = "memory"
MEMORY_BOUND = 200.0
"""The bound for the memory of the module's process with the largest table, in MiB."""

RESYNC_MEMORY = 64.0
"""MiB that the agent of either director may take, however many connections there are."""

ROLE = "role_noop"
ROLE_RUNS = 3
ROLE_TASKS = 10
"""Tasks of the role that may go to a machine on which nothing is to be done."""

NAMES = (*(case.name for case in (*ENGINE, *TASKS)), ROLE, MEMORY, FLOOR)


def chosen(names: Collection[str]) -> set[str]:
    """Return the named cases; all, if none is named."""
    floors = {case.name for case in ENGINE if case.name.endswith(f":{FLOOR}")} if FLOOR in names else set()
    return {*names, *floors} - {FLOOR} if names else set(NAMES) - {FLOOR}
