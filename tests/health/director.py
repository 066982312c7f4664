# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The director with checks and its peer as the steps of the scenario see them: what fails, and what the table makes of it."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lab import Lab
from lab.progress import Progress
from pair import results
from pair.pair import Director, Peer
from pair.results import Bounds, Row

CHECKS, FOLLOWER = "ipvs-director-checks.service", "ipvs-director-health.service"
ADDRESSES = {"rs1": "10.99.0.11", "rs2": "10.99.0.12", "rs3": "10.99.0.13", "sorry": "10.99.0.99", "nobody": "10.99.0.19"}
SERVERS = [name for name in ADDRESSES if name != "nobody"]
NAMES = {address: name for name, address in ADDRESSES.items()}
VIP = "10.99.0.100"
# The services of molecule/health/converge.yml, and those that clients connect to all the time.
WEB, OTHER, SECURE, NAMED, ECHO, COMMANDED = (
    f"{protocol} {VIP}:{port}" for protocol, port in (("tcp", 80), ("tcp", 8080), ("tcp", 443), ("udp", 53), ("udp", 5000), ("tcp", 8081))
)
CLIENTS = ("web", "other")
# Seconds between two new connections to a service.
EVERY = 0.25
# Seconds in which every check has run: interval + (retries + 1) x timeout + retries x retry_pause; and until one is well again.
SLOWEST = 8.0
RECOVER_AFTER = 8.0
TICK = 0.2
# Seconds for a run of Ansible, in an emulated machine.
LIMIT = 300.0
PLAYBOOK = Path(__file__).parents[2] / "molecule" / "health" / "converge.yml"
LISTING = "/proc/net/ip_vs"
# An empty line ends each listing.
WATCH = f"while :; do cat {LISTING}; echo; sleep {TICK}; done"

Table = dict[str, dict[str, int]]


def parse(listing: str) -> Table:
    """The weights in a listing of the kernel, by service and real server, both in its order."""
    table: Table = {}
    for line in listing.splitlines():
        match line.split():
            case ["TCP" | "UDP" as protocol, place, _scheduler, *_flags]:
                table[f"{protocol.lower()} {_place(place)}"] = service = {}
            case ["->", place, _method, weight, _active, _inactive] if ":" in place and place != "RemoteAddress:Port":
                service[NAMES[_place(place).partition(":")[0]]] = int(weight)
    return table


def _place(text: str) -> str:
    address, port = text.split(":")
    return f"{ipaddress.IPv4Address(int(address, 16))}:{int(port, 16)}"


def _tables(watch: subprocess.Popen[str]) -> Iterator[Table]:
    assert watch.stdout
    lines: list[str] = []
    for line in watch.stdout:
        lines.append(line)
        if line == "\n":
            yield parse("".join(lines))
            lines.clear()
    raise AssertionError("the director says no more")


class Step:
    """A step that is being measured."""

    def __init__(self) -> None:
        self.note = ""
        self.seconds: float | None = None
        self.found: dict[str, Any] = {}


