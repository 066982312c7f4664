# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part that runs in the virtual machine, as root: `python3 -m bench.guest --size N --runs N CASE...`.

Prints one JSON object per line: {"case": ..., "ours": seconds, "peer": seconds} for each run except warm-ups.

Each load of a table has its own network namespace. The kernel keeps deleted destinations for two minutes and searches all of them at
each add, so a second load in the same namespace would mostly measure that.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import ctypes
import gc
import json
import os
import pstats
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._model.table import ServiceKey, parse_address

from bench import messages, tables
from bench.engine import NetlinkKernel, converge, desired_table, restore
from bench.resync import resynced

LOADS = ("apply", "keepalived", "apply:floor")
READS = ("noop", "noop:floor", "one_change")
RESTORE = "restore"
RESYNC = "resync"

Run = tuple[str, float, float]
"""A case, and the seconds of ours and of the peer."""

FLOOR = Path(__file__).with_name("floor")
"""floor.c, as machine.py compiled it."""

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
# Poll the table at intervals that are short compared with the elapsed time.
_LEAST_INTERVAL = 0.002
_INTERVALS = 50


class Bench:
    """The cases with one size: the desired table, and the same in files for the peers."""

    def __init__(self, size: int, folder: Path) -> None:
        self._size = size
        self._services = tables.services(size)
        self._desired = desired_table(self._services)
        self._rules = folder / "rules"
        self._rules.write_text(tables.ipvsadm_rules(size))
        self._config = folder / "keepalived.conf"
        self._config.write_text(tables.keepalived_config(size))
        self._apply = folder / "apply"
        self._questions = folder / "questions"

    # -- from an empty kernel to the full table ---------------------------------------------------

    def load(self, cases: Collection[str]) -> Iterator[Run]:
        """Load the table once with the engine and with each of the peers."""
        ours = self._loaded_by("the engine", self.engine)
        if "apply" in cases:
            yield "apply", ours, self._loaded_by("ipvsadm -R", self.ipvsadm)
        if "keepalived" in cases:
            yield "keepalived", ours, self._loaded_by("keepalived", self.keepalived)
        if "apply:floor" in cases:
            if not self._apply.exists():
                self._loaded_by("the engine", self._record_apply)
            yield "apply:floor", ours, self._loaded_by("the same messages", lambda: replay(self._apply))

    def _loaded_by(self, who: str, load: Callable[[], float]) -> float:
        fresh_namespace()
        passed = load()
        if loaded() != self._size:
            raise SystemExit(f"bench: {who} loaded {loaded()} destinations, not {self._size}")
        return passed

    def engine(self) -> float:
        """Return the seconds in which the engine loads the table: it reads, plans, applies, reads again, and compares."""
        with opened() as kernel:
            return seconds(lambda: expect_changed(converge(kernel, self._desired), True))

    def ipvsadm(self) -> float:
        """Return the seconds in which ipvsadm loads the table."""
        with self._rules.open() as rules:
            return seconds(lambda: subprocess.run(["ipvsadm", "-R"], stdin=rules, check=True, timeout=600))

    def keepalived(self) -> float:
        """Return the seconds from the start of keepalived until its table is loaded."""
        service = self._services[-1]
        last = ServiceKey("ipv4", service["protocol"], parse_address(service["address"]), service["port"])
        with opened() as kernel, tempfile.TemporaryDirectory() as run:
            begun = time.perf_counter()
            files = [f"--use-file={self._config}", f"--pid={run}/1", f"--checkers_pid={run}/2"]
            daemon = subprocess.Popen(
                ["keepalived", "--check", "--dont-fork", "--no-syslog", *files],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                while True:
                    # It adds the services in their order. Reading the whole table each time would cost more than loading it.
                    found = kernel.read_service(last)
                    passed = time.perf_counter() - begun
                    if found is not None and len(found.entry.destinations) == len(service["destinations"]):
                        return passed
                    if daemon.poll() is not None:
                        raise SystemExit(f"bench: keepalived ended with status {daemon.returncode} before its table was loaded")
                    time.sleep(max(_LEAST_INTERVAL, passed / _INTERVALS))
            finally:
                # Asked politely, it would delete its table first, one destination after the other.
                os.killpg(daemon.pid, signal.SIGKILL)
                daemon.wait(600)

    def _record_apply(self) -> float:
        """Load the table with the engine, and keep all that it sends: batches, and the questions before and after them."""
        with messages.recorded() as sent:
            passed = self.engine()
        self._apply.write_bytes(messages.records(sent))
        return passed

    # -- at boot ----------------------------------------------------------------------------------

    def restore(self) -> Iterator[Run]:
        """Restore as many services as destinations elsewhere, with one destination each."""
        text = tables.saved(self._size)
        self._rules.write_text(tables.ipvsadm_rules(self._size, 1))
        yield RESTORE, self._loaded_by("the restore", lambda: restored(text)), self._loaded_by("ipvsadm -R", self.ipvsadm)

    # -- between two directors --------------------------------------------------------------------

    def resync(self) -> Iterator[Run]:
        """Resync as many connections as destinations elsewhere, beside a listing of the table that results."""
        fresh_namespace()
        found = resynced(self._size)
        say(resync=found._asdict())
        yield RESYNC, found.seconds, seconds(list_connections)

    # -- with the table loaded --------------------------------------------------------------------

    def read(self, cases: Collection[str], kernel: NetlinkKernel) -> Iterator[Run]:
        """Find nothing to do, and one thing to do, in a table that is loaded."""
        if not {"noop", "noop:floor"}.isdisjoint(cases):
            ours = self.noop(kernel)
            if "noop" in cases:
                yield "noop", ours, seconds(save)
            if "noop:floor" in cases:
                yield "noop:floor", ours, self._asked_again(kernel)
        if "one_change" in cases:
            changed = self.one_change(kernel)
            self._ask_anew()
            yield "one_change", changed, self.noop(kernel)

    def noop(self, kernel: NetlinkKernel) -> float:
        """Return the seconds in which the engine finds that there is nothing to do."""
        return seconds(lambda: expect_changed(converge(kernel, self._desired), False))

    def _asked_again(self, kernel: NetlinkKernel) -> float:
        """Return the seconds in which the kernel answers the questions of a run that finds nothing to do."""
        if not self._questions.exists():
            with messages.recorded() as sent:
                self.noop(kernel)
            self._questions.write_bytes(messages.records(sent))
        return replay(self._questions)

    def one_change(self, kernel: NetlinkKernel) -> float:
        """Return the seconds in which the engine edits one destination, in the middle of the table."""
        destination = self._services[len(self._services) // 2]["destinations"][0]
        destination["weight"] += 1
        self._ask_anew()
        return seconds(lambda: expect_changed(converge(kernel, self._desired), True))

    def _ask_anew(self) -> None:
        """Build the desired table from scratch, as each task does: values already in use compare faster."""
        self._desired = desired_table(self._services)

    def changing_messages(self, kernel: NetlinkKernel) -> int:
        """Return the number of changing messages that the engine sends for such an edit."""
        with messages.recorded() as sent:
            self.one_change(kernel)
        number = messages.changing(messages.commands(sent))
        if not number:
            raise SystemExit("bench: an edit without a message that changes anything")
        return number


def expect_changed(changed: bool, expected: bool) -> None:
    """A run that did something else than it should measures something else."""
    if changed is not expected:
        raise SystemExit(f"bench: the engine says changed={changed}, which is wrong here")


def restored(text: str) -> float:
    """Return the seconds in which a saved table is restored."""
    with opened() as kernel:
        begun = time.perf_counter()
        if restore(kernel, text):
            raise SystemExit("bench: the restore had problems")
        return time.perf_counter() - begun


def replay(records: Path) -> float:
    """Return the seconds in which the kernel works off recorded messages."""
    done = subprocess.run([FLOOR, records], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, timeout=600)
    return float(done.stdout)


def save() -> None:
    """Print the table with ipvsadm to /dev/null."""
    subprocess.run(["ipvsadm", "-Sn"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=600)


def list_connections() -> None:
    """Print the connections with ipvsadm, for nobody."""
    subprocess.run(["ipvsadm", "-L", "-n", "-c"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=600)


def loaded() -> int:
    """Return the number of destinations in this namespace according to ipvsadm: /proc/net/ip_vs may lack some of a large table."""
    saved = subprocess.run(["ipvsadm", "-Sn"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, timeout=600).stdout
    return sum(line.startswith(b"-a ") for line in saved.splitlines())


def seconds(action: Callable[[], Any]) -> float:
    """Return the duration of an action in seconds."""
    gc.collect()
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


@contextlib.contextmanager
def opened() -> Iterator[NetlinkKernel]:
    """The kernel, in the present namespace."""
    kernel = NetlinkKernel()
    try:
        yield kernel
    finally:
        kernel.close()


def fresh_namespace() -> None:
    """Enter a new network namespace, and wait until the kernel has cleared away the one before."""
    if _LIBC.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    # Without any route, no address counts as unicast, and the kernel refuses every destination.
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=600)
    settle()


def settle(patience: float = 300.0) -> None:
    """Wait until the processor has nothing to do."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        idle, total = _processor_ticks()
        time.sleep(0.2)
        idle_now, total_now = _processor_ticks()
        if idle_now - idle >= 0.8 * (total_now - total):
            return
    raise SystemExit(f"bench: the machine did not come to rest within {patience:.0f} s")


def _processor_ticks() -> tuple[int, int]:
    """Return how long the processor has been idle, and how long it has been there at all."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def say(**values: Any) -> None:
    """Tell the host."""
    print(json.dumps(values), flush=True)


def measure(bench: Bench, cases: Collection[str], runs: int, warm_up: bool) -> None:
    """Do all runs, the pairs one after the other."""
    numbers = range(-1 if warm_up else 0, runs)

    def tell(number: int, found: Iterator[Run]) -> None:
        for case, ours, peer in found:
            if number >= 0:
                say(case=case, ours=ours, peer=peer)

    if not set(LOADS).isdisjoint(cases):
        for number in numbers:
            tell(number, bench.load(cases))
    if RESTORE in cases:
        for number in numbers:
            tell(number, bench.restore())
    if RESYNC in cases:
        for number in numbers:
            tell(number, bench.resync())
    if not set(READS).isdisjoint(cases):
        fresh_namespace()
        bench.engine()
        settle()
        with opened() as kernel:
            for number in numbers:
                tell(number, bench.read(cases, kernel))
            if "one_change" in cases:
                say(changing_messages=bench.changing_messages(kernel))


def profile(bench: Bench, case: str) -> None:
    """Print where the engine's time goes in one case."""
    profiler = cProfile.Profile()
    fresh_namespace()
    if case in READS:
        bench.engine()
    with contextlib.ExitStack() as stack:
        kernel = stack.enter_context(opened())
        stack.enter_context(profiler)
        if case in READS:
            (bench.one_change if case == "one_change" else bench.noop)(kernel)
        else:
            bench.engine()
    pstats.Stats(profiler, stream=sys.stdout).sort_stats("tottime").print_stats(30)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m bench.guest", description="Measure the engine beside its peers.")
    parser.add_argument("--size", type=int, required=True, help="destinations")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-warm-up", action="store_true")
    parser.add_argument("--profile", action="store_true", help="print where the time of the first case goes instead")
    parser.add_argument("cases", nargs="+", choices=(*LOADS, *READS, RESTORE, RESYNC))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.size, Path(folder))
        if options.profile:
            profile(bench, options.cases[0])
        else:
            measure(bench, options.cases, options.runs, not options.no_warm_up)


if __name__ == "__main__":
    main()
