# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_selftest, from its arguments to its result, on machines that pass and on some that fail."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import SetTimeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    DestinationCounters,
    Observed,
    ServiceKey,
    Stats,
    format_address,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._options import selftest as _argspec_selftest
from ansible_collections.lvs.director.plugins.module_utils._selftest import run as _experiment_run
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Expected
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Destination, Service
from ansible_collections.lvs.director.plugins.modules import ipvs_selftest as _run_selftest

from contract import memory
from contract.memory import MemoryKernel

from .conftest import Result, Run

STEPS = ["fresh", "first full", "fail over", "hysteresis", "all full", "refused", "reset", "recovered", "weight 0", "weight back"]
HEADING = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
OURS = "TCP 7F000001 9C40 7FD33703 0015 7FD337FD 0015 CLOSE             9\n"
THEIRS = "TCP 0A0A0064 9C40 0AD33703 0015 0AD337FD 0015 ESTABLISHED     893\n"
PRODUCTION: dict[str, Any] = {
    "protocol": "tcp",
    "address": "10.211.55.3",
    "port": 21,
    "scheduler": "fo",
    "destinations": [{"address": f"10.211.55.{last}", "forward_method": "masquerade"} for last in (253, 252)],
}


class Private(MemoryKernel):
    """The kernel in the self-test's namespace, and its client: connections go where the table says.

    :ivar scheduled: by scheduler name, a function that changes the service given to it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scheduled: dict[str, Callable[[Service], Service]] = {}
        self.expected: dict[int, Expected] = {}
        self.holders: dict[str, str] = {}
        self.closed_keys: set[str] = set()

    def read_service(self, key: ServiceKey, *, counters: bool = True) -> Observed | None:
        expected = self.expected.get(key.port)
        rows = {row.address: row for row in expected.rows()} if expected else {}
        for one in self.destinations.get(key, []):
            row = rows.get(format_address(one.key.address))
            if row:
                self.counters[key, one.key] = DestinationCounters(row.active, row.inactive)
        return super().read_service(key, counters=counters)

    def of_port(self, port: int) -> Expected:
        (key,) = (key for key in self.services if key.port == port)
        name = self.services[key].scheduler
        given = [
            Destination(format_address(one.key.address), port, one.weight, one.upper_threshold, one.lower_threshold)
            for one in self.destinations[key]
        ]
        if port not in self.expected:
            lie = self.scheduled.get(name, lambda service: service)
            self.expected[port] = Expected(lie(Service("", port, name, tuple(given))))
        for one in given:
            self.expected[port].set_weight(one.address, one.weight)
        return self.expected[port]

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        if do == "check":
            return {"dead": []}
        key = values["key"]
        expected = self.of_port(int(key.partition("/")[0]))
        if do == "open":
            server = expected.open()
            if server is None:
                return {"error": "ECONNREFUSED", "ms": 1}
            self.holders[key] = server
            return {"greeting": f"220 lvs.director experiment [{server}]", "ms": 1}
        if key not in self.closed_keys:
            expected.close(self.holders[key])
        self.closed_keys.add(key)
        return {"ms": 1}

    def wait(self, _seconds: float) -> None:
        """Let time pass: ended connections are forgotten."""
        for expected in self.expected.values():
            for address in expected.servers:
                expected.forget(address)


@pytest.fixture
def private() -> Private:
    return Private()


@pytest.fixture
def connections(tmp_path: Path) -> Path:
    path = tmp_path / "ip_vs_conn"
    path.write_text(HEADING + THEIRS)
    return path


@pytest.fixture
def events() -> list[Callable[[], object]]:
    """Events while the self-test runs."""
    return []


@pytest.fixture
def unloaded(
    run: Run, private: Private, connections: Path, events: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Replace everything that needs a real machine; return the list of unloaded schedulers."""

    def run_in_namespace(work: Callable[[], dict[str, Any]], limit: float) -> dict[str, Any]:
        for event in events:
            event()
        answer: dict[str, Any] = json.loads(json.dumps(work()))
        return answer

    found: list[str] = []
    monkeypatch.setattr(memory, "SCHEDULERS", {*memory.SCHEDULERS, "test"})
    monkeypatch.setattr(_run_selftest, "run_in_namespace", run_in_namespace)
    monkeypatch.setattr(_run_selftest, "CONNECTIONS", str(connections))
    monkeypatch.setattr(_run_selftest, "is_loaded", lambda scheduler: scheduler in ("test", "rr"))
    monkeypatch.setattr(_run_selftest, "source_of", lambda scheduler: "C0FFEE")
    monkeypatch.setattr(_run_selftest, "unload", found.append)
    monkeypatch.setattr(_run_selftest, "PrivateKernel", lambda: private)
    monkeypatch.setattr(_run_selftest, "Client", lambda: private)
    monkeypatch.setattr(_run_selftest, "start", list)
    monkeypatch.setattr(_experiment_run.time, "sleep", private.wait)
    # Connections of these machines end at once.
    monkeypatch.setattr(_experiment_run, "ENDED_LIMIT", 0.0)
    run("ipvs_service", **PRODUCTION)
    return found