class Checked:
    """A director that checks its real servers, and its peer."""

    def __init__(self, state: Path) -> None:
        self._lab = Lab(state / "lab")
        self._results = state / "steps.jsonl"
        self._progress = Progress()
        self.director = Director(self._lab, "director")
        self.peer = Peer(self._lab["peer"])
        self._undo: dict[str, Callable[[], None]] = {}

    @classmethod
    def of_the_scenario(cls) -> Checked:
        return cls(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]))

    def on_peer(self, command: str) -> str:
        return self._lab["peer"].run(command, check=True, timeout=120).stdout

    # What befalls a real server, and is undone at the end of a test.

    def kill(self, *names: str) -> None:
        """Kill its process: whoever connects is refused."""
        self._undo["killed"] = lambda: self.revive(*SERVERS)
        self.on_peer(f"systemctl kill --signal=KILL {' '.join(names)}")

    def revive(self, *names: str) -> None:
        """Start the process again, and return when it answers."""
        self.on_peer(
            f"systemctl start {' '.join(names)}\nfor name in {' '.join(names)}; do\n"
            "    until ip netns exec $name ss -Hltn sport = :443 | grep -q LISTEN; do sleep 0.1; done\ndone"
        )

    def vanish(self, name: str) -> None:
        """Have it neither hear nor say anything, as a host without power does."""
        self._undo[f"{name} gone"] = lambda: self.reappear(name)
        self.on_peer(
            f"ip netns exec {name} nft -f - <<'END'\n"
            "add table inet gone\n"
            "add chain inet gone input { type filter hook input priority 0; policy drop; }\n"
            "END"
        )

    def reappear(self, name: str) -> None:
        self.on_peer(f"ip netns exec {name} nft delete table inet gone")
        self._undo.pop(f"{name} gone", None)

    def fail(self, name: str, **fault: Any) -> None:
        """Have it fail as health/server.py explains."""
        self._undo[f"{name} fails"] = lambda: self.fail(name)
        self.on_peer(f"echo '{json.dumps(fault)}' >/root/tests/state/{name}.json && systemctl kill --signal=HUP {name}")

    def maintain(self, name: str) -> None:
        """Have the check of type command fail."""
        path = f"/run/maintenance-{ADDRESSES[name]}"
        self.director.change("maintenance", f"touch {path}", f"rm {path}")

    # The director

    def check_certificates(self) -> None:
        """Check the certificate of rs2 and nothing else, until the end of the test."""
        declared = "/var/lib/lvs.director/health.json"
        self.director.change("declaration", f"cp --preserve {declared} /root/health.json", f"mv /root/health.json {declared}")
        https = {"type": "https", "host": "www.example.org", "verify": True, "ca_file": "/etc/ssl/certs/health-ca.pem"}
        destinations = [{"address": ADDRESSES["rs2"], "checks": [https]}]
        self.task("ipvs_health", services=[{"protocol": "tcp", "address": VIP, "port": 443, "destinations": destinations}])

    @property
    def table(self) -> Table:
        return parse(self.director.run(f"cat {LISTING}"))

    def weights(self, service: str = WEB) -> dict[str, int]:
        return self.table.get(service, {})

    @contextlib.contextmanager
    def _watched(self) -> Iterator[Iterator[Table]]:
        """The table, again and again; a command for each look would keep an emulated machine busy."""
        with self.director.vm.popen(WATCH) as watch:
            try:
                yield _tables(watch)
            finally:
                watch.terminate()

    def until_table(self, what: str, condition: Callable[[Table], bool], patience: float) -> float:
        """Wait for the table to be so, and return the seconds from now until then."""
        began = time.monotonic()
        with self._watched() as tables:
            for table in tables:
                took = time.monotonic() - began
                if condition(table):
                    return took
                if took > patience:
                    break
        raise AssertionError(f"not within {patience:g} s: {what}; {table}\n{self.explain()}")

    def until_weight(self, name: str, weight: int, patience: float, services: Sequence[str] = (WEB,)) -> float:
        return self.until_table(
            f"{name} has weight {weight}", lambda table: all(table.get(service, {}).get(name) == weight for service in services), patience
        )

    def until_held(self, *names: str, silent: bool = False) -> None:
        """Wait until these, whose processes are dead, are held in each service; or whose hosts are silent."""
        self.until_table(f"{names} are held", lambda table: table == without(*names, silent=silent), 60)

    def stays(self, expected: Table, seconds: float) -> None:
        """Watch the table for a while: it must not change at all."""
        deadline = time.monotonic() + seconds
        with self._watched() as tables:
            for table in tables:
                if table != expected or time.monotonic() > deadline:
                    break
        assert table == expected, self.explain()

    def health(self, service: str = WEB) -> dict[str, dict[str, Any]]:
        """What `ipvs-director health --json` says of a service, by real server."""
        found = json.loads(self.director.run("ipvs-director health --json"))
        assert found["problem"] is None, found
        (services,) = ([each for each in found["services"] if each["service"] == service],)
        assert len(services) == 1, found
        return {NAMES[each["destination"].split(":")[0]]: each for each in services[0]["destinations"]}

    def connections(self, name: str) -> int:
        """How many connections all services have given to a real server since the table was loaded."""
        listed = self.director.run("ipvsadm --list --numeric --stats --exact")
        return sum(int(conns) for conns in re.findall(rf"-> {re.escape(ADDRESSES[name])}:\d+ +(\d+)", listed))

    def held_after_start(self, name: str = "rs1", service: str = WEB) -> float:
        """The seconds from the start of the checks until one was held."""
        started = self.director.run(f"systemctl show --timestamp=unix --property=ActiveEnterTimestamp --value {CHECKS}")
        since: float = self.health(service)[name]["held_since"]
        return since - float(started.strip().removeprefix("@"))

    def explain(self) -> str:
        return self.director.says(
            f"ipvs-director health; journalctl --output=short-precise --unit={CHECKS} --unit={FOLLOWER} --lines=40 --no-pager"
        )

    def thresholds(self) -> list[str]:
        """Each destination and its thresholds, as ipvsadm has them."""
        listed = self.director.run("ipvsadm --list --numeric --thresholds").splitlines()
        # Without its connections.
        return sorted(" ".join(line.split()[:4]) for line in listed)

    def pid(self, unit: str) -> int:
        return int(self.director.run(f"systemctl show --property=MainPID --value {unit}"))

    # Ansible

    def task(self, module: str, **options: Any) -> dict[str, Any]:
        """The result of one task."""
        ended = self._task(module, options)
        assert not ended.returncode, f"{ended.stdout}{ended.stderr}"
        return self._result(ended)

    def refused(self, module: str, **options: Any) -> str:
        """The message of a task that fails."""
        ended = self._task(module, options)
        assert ended.returncode, ended.stdout
        message: str = self._result(ended)["msg"]
        return message

    def _task(self, module: str, options: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        arguments = ["-a", json.dumps(options)] if options else []
        return self._ansible("ansible", "director", "-m", f"lvs.director.{module}", *arguments)

    @staticmethod
    def _result(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(ended.stdout.partition("=> ")[2])
        return found

    def play(self) -> int:
        """Run the playbook again, and return how many tasks have changed something."""
        ended = self._ansible("ansible-playbook", str(PLAYBOOK))
        assert not ended.returncode, f"{ended.stdout}{ended.stderr}"
        (changed,) = re.findall(r"^director .*\bchanged=(\d+)", ended.stdout, re.MULTILINE)
        return int(changed)

    @staticmethod
    def _ansible(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        words = [command, "-i", os.environ["MOLECULE_INVENTORY_FILE"], *arguments]
        return subprocess.run(words, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LIMIT)

    @staticmethod
    def until(what: str, condition: Callable[[], bool], patience: float) -> None:
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
            time.sleep(TICK)

    def until_well(self, patience: float = 60.0) -> None:
        """Wait until nothing is held that should not be."""
        self.until_table("all is well", is_well, patience)

    def mend(self) -> None:
        """Undo what a test has left, so that the next one finds a director whose real servers are well."""
        for undo in list(self._undo.values())[::-1]:
            undo()
        self._undo.clear()
        self.director.mend()
        self.director.says(f"systemctl start {CHECKS} {FOLLOWER}")
        self.peer.ask("begin", services=[], every=1)
        self.until_well()

    # The steps

    @contextlib.contextmanager
    def step(self, name: str, bounds: Bounds, *, clients: Sequence[str] = CLIENTS, settled: float = 2.0) -> Iterator[Step]:
        """Measure what a step costs: clients connect all the time."""
        self.peer.ask("begin", services=list(clients), every=EVERY)
        step = Step()
        yield step
        time.sleep(settled)
        step.found = self.peer.ask("end")
        row = Row.of(name, step.found, str(bounds), step.note, step.seconds)
        self.say(row)
        assert not row.beyond(bounds), [*row.beyond(bounds), *step.found["new_lost"][:10], self.explain()]
        assert row.new, "no client has connected"

    def say(self, row: Row) -> None:
        """Keep a row for the table, and print it now."""
        results.record(self._results, row)
        self._progress.say("health", str(row))

    def forget(self) -> None:
        self._results.unlink(missing_ok=True)

    def summary(self) -> str:
        return results.table(self._results)


# What the table has while every real server is well.
WELL: Table = {
    WEB: {"rs1": 5, "rs2": 5, "rs3": 5, "sorry": 0},
    **{service: {"rs1": 1, "rs2": 1} for service in (OTHER, SECURE, NAMED, ECHO, COMMANDED)},
}


def without(*names: str, silent: bool = False) -> Table:
    """The table while these do not answer.

    One service is not checked, for one a program on the director decides, and the check of one only fails if the host says that the port
    is closed.
    """
    unchanged = (SECURE, COMMANDED, *([ECHO] if silent else []))
    return {
        service: {name: 0 if name in names and service not in unchanged else weight for name, weight in weights.items()}
        for service, weights in WELL.items()
    }


def is_well(table: Table) -> bool:
    return table == WELL and all(list(table[service]) == list(WELL[service]) for service in WELL)
