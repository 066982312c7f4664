# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test` and `make test-all`: run every part, even if others fail, and add up the results.

A part is a target of the Makefile. It passes if its command does and it recorded at least one result (results.py), so
that nothing counts as tested which was not. The parts of a lane run one after another, the lanes beside each other:
the checks keep one core busy while the machines of the scenarios wait, boot, or have their images made. When all lanes have
ended, the last part judges how much of the collection the unit tests and the scenario `modules` have run.

Each part has a limit. One that takes longer is ended, and has failed, as has the check that it was at.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from covered import data
from tools.checkout import BUILD, ROOT
from tools.program import Program
from tools.results import Result, Tally, read
from tools.scenarios import PATIENCE

MAKE = ("make", "--no-print-directory")
CHECKS = ("lint", "unit", "kmod")
# Left out of `make test`: `make lint` builds the docs site there, and the browser that looks at it is large.
LONG_CHECKS = ("docs",)
# Two lanes of scenarios: the first starts at once, the second after the checks. `make test` omits the scenarios that do not fit
# into its 40 minutes.
SCENARIOS = (("bare", "modules", "overload"), ("selftest", "reboot"))
LEFT_OUT = (("forwarding", "kernels"), ("undo", "scheduler_swap", "signed_module", "kernel_upgrade", "upgrade", "guides", "monitoring"))
# Left out as well. They measure seconds, and have the machine for themselves when all others have ended.
ALONE = ("pair", "health")

# Seconds. On cores eight times as busy, the slowest check needs half of it.
CHECK_LIMIT = 30 * 60.0
# All of `make test`, including the time to end late parts: CI allows 90 minutes.
RUN_LIMIT = 80 * 60.0
# An interrupted scenario destroys its machines, which takes three times a minute and a half at worst (tools/scenarios.py).
GRACE = 270.0


@dataclass
class Part:
    name: str
    command: Sequence[str]
    limit: float = CHECK_LIMIT
    seconds: float = 0.0
    # until it has run: without this, no results would add up to no failure
    results: list[Result] = field(default_factory=lambda: [Result("it", "failed", "did not run to its end")])

    @property
    def tally(self) -> Tally:
        return Tally.of(self.results)

    def judge(self, status: int, recorded: list[Result], ended: str = "") -> None:
        """Read the recorded results, and add a failure for problems that they do not show.

        :param ended: why the part had to be killed, if it was.
        """
        self.results = list(recorded)
        if ended:
            self.results.append(Result(self.name, "failed", ended))
        elif status and not self.tally.failed:
            self.results.append(Result(self.name, "failed", f"ended with exit status {status}"))
        elif not self.tally.passed and not self.tally.failed:
            self.results.append(Result(self.name, "failed", "ran no test"))