pytestmark = pytest.mark.usefixtures("unloaded")


def broken(result: Result) -> list[str]:
    return [step["name"] for step in result["steps"] if not step["kept"]]


@pytest.mark.parametrize("check", [True, False])
def test_all_steps_go_as_expected(run: Run, kernel: MemoryKernel, private: Private, unloaded: list[str], check: bool) -> None:
    written = len(kernel.steps)
    result = run("ipvs_selftest", check=check)
    assert result["kept"]
    assert not result["changed"]
    assert [step["name"] for step in result["steps"]] == STEPS
    assert [step["number"] for step in result["steps"]] == list(range(1, 11))
    assert broken(result) == []
    for step in result["steps"]:
        assert step["promised"] == step["observed"] == [{**row} for row in step["control"]["observed"]]
    counts = [(row["active_connections"], row["inactive_connections"]) for row in result["steps"][3]["observed"]]
    assert counts == [(3, 1), (3, 0), (0, 0), (0, 0)]
    assert [one["observed"] for one in result["steps"][4]["connections"]][-1] == "127.211.55.250"
    (refused,) = result["steps"][5]["connections"]
    assert (refused["promised"], refused["observed"], refused["error"]) == (None, None, "ECONNREFUSED")
    assert "all 10 steps, with fo as well" in result["msg"]
    assert (result["scheduler"], result["scheduler_source"], result["control"]) == ("test", "C0FFEE", "fo")
    assert result["production"] == {
        "untouched": True,
        "traces": [],
        "services": 1,
        "destinations": 2,
        "changed_meanwhile": [],
        "counted_meanwhile": [],
    }
    # Nothing is sent to the production kernel; and the module loaded for the control is unloaded.
    assert len(kernel.steps) == written
    assert private.steps
    assert not private.services
    assert unloaded == ["fo"]


def test_the_text_shows_every_step_with_its_table(run: Run) -> None:
    text = run("ipvs_selftest")["text"]
    blocks = text.split("\n\n")
    assert blocks[0].startswith("Self-test of the scheduler test (source C0FFEE) on ")
    assert text.count("TCP  127.211.55.3:21 test\n") == 10
    assert text.count("as expected; fo agrees") == 10
    assert "     -> 127.211.55.253:21            4          1          3          1            2 3 4\n" in text
    assert "   connection 17   ECONNREFUSED" in text
    assert "Production table: 1 service, 2 destinations, nothing of the self-test in it or among its connections." in text
    assert "Configuration: the same before and after." in text
    assert "Counters and connections: the same before and after." in text
    assert text.splitlines()[-1].startswith("PASSED: test on ")


def test_without_a_control(run: Run, unloaded: list[str]) -> None:
    result = run("ipvs_selftest", control="")
    assert result["kept"]
    assert result["control"] is None
    assert {step["control"] for step in result["steps"]} == {None}
    assert "as well" not in result["msg"]
    assert unloaded == []


def five(service: Service) -> Service:
    """The fifth connection fills a server, as was once believed."""
    more = (Destination(one.address, one.port, one.weight, 5, one.lower_threshold) for one in service.destinations)
    return Service(service.address, service.port, service.scheduler, tuple(more))


def last_first(service: Service) -> Service:
    return Service(service.address, service.port, service.scheduler, service.destinations[::-1])


def test_a_scheduler_that_fails_the_test(run: Run, private: Private, unloaded: list[str]) -> None:
    private.scheduled["test"] = last_first
    result = run("ipvs_selftest")
    assert result["failed"]
    assert not result["kept"]
    assert "first full" in broken(result)
    assert result["msg"].startswith("test on ")
    assert "step 2 (first full)" in result["msg"]
    assert "connection 1: expected 127.211.55.253, got 127.211.55.250" in result["msg"]
    assert "fo behaved as expected" in result["msg"]
    assert "NOT AS EXPECTED: test and fo did not do the same" in result["text"]
    assert result["text"].splitlines()[-1].startswith("NOT AS EXPECTED: test on ")
    assert [step["name"] for step in result["steps"]] == STEPS
    assert result["steps"][1]["control"] | {"connections": [], "observed": []} == {
        "agreed": False,
        "broken": [],
        "connections": [],
        "observed": [],
    }
    assert unloaded == ["fo"]


