# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus knows of the director, as the playbook has deployed it, and when it raises an alert.

The tests follow one another: the connections of one are still there in the next. What Prometheus has recorded of the alert is in
build/monitoring.json at the end, for the picture of the guide.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils import _model

from experiment.agent import Agent
from experiment.director import Director, identity
from experiment.service import services
from lab import Lab
from lab.machine import Machine
from tools.checkout import BUILD

SERVICE = services()["test"]
FULL, NEXT = (destination.address for destination in SERVICE.destinations[:2])
UPPER = SERVICE.destinations[0].upper_threshold
OF_SERVICE = f'local_address="{SERVICE.address}", local_port="{SERVICE.port}", proto="TCP"'
FILE = "/var/lib/prometheus/node-exporter/lvs_director.prom"
# Seconds. The timer writes four times a minute, and Prometheus asks every five; an emulated machine may take its time for both.
SEEN = 120.0
# An alert waits for a minute more.
FIRED = SEEN + 90.0
MONITORING = Path(_model.__file__).parents[3] / "files" / "monitoring"


Run = Callable[[str], str]


class Prometheus:
    """Prometheus on the client, asked over ssh: nothing else in there is emulated twice."""

    def __init__(self, vm: Machine) -> None:
        self.vm = vm

    def ask(self, path: str, **parameters: object) -> Any:
        words = [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in parameters.items()]
        command = f"curl --silent --show-error --max-time 60 --get http://localhost:9090/api/v1/{path} {' '.join(words)}"
        answer = json.loads(self.vm.run(command, check=True, timeout=120).stdout)
        assert answer["status"] == "success", answer
        return answer["data"]

    def values(self, query: str) -> list[float]:
        return [float(series["value"][1]) for series in self.ask("query", query=query)["result"]]

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Return the alerts of this name that fire."""
        return [one for one in self.ask("alerts")["alerts"] if one["labels"]["alertname"] == name and one["state"] == "firing"]


def until(seen: Callable[[], Any], limit: float) -> Any:
    """Ask until the answer is true, and return it; after the limit, whatever it is."""
    deadline = time.monotonic() + limit
    while not (answer := seen()) and time.monotonic() < deadline:
        time.sleep(2)
    return answer


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "lab"))


@pytest.fixture(scope="module")
def prometheus(lab: Lab) -> Prometheus:
    return Prometheus(lab["client"])


@pytest.fixture(scope="module")
def run(lab: Lab) -> Run:
    """Return a function that runs a command on the director, and returns its output without the last line's end.

    Testinfra's `host` would change the order of the tests.
    """
    return lambda command: lab["director"].run(command, check=True, timeout=300).stdout.removesuffix("\n")


@pytest.fixture(scope="module")
def director(run: Run) -> Director:
    return Director(run, Path(os.environ["MOLECULE_INVENTORY_FILE"]))


@pytest.fixture(scope="module")
def client(lab: Lab) -> Iterator[Agent]:
    with Agent(lab["client"].popen) as agent:
        yield agent


def of(server: str) -> str:
    return f'{OF_SERVICE}, remote_address="{server}", remote_port="{SERVICE.port}"'


def is_full(prometheus: Prometheus, server: str) -> list[float]:
    return prometheus.values(f"ipvs_director_destination_full{{{of(server)}}}")


@pytest.mark.parametrize("command", ["check config prometheus.yml", "check rules rules/alerts.yml", "test rules rules/alerts_test.yml"])
def test_promtool_takes_the_rules(lab: Lab, command: str) -> None:
    ended = lab["client"].run(f"cd /etc/prometheus && promtool {command}", timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "SUCCESS" in ended.stdout


def written(run: Run) -> str:
    """Return the time at which the file was last written, and its mode; empty if there is none."""
    return run(f"stat --format='%y %a' {FILE} 2>/dev/null || true")


def test_the_timer_writes_a_file_for_the_exporter(run: Run, lab: Lab) -> None:
    first = until(lambda: written(run), SEEN)
    assert first.endswith(" 644"), first or "there is no file"
    assert until(lambda: written(run) != first, SEEN), "it was written only once"
    assert run("systemctl is-active ipvs-director-metrics.timer") == "active"
    assert run("systemctl is-enabled ipvs-director-metrics.timer") == "enabled"
    assert run("systemctl is-failed ipvs-director-metrics.service || true") != "failed"
    # systemd does not say four times a minute that it starts.
    assert "Starting" not in run("journalctl --no-pager --boot --unit=ipvs-director-metrics.service")
    checked = lab["director"].run(f"promtool check metrics <{FILE}")
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_exporter_has_what_the_program_prints(run: Run) -> None:
    served = run("curl --silent http://localhost:9100/metrics")
    assert "node_textfile_scrape_error 0" in served
    printed = run("ipvs-director metrics")
    names = {line.split()[2] for line in printed.splitlines() if line.startswith("# TYPE")}
    assert len(names) > 25
    assert [name for name in names if f"# TYPE {name} gauge" not in served] == []


def test_prometheus_has_the_director(prometheus: Prometheus) -> None:
    assert until(lambda: prometheus.values("ipvs_director_info") == [1], SEEN)
    assert prometheus.values("ipvs_director_services") == [2]
    assert prometheus.values("ipvs_director_destinations_limited") == [8]
    assert prometheus.values("ipvs_director_differences") == [0]
    assert prometheus.values("min(ipvs_director_read_success)") == [1]
    assert prometheus.values(f'ipvs_director_address_local{{local_address="{SERVICE.address}"}}') == [1]
    assert prometheus.values('ipvs_director_scheduler_installed{scheduler="test", boot="next"}') == [1]
    (age,) = prometheus.values('time() - ipvs_director_last_run_timestamp_seconds{module="ipvs_table"}')
    # The machines' clocks may differ.
    assert abs(age) < 3600


def test_series_of_the_exporter_and_of_the_collection_are_joined(prometheus: Prometheus) -> None:
    """Each destination has an upper threshold, and the same labels in both."""
    assert until(lambda: prometheus.values("count(ipvs_director:destination_connections:ratio)") == [8], SEEN)


def test_no_alert_fires_at_first(prometheus: Prometheus) -> None:
    assert [one["labels"]["alertname"] for one in prometheus.ask("alerts")["alerts"] if one["state"] == "firing"] == []


def test_queries_of_the_dashboard(prometheus: Prometheus) -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    # Nothing is synchronised here.
    silent = {"Sync daemons", "Connections missing in the last comparison", "Age of the last comparison", "Full, held and drained now"}
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            found = prometheus.ask("query", query=target["expr"].replace("$instance", ".*"))["result"]
            assert bool(found) != (panel["title"] in silent), panel["title"]


def test_an_alert_fires_when_a_real_server_is_full(prometheus: Prometheus, client: Agent) -> None:
    for number in range(UPPER):
        opened = client.ask("open", key=str(number), address=SERVICE.address, port=SERVICE.port, limit=30)
        assert FULL in opened["greeting"], opened
    (alert,) = until(lambda: prometheus.alerts("IPVSDestinationFull"), FIRED)
    assert alert["labels"]["remote_address"] == FULL
    assert alert["labels"]["severity"] == "warning"
    assert f"{FULL}:{SERVICE.port} is full, for TCP {SERVICE.address}:{SERVICE.port}" in alert["annotations"]["summary"]
    assert (is_full(prometheus, FULL), is_full(prometheus, NEXT)) == ([1], [0])
    assert prometheus.values(f"ipvs_director:destination_connections:ratio{{{of(FULL)}}}") == [1]
    assert prometheus.values(f"ipvs_director_service_available_destinations{{{OF_SERVICE}}}") == [3]
    # The alert is right.
    opened = client.ask("open", key="beyond", address=SERVICE.address, port=SERVICE.port, limit=30)
    assert NEXT in opened["greeting"], opened


def test_in_between_nobody_can_know(prometheus: Prometheus, client: Agent) -> None:
    """Three of four: it is still full, since it is not below its lower threshold, and from outside that cannot be told."""
    client.ask("reset", key="0")
    maybe = f"ipvs_director_destination_maybe_full{{{of(FULL)}}}"
    assert until(lambda: prometheus.values(maybe) == [1], SEEN)
    assert is_full(prometheus, FULL) == [0]


def test_the_alert_ends(prometheus: Prometheus, client: Agent) -> None:
    for key in ("1", "2", "3", "beyond"):
        client.ask("reset", key=key)
    assert until(lambda: prometheus.alerts("IPVSDestinationFull") == [], SEEN)
    assert until(lambda: prometheus.values("ipvs_director_destinations_maybe_full") == [0], SEEN)
    now = time.time()
    recorded = {
        query: prometheus.ask("query_range", query=query, start=now - 900, end=now, step=5)["result"]
        for query in (
            f"ipvs_director:destination_connections:ratio{{{OF_SERVICE}}}",
            f"ipvs_director_destination_full{{{OF_SERVICE}}}",
            f"ipvs_director_destination_maybe_full{{{OF_SERVICE}}}",
            'ALERTS{alertname="IPVSDestinationFull"}',
        )
    }
    assert all(recorded.values())
    (BUILD / "monitoring.json").write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


def test_a_drained_destination_is_seen(prometheus: Prometheus, director: Director) -> None:
    drain = {"service": identity(SERVICE), "address": NEXT, "port": SERVICE.port}
    director.module("lvs.director.ipvs_destination", **drain, state="drained")
    drained = f"ipvs_director_destination_drained{{{of(NEXT)}}}"
    assert until(lambda: prometheus.values(drained) == [1], SEEN)
    assert prometheus.values("ipvs_director_differences") == [0]
    assert prometheus.values('time() - ipvs_director_last_run_timestamp_seconds{module="ipvs_destination"} < 3600')
    director.module("lvs.director.ipvs_destination", **drain, state="present")
    assert until(lambda: prometheus.values(drained) == [0], SEEN)


def test_a_change_by_hand_is_seen(run: Run) -> None:
    run(f"ipvsadm -e -t {SERVICE.address}:{SERVICE.port} -r {NEXT}:{SERVICE.port} -m -w 7 -x {UPPER} -y 1")
    assert "\nipvs_director_differences 1\n" in run("ipvs-director metrics")
    run("ipvs-director restore table")
    assert "\nipvs_director_differences 0\n" in run("ipvs-director metrics")


def test_a_kernel_without_the_scheduler_is_seen(run: Run) -> None:
    """The scheduler fo is part of a kernel; here, the next one has no modules at all."""
    run("mkdir -p /lib/modules/99.0.0/kernel")
    try:
        text = run("ipvs-director metrics")
    finally:
        run("rmdir /lib/modules/99.0.0/kernel /lib/modules/99.0.0")
    running = run("uname -r")
    for scheduler in ("fo", "test"):
        assert f'installed{{scheduler="{scheduler}",boot="next",kernel="99.0.0"}} 0\n' in text
        assert f'installed{{scheduler="{scheduler}",boot="running",kernel="{running}"}} 1\n' in text


def test_the_role_removes_what_it_made(run: Run) -> None:
    playbook = Path(__file__).parents[1] / "converge.yml"
    command = ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], str(playbook), "--tags", "ipvs_director_boot"]
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=600, env={**os.environ, "MONITORING_METRICS": "false"}
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert written(run) == ""
    assert run("ls /etc/systemd/system | grep metrics || true") == ""
    # The exporter's own, which stays.
    assert run(f"ls --directory {Path(FILE).parent}") == str(Path(FILE).parent)
