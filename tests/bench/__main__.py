# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make bench: compare the speed of the collection with other tools, in a virtual machine.

PYTHONPATH=tests python3 -m bench [CASE...]
PYTHONPATH=tests python3 -m bench --profile CASE [--size N]

Exit status 0: every bound is met; 1: one is missed, or something failed; 130: interrupted.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import statistics
import sys
import time
from collections.abc import Collection

from bench import cases as known
from bench import machine, tasks
from bench.machine import Guest
from bench.results import Limit, Report, Row
from lab import Lab, LabError
from tools.checkout import BUILD, CACHE, INSTALLED, ROOT

STATE = CACHE / "bench"
RESULT = BUILD / "bench.json"


class Run:
    """A run of the bench: the requested cases, one after the other."""

    def __init__(self, lab: Lab, wanted: Collection[str]) -> None:
        self._started = time.monotonic()
        self._wanted = wanted
        self._machine = lab[machine.SPEC["name"]]
        self._guest = Guest(self._machine, INSTALLED)
        self.report = Report(self._guest.describe())

    def say(self, text: str) -> None:
        passed = int(time.monotonic() - self._started)
        print(f"{passed // 60:3}:{passed % 60:02} {text}", flush=True)

    def all(self) -> None:
        self.say(", ".join(f"{name} {value}" for name, value in self.report.machine.items()))
        wanted = self._wanted
        for size in known.SIZES:
            for group in known.GROUPS:
                self._engine(size, [case for case in known.ENGINE if case.name in group and case.name in wanted and size in case.sizes])
        controller = tasks.Controller(self._machine, STATE)
        for case in known.TASKS:
            if case.name in wanted:
                self._task(controller, case)
        if known.ROLE in wanted:
            self._role(controller)
        if known.MEMORY in wanted:
            self._memory(controller)

    def _engine(self, size: int, chosen: list[known.EngineCase]) -> None:
        if not chosen:
            return
        names = [case.name for case in chosen]
        once = size == known.LARGEST
        self.say(f"{', '.join(names)}: {size:,} destinations")
        found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
        for one in self._guest.measure(size, 1 if once else chosen[0].runs, names, warm_up=not once):
            if "changing_messages" in one:
                self.report.limits.append(Limit("one_change: messages that change something", one["changing_messages"], 1, "messages"))
                continue
            if "resync" in one:
                self._resync(size, **one["resync"])
                continue
            ours, peer = found[one["case"]]
            ours.append(one["ours"])
            peer.append(one["peer"])
        for case in chosen:
            self._found(Row(case.name, size, *found[case.name], case.bound_at(size), grows=case.grows))

    def _resync(self, size: int, **cost: float) -> None:
        processor = f"{cost['active_processor']:.2f} s of the active director's processor, {cost['processor']:.2f} s of the other's"
        memory = max(cost["memory"], cost["active_memory"])
        self.say(f"    resync: {cost['seconds']:.2f} s with both on one processor, {processor}, {memory:.0f} MiB")
        self.report.limits.append(Limit(f"resync: memory of an agent at {size:,} connections", memory, known.RESYNC_MEMORY, "MiB"))

    def _task(self, controller: tasks.Controller, case: known.TaskCase) -> None:
        self.say(f"{case.name}: {case.about}; {case.runs} runs of each, log in {(STATE / case.name).relative_to(ROOT)}.log")
        emulated = self.report.machine["processor"] == "qemu"
        pair = case.emulated if emulated and case.emulated else case.pair
        ours, peer = controller.pairs(case.name, pair(case.size), case.runs)
        self._found(Row(case.name, case.size, ours, peer, case.bound, case.note if pair is case.emulated else ""))

    def _role(self, controller: tasks.Controller) -> None:
        self.say(f"{known.ROLE}: the role on a director with nothing to do, beside a play of one command; {known.ROLE_RUNS} runs of each")
        ours, peer, went = controller.role_noop(known.ROLE, known.ROLE_RUNS)
        self.report.limits.append(Limit(f"{known.ROLE}: tasks that go to the machine", went, known.ROLE_TASKS, "tasks"))
        self._found(Row(known.ROLE, 10, ours, peer))

    def _memory(self, controller: tasks.Controller) -> None:
        self.say(f"{known.MEMORY}: a task of ipvs_table that adds {known.LARGEST:,} destinations")
        (task,) = controller.play(known.MEMORY, tasks.load(known.LARGEST))
        mib = self._guest.memory()
        self.report.limits.append(Limit(f"memory of the module's process at {known.LARGEST:,}", mib, known.MEMORY_BOUND, "MiB"))
        self.say(f"    {mib:.0f} MiB, in a task of {task.seconds:.1f} s")

    def _found(self, row: Row) -> None:
        self.report.rows.append(row)
        ours, peer = (statistics.median(seconds) for seconds in (row.ours, row.peer))
        self.say(f"    {row.case}: ours {ours:.4f} s, peer {peer:.4f} s, ratio {row.ratio:.3f}{'' if row.met else ' MISSED'}")


def profile(lab: Lab, case: str, size: int) -> None:
    """Print where the engine's time goes."""
    for line in Guest(lab[machine.SPEC["name"]], INSTALLED).ask("--profile", "--size", str(size), case):
        print(line, end="")


def bench(options: argparse.Namespace) -> int:
    lab = Lab(STATE)
    lab.down()  # left by a killed bench
    with lab.up([machine.SPEC]):
        if options.profile:
            profile(lab, options.profile, options.size)
            return 0
        run = Run(lab, known.chosen(options.cases))
        try:
            run.all()
        finally:
            # After an aborted run too: keep what was measured.
            run.report.write(RESULT)
            print(f"\n{run.report.table()}\n\nThe same, with every run: {RESULT.relative_to(ROOT)}")
    return 0 if run.report.met else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m bench", description="Measure the collection beside what people use otherwise.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of {', '.join(known.NAMES)}; all, if none is named")
    engine = [case.name for case in known.ENGINE]
    parser.add_argument("--profile", choices=engine, help="print where the engine's time goes in this case instead")
    parser.add_argument("--size", type=int, default=10_000, help="destinations, for --profile")
    options = parser.parse_args()
    if unknown := sorted(set(options.cases) - set(known.NAMES)):
        parser.error(f"no such case: {', '.join(unknown)}; there are {', '.join(known.NAMES)}")
    os.chdir(ROOT)
    # However the bench ends, it ends its machine.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    STATE.mkdir(parents=True, exist_ok=True)
    with open(STATE / "running", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"bench: another one is running in {ROOT}")
            return 1
        try:
            return bench(options)
        except LabError as error:
            print(f"bench: {error}")
            return 1
        except KeyboardInterrupt:
            print("bench: interrupted, its machine is gone")
            return 130


if __name__ == "__main__":
    sys.exit(main())