class Run:
    """The running parts: their output goes to the terminal line by line with the part's name, and to a log."""

    def __init__(
        self,
        lanes: Sequence[Sequence[Part]],
        folder: Path,
        last: Sequence[Part] = (),
        *,
        limit: float = RUN_LIMIT,
        grace: float = GRACE,
    ) -> None:
        self._lanes = lanes
        self._last = last
        self._folder = folder
        self._limit = limit
        self._grace = grace
        self._started = time.monotonic()
        self._printing = threading.Lock()
        self._running: set[Program] = set()
        self._stopped = False
        for name in ("logs", "results"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def all(self) -> None:
        with ThreadPoolExecutor(max_workers=len(self._lanes)) as pool:
            lanes = [pool.submit(self._lane, lane) for lane in self._lanes]
            try:
                for lane in lanes:
                    lane.result()
                pool.submit(self._lane, self._last).result()
            except BaseException:
                self._stopped = True
                for program in list(self._running):
                    program.end()
                raise

    def _lane(self, parts: Sequence[Part]) -> None:
        for part in parts:
            if not self._stopped:
                self._part(part)

    def _part(self, part: Part) -> None:
        results = self._folder / "results" / f"{part.name}.jsonl"
        results.unlink(missing_ok=True)
        self._say(part, "begins")
        started = time.monotonic()
        with (self._folder / "logs" / f"{part.name}.log").open("w", encoding="utf-8") as log:

            def each_line(line: str) -> None:
                log.write(line)
                self._say(part, line.rstrip())

            environment = {**os.environ, "RESULTS_FILE": str(results), "PYTHONUNBUFFERED": "1"}
            program = Program(part.command, each_line, cwd=ROOT, environment=environment, grace=self._grace)
            self._running.add(program)
            left = self._started + self._limit - self._grace - started
            status, ended = program.wait(max(0.0, min(part.limit, left)))
            self._running.discard(program)
        part.seconds = time.monotonic() - started
        part.judge(status, read(results), ended)
        self._say(part, f"ended after {part.seconds:.0f} s: {part.tally}")

    def _say(self, part: Part, text: str) -> None:
        elapsed = int(time.monotonic() - self._started)
        with self._printing:
            print(f"{elapsed // 60:3}:{elapsed % 60:02} {part.name:<11} | {text}", flush=True)


def summary(parts: Sequence[Part], seconds: float) -> list[str]:
    """Return the final lines of a run: the failures, the result of each part, and last the sum."""
    lines = [""]
    for part in parts:
        lines += [f"{one.outcome} in {part.name}: {one.name}: {one.detail}" for one in part.results if one.outcome != "passed"]
    lines += ["", f"{'part':<12}{'passed':>8}{'failed':>8}{'seconds':>9}"]
    lines += [f"{part.name:<12}{part.tally.passed:>8}{part.tally.failed:>8}{part.seconds:>9.0f}" for part in parts]
    total = sum((part.tally for part in parts), Tally())
    lines += [f"{'all':<12}{total.passed:>8}{total.failed:>8}{seconds:>9.0f}", "", str(total)]
    return lines


def lanes_of(scenarios: Sequence[Sequence[str]], checks: Sequence[str] = CHECKS) -> list[list[Part]]:
    """Return the parts, given the scenarios of each lane."""
    first, second = (scenarios_of(f"scenarios-{number}", names) for number, names in enumerate(scenarios, 1))
    return [[*(Part(name, [*MAKE, name]) for name in checks), second], [first]]


def scenarios_of(name: str, scenarios: Sequence[str]) -> Part:
    """Return the part that runs these scenarios one after another."""
    return Part(name, [*MAKE, "scenarios", f"SCENARIOS={' '.join(scenarios)}"], len(scenarios) * PATIENCE)


def run(lanes: Sequence[Sequence[Part]], folder: Path, last: Sequence[Part] = (), limit: float = RUN_LIMIT) -> int:
    """Run parts, print their results, and return the exit status."""
    parts = [part for lane in [*lanes, last] for part in lane]
    started = time.monotonic()
    try:
        Run(lanes, folder, last, limit=limit).all()
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    print("\n".join(summary(parts, time.monotonic() - started)), flush=True)
    return 1 if any(part.tally.failed for part in parts) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Run all tests that fit into 40 minutes.")
    parser.add_argument("--all", action="store_true", help="run those too that do not")
    everything = parser.parse_args().all
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scenarios = [(*fitting, *left) if everything else fitting for fitting, left in zip(SCENARIOS, LEFT_OUT, strict=True)]
    lanes = lanes_of(scenarios, (*CHECKS, *LONG_CHECKS) if everything else CHECKS)
    last = [*([scenarios_of("scenarios-alone", ALONE)] if everything else []), Part("coverage", ["python3", "-m", "covered", "judge"])]
    data.begin()
    # Without the scenarios that do not fit in, there is a limit for all together; with them, each part's own.
    limit = sum(part.limit for lane in [*lanes, last] for part in lane) if everything else RUN_LIMIT
    return run(lanes, BUILD, last, limit)


if __name__ == "__main__":
    sys.exit(main())
