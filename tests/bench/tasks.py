# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole Ansible tasks, from their start on the controller to their result: a playbook for each case, run against the machine."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import tables
from bench.machine import MEASURED_PYTHON
from lab import LabError, inventory
from lab.machine import Machine
from lab.tail import tail

Task = dict[str, Any]

RESET = "ipvsadm -C"
CALLBACKS = Path(__file__).parent / "callback_plugins"


@dataclass(frozen=True)
class Pair:
    """Two tasks to compare."""

    ours: Task
    peer: Task
    changes: bool = False
    """Whether ours is to change something."""
    prepare: Sequence[Task] = ()
    """Run once, before everything."""
    before_ours: str = ""
    before_peer: str = ""
    """Shell scripts that prepare the table before the task."""
    variables: dict[str, Any] = field(default_factory=dict)
    share: int = 1
    """The peer does only one of this many parts; its time is multiplied."""

    def playbook(self, runs: int) -> list[dict[str, Any]]:
        """Return a playbook that alternates between the two. The measured tasks are named ours and peer; a warm-up pair comes first."""
        tasks: list[Task] = [_shell(RESET), *self.prepare]
        for number in range(runs + 1):
            for name, before, task in (("ours", self.before_ours, self.ours), ("peer", self.before_peer, self.peer)):
                if before:
                    tasks.append(_shell(before))
                tasks.append({"name": name if number else f"warm up {name}", **task})
        tasks.append(_shell(RESET))
        return [{"hosts": "all", "gather_facts": False, "vars": self.variables, "tasks": tasks}]


def noop(size: int) -> Pair:
    """The whole table in one task, in which nothing is to be done."""
    table = _table("services")
    return Pair(
        prepare=[{"name": "load", **table}],
        ours=table,
        peer={"ansible.builtin.command": "ipvsadm -Sn", "changed_when": False},
        variables={"services": tables.services(size)},
    )


def loop(size: int, share: int = 1) -> Pair:
    """A table from nothing, and the loop that people write; for that one, the services are there already."""
    rules = tables.ipvsadm_rules(size).splitlines()
    adding = [rule for rule in rules if rule.startswith("-a ")]
    return Pair(
        before_ours=RESET,
        ours=_table("services"),
        changes=True,
        before_peer="; ".join([RESET, *(f"ipvsadm {rule}" for rule in rules if rule.startswith("-A "))]),
        peer={"ansible.builtin.command": "ipvsadm {{ item }}", "loop": "{{ rules }}"},
        variables={"services": tables.services(size), "rules": adding[: len(adding) // share]},
        share=share,
    )


def startup() -> Pair:
    """The smallest task, in which nothing is to be done, and the smallest command."""
    (service,) = tables.services(1)
    (destination,) = service["destinations"]
    key = {name: service[name] for name in ("protocol", "address", "port")}
    return Pair(
        prepare=[_shell("; ".join(f"ipvsadm {rule}" for rule in tables.ipvsadm_rules(1).splitlines()))],
        ours={"lvs.director.ipvs_destination": {"service": key, **destination}},
        peer={"ansible.builtin.command": "/bin/true", "changed_when": False},
    )


ROLE_PLAY: list[dict[str, Any]] = [
    {
        "hosts": "all",
        "gather_facts": False,
        "become": True,
        "roles": ["lvs.director.ipvs_director"],
        "vars": {"ipvs_director_services": tables.services(10)},
    }
]
COMMAND_PLAY: list[dict[str, Any]] = [
    {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.command": "/bin/true", "changed_when": False}]}
]


def load(size: int) -> list[dict[str, Any]]:
    """A playbook that loads a table with one task, in a network namespace of the task's own."""
    task = {"name": "ours", **_table("services"), "vars": {"ansible_python_interpreter": MEASURED_PYTHON}}
    return [{"hosts": "all", "gather_facts": False, "vars": {"services": tables.services(size)}, "tasks": [task]}]


def _table(variable: str) -> Task:
    return {"lvs.director.ipvs_table": {"services": f"{{{{ {variable} }}}}"}}


def _shell(script: str) -> Task:
    return {"name": "prepare", "ansible.builtin.raw": script, "changed_when": False}


@dataclass(frozen=True)
class Timed:
    """A successful task."""

    task: str
    seconds: float
    changed: bool
    went_to_machine: bool


class Controller:
    """Ansible on this host, and the machine as its only target."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self._folder = folder
        self._inventory = folder / "inventory.json"
        hosts = {machine.name: inventory.variables(machine)}
        self._inventory.write_text(json.dumps({"all": {"vars": inventory.COMMON, "hosts": hosts}}), encoding="utf-8")

    def pairs(self, name: str, pair: Pair, runs: int) -> tuple[list[float], list[float]]:
        """Return the seconds of our task and of the peer's, run for run."""
        timed = self.play(name, pair.playbook(runs))
        for one in timed:
            if one.task == "ours" and one.changed is not pair.changes:
                raise LabError(f"{name}: our task says changed={one.changed}, which is wrong there")
        ours = [one.seconds for one in timed if one.task == "ours"]
        return ours, [one.seconds * pair.share for one in timed if one.task == "peer"]

    def role_noop(self, name: str, runs: int) -> tuple[list[float], list[float], int]:
        """Return the seconds of plays of the role that find nothing to do, those of plays of one command, and how many tasks of
        the role go to the machine."""
        self.play(name, ROLE_PLAY)
        ours: list[float] = []
        peer: list[float] = []
        went = 0
        for _run in range(runs):
            for playbook, passed in ((ROLE_PLAY, ours), (COMMAND_PLAY, peer)):
                begun = time.perf_counter()
                tasks = self.play(name, playbook)
                passed.append(time.perf_counter() - begun)
                if changed := [task.task for task in tasks if task.changed]:
                    raise LabError(f"{name}: these tasks still changed something: {', '.join(changed)}")
                if playbook is ROLE_PLAY:
                    went = sum(task.went_to_machine for task in tasks)
        return ours, peer, went

    def play(self, name: str, playbook: list[dict[str, Any]]) -> list[Timed]:
        """Run a playbook; return its tasks."""
        book, seconds, log = (self._folder / f"{name}.{suffix}" for suffix in ("json", "seconds", "log"))
        book.write_text(json.dumps(playbook), encoding="utf-8")
        seconds.write_text("", encoding="utf-8")
        environment = os.environ | {
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "bench_seconds",
            "BENCH_SECONDS": str(seconds),
            "ANSIBLE_NOCOLOR": "1",
        }
        with log.open("w", encoding="utf-8") as said:
            command = ["ansible-playbook", "-i", str(self._inventory), str(book)]
            ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, timeout=1800)
        if ended.returncode:
            last = "\n".join(f"    {line[:400]}" for line in tail(log, 20))
            raise LabError(f"{name}: ansible-playbook ended with status {ended.returncode}; the end of {log}:\n{last}")
        return [Timed(**json.loads(line)) for line in seconds.read_text(encoding="utf-8").splitlines()]