def test_a_kernel_that_fails_the_test(run: Run, private: Private) -> None:
    private.scheduled.update(test=five, fo=five)
    result = run("ipvs_selftest")
    assert result["failed"]
    assert result["steps"][2]["broken"]
    assert result["steps"][2]["control"]["broken"]
    assert result["steps"][2]["control"]["agreed"]
    full = result["steps"][2]
    assert [row["active_connections"] for row in full["promised"]] == [4, 2, 0, 0]
    assert [row["active_connections"] for row in full["observed"]] == [5, 1, 0, 0]
    assert [row["active_connections"] for row in full["control"]["observed"]] == [5, 1, 0, 0]
    assert "NOT AS EXPECTED: connection 5: expected 127.211.55.252, got 127.211.55.253" in result["text"]
    assert "NOT AS EXPECTED: fo: connection 5: expected 127.211.55.252, got 127.211.55.253" in result["text"]
    assert "fo did not behave as expected either" in result["msg"]


def test_a_control_that_fails_the_test(run: Run, private: Private) -> None:
    private.scheduled["fo"] = five
    result = run("ipvs_selftest")
    assert result["failed"]
    assert result["msg"].startswith("the control fo on ")
    assert not any(step["broken"] for step in result["steps"])
    assert "test behaved as expected. Is fo a scheduler" in result["msg"]
    assert "TCP  127.211.55.3:2121 fo" in result["text"]


def test_a_failure_without_a_control(run: Run, private: Private) -> None:
    private.scheduled["test"] = five
    result = run("ipvs_selftest", control="")
    assert result["failed"]
    assert "connection 5: expected 127.211.55.252, got 127.211.55.253" in result["msg"]
    assert "Take the steps with a control beside it" in result["msg"]


def test_concurrent_changes_are_reported_but_no_failure(run: Run, kernel: MemoryKernel, events: list[Callable[[], object]]) -> None:
    (key,) = kernel.services
    first = kernel.destinations[key][0]
    events += [
        lambda: kernel.stats.update({key: Stats(connections=3)}),
        lambda: kernel.destinations[key].__setitem__(0, first._replace(weight=0)),
        lambda: kernel.apply([SetTimeouts(kernel.timeouts._replace(udp=30))]),
        lambda: kernel.daemons.append(SyncDaemon("master", "eth1", 0, 1472, parse_address("224.0.0.81"), 8848, 1)),
    ]
    result = run("ipvs_selftest")
    assert result["kept"]
    assert result["production"]["changed_meanwhile"] == [
        "service tcp 10.211.55.3:21: destination 10.211.55.253:21 has weight 0 instead of 1",
        "the timeouts are tcp 900, tcp_fin 120, udp 30 instead of tcp 900, tcp_fin 120, udp 300",
        "the sync daemons are others",
    ]
    assert result["production"]["counted_meanwhile"] == ["tcp 10.211.55.3:21"]
    assert "Something else changed it meanwhile:\n   service tcp 10.211.55.3:21: destination" in result["text"]
    assert "Counters: 1 service had traffic meanwhile: tcp 10.211.55.3:21." in result["text"]


@pytest.mark.parametrize(
    "now", [DestinationCounters(active_connections=1), DestinationCounters(inactive_connections=1), DestinationCounters(stats=Stats(7))]
)
def test_connections_of_a_destination_are_traffic(
    run: Run, kernel: MemoryKernel, events: list[Callable[[], object]], now: DestinationCounters
) -> None:
    (key,) = kernel.services
    events.append(lambda: kernel.counters.update({(key, kernel.keys(key)[0]): now}))
    result = run("ipvs_selftest")
    assert result["kept"]
    assert result["production"]["counted_meanwhile"] == ["tcp 10.211.55.3:21"]


def test_falling_rates_are_no_traffic(run: Run, kernel: MemoryKernel, events: list[Callable[[], object]]) -> None:
    (key,) = kernel.services
    kernel.stats[key] = Stats(connections=7, connections_per_second=3)
    events.append(lambda: kernel.stats.update({key: Stats(connections=7)}))
    assert run("ipvs_selftest")["production"]["counted_meanwhile"] == []


