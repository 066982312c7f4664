# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair and its peer as the steps of the scenario see them: who serves, what befalls a director, and what that costs."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lab import Lab
from lab.machine import Machine
from lab.progress import Progress
from pair import connections, results, traffic
from pair.connections import Difference, Entry, Key
from pair.results import Bounds, Row

HERE = Path(__file__).parent
SERVICES: dict[str, dict[str, Any]] = json.loads((HERE / "traffic.json").read_text(encoding="utf-8"))["services"]
# Those whose servers take whatever comes; full-tcp has thresholds.
ALL = [name for name in SERVICES if name != "full-tcp"]
TCP = [name for name in ALL if name.endswith("tcp")]
VIP = SERVICES["nat4-tcp"]["address"]

AGENT = "ipvs-director-resync.service"
# Seconds between two new connections to a service, and between two questions of a connection that talks.
EVERY = 0.5
PAUSE = 0.2
# Seconds until what has just been opened is in both tables: the kernel sends its messages when they are two seconds old.
SYNCED = 3.0
# Seconds that a step goes on when all is said to be well again.
SETTLED = 5.0
BLOCKED = {"vrrp": "meta l4proto 112", "sync": "udp dport 8848"}


T = TypeVar("T")


class Director:
    """One of the two."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab = lab
        self.name = name
        self._undo: dict[str, Callable[[], None]] = {}

    def __str__(self) -> str:
        return self.name

    @property
    def vm(self) -> Machine:
        return self._lab[self.name]

    def run(self, command: str) -> str:
        """The output of a command that succeeds."""
        return self.vm.run(command, check=True, timeout=120).stdout

    def says(self, command: str) -> str:
        """What a command says, whether it succeeds or not."""
        ended = self.vm.run(command, timeout=120)
        return ended.stdout + ended.stderr

    @property
    def serves(self) -> bool:
        """Whether it has the virtual addresses."""
        return f" {VIP}/" in self.run("ip -oneline address show dev eth1")

    @property
    def table(self) -> dict[Key, Entry]:
        return connections.parse(self.run(f"cat {connections.LISTING}"))

    def is_active(self, unit: str) -> bool:
        return self.vm.run(["systemctl", "is-active", "--quiet", unit]).returncode == 0

    # What befalls it, and is undone at the end of a test, whatever becomes of that.

    def cut(self) -> None:
        """Take away its link."""
        self._undo["link"] = lambda: self.vm.cable(plugged=True)
        self.vm.cable(plugged=False)

    def freeze(self) -> None:
        self._undo["frozen"] = self.vm.thaw
        self.vm.freeze()

    def power_off(self) -> None:
        self._undo["power"] = lambda: self._lab.power_on(self.name)
        self._lab.power_off(self.name)

    def reboot(self) -> None:
        """Restart its system, and wait until all its units have started, or have failed to."""
        self.vm.reboot()
        self.until_booted()

    def until_booted(self) -> None:
        self.says("systemctl is-system-running --wait")

    def block(self, what: str) -> None:
        """Have neither VRRP nor sync messages come or go; VRRP or sync says which."""
        chains = "\n".join(
            f"add chain inet blocked {hook} {{ type filter hook {hook} priority -300; }}\nadd rule inet blocked {hook} {BLOCKED[what]} drop"
            for hook in ("input", "output")
        )
        self._undo["blocked"] = self._unblock
        self.run(f"nft -f - <<'END'\nadd table inet blocked\n{chains}\nEND")

    def _unblock(self) -> None:
        self.run("nft delete table inet blocked")

    def change(self, what: str, command: str, undo: str) -> None:
        """Run a command, which another one undoes."""
        self._undo[what] = lambda: self._undone(undo)
        self.run(command)

    def _undone(self, command: str) -> None:
        self.run(command)

    def mend(self, *what: str) -> None:
        """Undo what befell it: this, or everything in the reverse order."""
        for name in what or list(self._undo)[::-1]:
            self._undo.pop(name)()


class Peer:
    """The machine with the client and the real servers."""

    def __init__(self, vm: Machine) -> None:
        self._vm = vm
        self._socket: Path | None = None

    def ask(self, do: str, **values: Any) -> Any:
        """Have the traffic program do something, and return its answer."""
        if self._socket is None:
            self._socket = self._vm.forwarded("/run/traffic")
        return traffic.ask(str(self._socket), json.dumps({"do": do, **values}))

    def open(self, group: str, services: Sequence[str] = ALL, **values: Any) -> dict[str, Any]:
        """Open connections that all must come about."""
        answer: dict[str, Any] = self.ask("open", group=group, services=list(services), **values)
        assert not answer["lost"], answer["lost"]
        return answer

    def held(self) -> list[Key]:
        """What the client holds."""
        return [Key.of(each["protocol"], each["address"], each["port"], SERVICES[each["service"]]["address"]) for each in self.ask("held")]


class Step:
    """A step that is being measured."""

    def __init__(self) -> None:
        self.note = ""
        self.found: dict[str, Any] = {}


class Pair:
    """Both directors, and their peer."""

    def __init__(self, state: Path) -> None:
        self._lab = Lab(state / "lab")
        self._results = state / "steps.jsonl"
        self._progress = Progress()
        self.directors = [Director(self._lab, "director-1"), Director(self._lab, "director-2")]
        self.peer = Peer(self._lab["peer"])

    @classmethod
    def of_the_scenario(cls) -> Pair:
        return cls(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]))

    def other(self, director: Director) -> Director:
        (other,) = (each for each in self.directors if each is not director)
        return other

    @property
    def active(self) -> Director:
        """The one that serves, once there is one and no other."""
        return self.until("one director serves, and one alone", self._alone, 30)

    def _alone(self) -> Director | None:
        serving = [director for director in self.directors if director.serves]
        return serving[0] if len(serving) == 1 else None

    def until(self, what: str, condition: Callable[[], T | None], patience: float) -> T:
        """Wait for something, and return it."""
        deadline = time.monotonic() + patience
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
            time.sleep(0.2)
        return found

    def until_active(self, director: Director, patience: float = 20.0) -> None:
        self.until(f"{director} serves", lambda: director.serves, patience)

    # The tables

    def difference(self, active: Director) -> Difference:
        """How the other one's table differs from that of the active one. No connection must be opened meanwhile."""
        held = self.peer.held()
        return connections.difference(active.table, self.other(active).table, held)

    def until_equal(self, active: Director, patience: float) -> float:
        """Wait until the other one's table has nothing missing and nothing stale, and return how long that took."""
        began = time.monotonic()
        last = Difference([], [])

        def is_equal() -> bool:
            nonlocal last
            last = self.difference(active)
            return last == ([], [])

        try:
            self.until("both tables are equal", is_equal, patience)
        except AssertionError:
            raise AssertionError(f"after {patience:g} s, {self.other(active)}: {last}") from None
        return time.monotonic() - began

    def until_told(self, active: Director, patience: float) -> float:
        """Wait until the other one knows what the clients hold, while others come and go, and return how long that took."""
        began = time.monotonic()
        held = self.peer.held()
        other = self.other(active)
        self.until(f"{other} knows all that is held", lambda: not connections.difference({}, other.table, held).missing, patience)
        return time.monotonic() - began

    def hand_over(self) -> str:
        """Have the active one hand over to the other, and return what it says."""
        return self.active.run("ipvs-director handover")

    def give_up(self, active: Director) -> None:
        """Have the other one take over, whatever it knows."""
        active.run("systemctl stop keepalived")
        try:
            self.until_active(self.other(active))
        finally:
            active.run("systemctl start keepalived")

    def make_active(self, director: Director) -> None:
        """Have this one serve, before a step begins."""
        if self.active is not director:
            self.give_up(self.active)
            self.until_active(director)

    def mend(self) -> None:
        """Undo what a test has left, so that the next one finds a pair."""
        for director in self.directors:
            director.mend()
            director.says(f"systemctl start keepalived {AGENT}")
        self.peer.ask("begin", services=[], every=1)
        self.close()

    # The steps

    @contextlib.contextmanager
    def step(
        self, name: str, bounds: Bounds, *, idle: int = 2, talking: int = 1, new: Sequence[str] = ALL, settled: float = SETTLED
    ) -> Iterator[Step]:
        """Measure what a step costs: connections that talk and idle ones are held across it, and new ones opened during it."""
        if idle:
            self.peer.open("idle", count=idle)
        if talking:
            self.peer.open("talking", count=talking, pause=PAUSE)
        time.sleep(SYNCED)
        self.peer.ask("begin", services=list(new), every=EVERY)
        step = Step()
        yield step
        time.sleep(settled)
        step.found = self.peer.ask("end")
        row = Row.of(name, step.found, str(bounds), step.note)
        self.say(row)
        lost = [*step.found["lost"], *step.found["new_lost"]][:10]
        assert not row.beyond(bounds), [*row.beyond(bounds), *lost]
        self.close()

    def close(self) -> None:
        """Close what is held."""
        for group in {"idle", "talking", *(each["group"] for each in self.peer.ask("held"))}:
            self.peer.ask("close", group=group)

    def say(self, row: Row) -> None:
        """Keep a row for the table, and print it now."""
        results.record(self._results, row)
        self._progress.say("pair", str(row))

    def forget(self) -> None:
        """Begin a table of no rows."""
        self._results.unlink(missing_ok=True)

    def summary(self) -> str:
        return results.table(self._results)
