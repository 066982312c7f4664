# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo: watch a director, deployed by a playbook, fail over because a real server is full.

PYTHONPATH=.cache/installed:tests python3 -m experiment.demo

With KEEP=1 in the environment, its machines stay.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Run, compare, paired_steps

from experiment import screen, table
from experiment.agent import Agent
from experiment.director import Director, program
from experiment.live import Live, fits
from experiment.picture import draw
from experiment.recorded import dumped
from experiment.screen import Screen, say
from experiment.service import PLAYBOOK, services
from lab import Lab, LabError, inventory
from tools.platforms import platforms

ROOT = Path(__file__).parents[2]
# Relative to ROOT, for display.
SERVERS = Path("tests/experiment/servers.yml")
INVENTORY = Path("build/demo/inventory.yml")
PICTURE = Path("build/overload.svg")
RECORD = Path("build/overload.json")
# Seconds. DKMS builds the scheduler in one, in an emulated machine.
PLAY_LIMIT = 1800.0
STATE = Path(".cache/demo")
LAB = "PYTHONPATH=tests python3 -m lab"
# What to do with machines that stay. The lab's command line needs nothing but Debian's Python.
USES = (
    ("log in", f"{LAB} ssh --state {STATE} director"),
    ("run Ansible", f"ANSIBLE_COLLECTIONS_PATH=.cache/installed .venv/bin/ansible-playbook -i {INVENTORY} {PLAYBOOK.relative_to(ROOT)}"),
    ("end them", f"{LAB} down --state {STATE}"),
)


def demo() -> int:
    started = time.monotonic()
    # The scenario `overload` has the same machines; molecule's file is where they are written down.
    machines = platforms("overload")
    screen.chapter("1. The machines: a director, a client and four real servers")
    lab = Lab(STATE)
    lab.down()  # left by a killed demo, or by one with KEEP=1
    with keeping(lab.up(machines)) if keeps() else lab.up(machines):
        write_inventory(lab, machines)
        screen.chapter("2. The real servers: each greets with its address")
        play(SERVERS)
        screen.chapter("3. The director: the playbook that a user would run")
        say("DKMS builds the scheduler for the director's kernel: a minute or two in an emulated machine.")
        play(PLAYBOOK.relative_to(ROOT))
        screen.chapter("4. The experiment")
        return experiment(lab, started)


def keeps() -> bool:
    """Tell whether the user wants the machines to stay: make demo KEEP=1."""
    return os.environ.get("KEEP", "") not in ("", "0")


@contextlib.contextmanager
def keeping(lab: Lab) -> Iterator[None]:
    """Leave the machines running, however the demo ends, and say how to reach and how to end them."""
    try:
        yield
    finally:
        say()
        say(f"The machines still run, until the next `make demo`: {', '.join(vm.name for vm in lab)}. In {ROOT}:")
        for purpose, command in USES:
            say(f"   {purpose:12} {screen.paint(command, '36')}")


def play(playbook: Path) -> None:
    command = ["ansible-playbook", "-i", str(INVENTORY), str(playbook)]
    screen.typed(" ".join(command))
    # The viewer wants to see what changes, and what fails.
    quiet = os.environ | {"ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false", "ANSIBLE_DISPLAY_OK_HOSTS": "false"}
    command[0] = program(command[0])
    try:
        failed = subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, check=False, timeout=PLAY_LIMIT).returncode
    except subprocess.TimeoutExpired:
        raise LabError(f"{playbook} has not ended within {PLAY_LIMIT:.0f} s") from None
    if failed:
        raise LabError(f"{playbook} failed: ansible-playbook says above why")


def write_inventory(lab: Lab, machines: list[dict[str, Any]]) -> None:
    groups: dict[str, Any] = {}
    for machine in machines:
        vm = lab[machine["name"]]
        for group in machine["groups"]:
            groups.setdefault(group, {"hosts": {}})["hosts"][vm.name] = inventory.variables(vm)
    INVENTORY.parent.mkdir(parents=True, exist_ok=True)
    INVENTORY.write_text(yaml.safe_dump({"all": {"vars": inventory.COMMON, "children": groups}}, sort_keys=False))


def experiment(lab: Lab, started: float) -> int:
    service, control = services()["test"], services()["fo"]

    def run(command: str) -> str:
        return lab["director"].run(command, check=True).stdout

    say(f"Service {service}, scheduler {service.scheduler}. After each step:")
    screen.typed(table.command(service), "director")
    say("and beside each real server the open connections that it greeted.")
    say(f"As a control, the same steps with the kernel's own scheduler {control.scheduler} at {control}.")
    records, broken = [], []
    with (
        Live(service, sys.stdout) if fits(sys.stdout) else Screen() as shown,
        Agent(lab["client"].popen) as client,
        Run(service, Director(run, INVENTORY, shown.commanded), client, shown) as main,
        Run(control, Director(run, INVENTORY), client) as control_run,
    ):
        for number, (step, control_step) in enumerate(paired_steps(service, control), 1):
            shown.begin(number, step)
            compared = compare(main, step, control_run, control_step)
            shown.outcome(number, compared.record, compared.broken, control.scheduler)
            # The record keeps what went wrong with the control, too.
            records.append(replace(compared.record, broken=compared.broken))
            broken += [f"{number} ({step.name})"] if compared.broken else []
    draw(service, records, PICTURE)
    RECORD.write_text(dumped(service, records))
    say()
    say(f"The same as a picture: {PICTURE}   ({time.monotonic() - started:.0f} s in all)")
    if broken:
        say(f"NOT AS EXPECTED: step {', '.join(broken)}. What was expected and what came stands under the step.")
        return 1
    say(screen.conclusion(service, len(records), control.scheduler))
    return 0


def main() -> int:
    os.chdir(ROOT)
    # However the demo ends, it ends its machines.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    STATE.mkdir(parents=True, exist_ok=True)
    with open(STATE / "running", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"demo: another one is running in {ROOT}")
            return 1
        try:
            return demo()
        except (LabError, IpvsExperimentError) as error:
            say(f"demo: {error}")
            return 1
        except KeyboardInterrupt:
            say("demo: interrupted" if keeps() else "demo: interrupted, its machines are gone")
            return 130


if __name__ == "__main__":
    sys.exit(main())