@pytest.mark.parametrize("traces", ["entries", "connections"])
def test_traces_in_the_production_table_are_a_failure(run: Run, connections: Path, events: list[Callable[[], object]], traces: str) -> None:
    ours = {"protocol": "tcp", "address": "127.211.55.3", "port": 21, "scheduler": "rr"}
    events.append(
        {
            "entries": lambda: run("ipvs_service", **ours),
            "connections": lambda: connections.write_text(HEADING + THEIRS + OURS),
        }[traces]
    )
    result = run("ipvs_selftest")
    assert result["failed"]
    assert not result["production"]["untouched"]
    assert broken(result) == []
    words = "service tcp 127.211.55.3:21" if traces == "entries" else "1 connections to 127.211.55.3"
    assert result["production"]["traces"] == [words]
    assert words in result["msg"]
    assert f"THE SELF-TEST'S ADDRESSES ARE IN IT: {words}" in result["text"]


def test_addresses_that_production_uses_are_refused(run: Run, private: Private) -> None:
    run("ipvs_service", **{**PRODUCTION, "destinations": [{"address": "127.211.55.9", "forward_method": "masquerade"}]})
    result = run("ipvs_selftest")
    assert result["failed"]
    assert "uses addresses of 127.211.55.0/24, and so does the production table (service tcp 10.211.55.3:21)" in result["msg"]
    assert not private.steps


def test_a_table_that_is_not_new_is_left_alone(run: Run, kernel: MemoryKernel, private: Private) -> None:
    """As if the self-test had not left the production namespace."""
    private.services, private.destinations = kernel.services, kernel.destinations
    result = run("ipvs_selftest")
    assert result["failed"]
    assert "should have an empty table, and has service tcp 10.211.55.3:21" in result["msg"]
    assert not private.steps


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scheduler": "wlc"}, "Load it (modprobe ip_vs_wlc)"),
        ({"scheduler": ""}, "scheduler: the name of a scheduler is needed"),
        ({"control": "test"}, "control: test cannot be its own control"),
        ({"control": "tset"}, 'control: scheduler "tset" is not known to the kernel: no module ip_vs_tset. Name another one'),
    ],
)
def test_refused_before_the_first_step(run: Run, private: Private, arguments: dict[str, str], message: str) -> None:
    result = run("ipvs_selftest", **arguments)
    assert result["failed"]
    assert message in result["msg"]
    assert not private.steps


def test_the_scheduler_must_be_loaded(run: Run, private: Private, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run_selftest, "is_loaded", lambda scheduler: False)
    result = run("ipvs_selftest")
    assert result["failed"]
    assert "Cannot try the scheduler test on " in result["msg"]
    assert "it is not loaded. The role lvs.director.ipvs_director builds and loads it" in result["msg"]
    assert not private.steps


def test_a_step_that_cannot_run_is_reported_and_cleaned_up(run: Run, private: Private, unloaded: list[str]) -> None:
    def refuse(step: object) -> int:
        return 12

    private.refuse = refuse
    result = run("ipvs_selftest")
    assert result["failed"]
    assert "Cannot add service tcp 127.211.55.3:21" in result["msg"]
    assert "ENOMEM" in result["msg"]
    assert unloaded == ["fo"]


def test_documented_values_are_returned_and_accepted(run: Run) -> None:
    module = importlib.import_module("ansible_collections.lvs.director.plugins.modules.ipvs_selftest")
    documented = yaml.safe_load(module.RETURN)
    result = run("ipvs_selftest")
    assert set(documented) == set(result) - {"changed", "invocation"}
    step = result["steps"][1]
    contains = documented["steps"]["contains"]
    assert list(contains) == list(step)
    assert list(contains["control"]["contains"]) == list(step["control"])
    for documented_step, found in ((contains, step), (contains["control"]["contains"], step["control"])):
        assert list(documented_step["connections"]["contains"]) == list(found["connections"][0])
        assert list(documented_step["observed"]["contains"]) == list(found["observed"][0])
    assert set(documented["production"]["contains"]) == set(result["production"])
    options = yaml.safe_load(module.DOCUMENTATION)["options"]
    spec = _argspec_selftest.selftest_module_spec()["argument_spec"]
    assert {name: option["default"] for name, option in options.items()} == {name: option["default"] for name, option in spec.items()}
