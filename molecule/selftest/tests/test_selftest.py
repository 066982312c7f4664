# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped playbook, on a director deployed by examples/overload.yml that serves connections at the same time."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._selftest import server as _experiment_server

from experiment.agent import Agent
from experiment.director import program
from lab import Lab

testinfra_hosts = ["ansible://director"]

STEPS = ["fresh", "first full", "fail over", "hysteresis", "all full", "refused", "reset", "recovered", "weight 0", "weight back"]

# Everything except values that change with time: expiry of connections, and rates.
PRODUCTION = """
cat /proc/net/ip_vs
ipvsadm -L -n --nosort --stats --exact
ipvsadm -L --timeout
sed 's/ *[0-9]* *$//' /proc/net/ip_vs_conn | sort
"""
MACHINE = """
cut -d' ' -f1 /proc/modules | sort
ip -oneline link
ip -brief address
ls /run/netns 2>&1
readlink /proc/[0-9]*/ns/net 2>/dev/null | sort | uniq
pgrep -a python3
"""
# The process of a self-test is the one in another network namespace; the module waits for it.
KILL = """
for i in $(seq 100); do
  waiting=$(lsns --noheadings --type net --output PID,PPID | awk '$1 != 1 {print $2}')
  [ -n "$waiting" ] && kill -9 $waiting && exit
  sleep 0.1
done
exit 1
"""


@dataclass
class Run:
    """A run of the playbook."""

    status: int
    said: str
    result: dict[str, Any]


@contextlib.contextmanager
def playing(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Start the playbook with its output in a file, because ssh's connection to the machine would keep a pipe open."""
    command = [program("ansible-playbook"), "-v", "-i", os.environ["MOLECULE_INVENTORY_FILE"], "lvs.director.selftest", *arguments]
    environment = os.environ | {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "NO_COLOR": "1"}
    with tempfile.NamedTemporaryFile(prefix="selftest-") as said:
        with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as running:
            yield running, Path(said.name)


def play(*arguments: str) -> Run:
    with playing(*arguments) as (running, file):
        status, said = running.wait(), file.read_text()
    found = [json.loads(one) for one in re.findall(r"^(?:ok: \[director\]|fatal: \[director\]: FAILED!) => (\{.*\})$", said, re.M)]
    results = [one for one in found if "steps" in one]
    assert len(results) == 1, said
    return Run(status, said, results[0])


@pytest.fixture(scope="module")
def client(host: Any) -> Iterator[Agent]:
    """Production with connections: the first real server is full, the second has one, both are on the director itself."""
    program_text = shlex.quote(Path(_experiment_server.__file__).read_text())
    host.check_output(
        "ip address add 10.211.55.253/32 dev lo; ip address add 10.211.55.252/32 dev lo;"
        f" echo {program_text} > /run/server.py && systemd-run --quiet --collect --unit=experiment python3 -S /run/server.py 21;"
        " for i in $(seq 100); do ss -Hltn 'sport = 21' | grep -q . && exit; sleep 0.2; done; exit 1"
    )
    lab = Lab(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "lab"))
    with Agent(lab["director"].popen) as agent:
        for number in range(5):
            answer = agent.ask("open", key=str(number), address="10.211.55.3", port=21, limit=10)
            assert f"[10.211.55.{253 if number < 4 else 252}]" in answer["greeting"]
        # The kernel brings its counters up to date every two seconds.
        time.sleep(5)
        yield agent


@pytest.fixture(scope="module")
def before(host: Any, client: Agent) -> tuple[str, str]:
    host.check_output("modprobe ip_vs_rr")
    production = host.check_output(PRODUCTION)
    assert re.search(r"TCP +10\.211\.55\.3:21 +[1-9]", production), production
    assert production.count(" ESTABLISHED") == 5
    return production, host.check_output(MACHINE)


def untouched(host: Any, before: tuple[str, str]) -> None:
    assert host.check_output(PRODUCTION) == before[0]
    assert host.check_output(MACHINE) == before[1]


def test_all_steps_go_as_expected_and_nothing_is_touched(host: Any, before: tuple[str, str]) -> None:
    run = play()
    untouched(host, before)
    assert run.status == 0
    assert run.result["kept"] is True
    assert run.result["changed"] is False
    assert [step["name"] for step in run.result["steps"]] == STEPS
    for step in run.result["steps"]:
        assert step["promised"] == step["observed"] == step["control"]["observed"]
    chosen = [one["observed"] for step in run.result["steps"] for one in step["connections"]]
    assert [chosen.count(f"127.211.55.{last}") for last in (253, 252, 251, 250)] == [6, 4, 4, 4]
    assert chosen.count(None) == 3
    assert run.result["kernel"] == host.check_output("uname -r")
    assert run.result["scheduler_source"] == host.check_output("modinfo -F srcversion ip_vs_test")
    production = run.result["production"]
    assert (production["services"], production["destinations"], production["untouched"]) == (2, 8, True)
    assert production["traces"] == production["changed_meanwhile"] == production["counted_meanwhile"] == []
    # And in words: the table after each step.
    assert run.said.count('"   TCP  127.211.55.3:21 test"') == len(STEPS)
    assert '"PASSED: test on director' in run.said


def test_a_scheduler_that_does_not_fail_over_is_an_error(host: Any, before: tuple[str, str]) -> None:
    """The control is not loaded before, and not afterwards."""
    assert "ip_vs_ovf" not in before[1]
    run = play("-e", "ipvs_director_selftest_scheduler=rr", "-e", "ipvs_director_selftest_control=ovf")
    untouched(host, before)
    assert run.status == 2
    assert run.result["kept"] is False
    assert "rr on director" in run.result["msg"]
    assert "connection 2: expected 127.211.55.253, got 127.211.55.252" in run.result["msg"]
    assert [step["name"] for step in run.result["steps"]] == STEPS
    assert '"NOT AS EXPECTED: rr on director' in run.said


def test_a_killed_selftest_leaves_nothing(host: Any, before: tuple[str, str]) -> None:
    with playing() as (running, file):
        host.check_output(KILL)
        status, said = running.wait(), file.read_text()
    assert status == 2, said
    untouched(host, before)


def test_production_connections_survive(before: tuple[str, str], client: Agent) -> None:
    """Must be the last test on the production table, because it changes counters."""
    assert client.ask("check", keys=[str(number) for number in range(5)])["dead"] == []


def test_no_directors_is_a_failure() -> None:
    with playing("-e", "selftest_hosts=nobody") as (running, file):
        assert running.wait() == 2
        assert "The inventory has no hosts nobody, so nothing was checked" in file.read_text()
