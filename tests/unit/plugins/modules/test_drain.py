# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining and bringing back: waiting, remembering the weight, refusals, and interruption at any point."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._apply import drain as _drain
from ansible_collections.lvs.director.plugins.module_utils._apply import ramp as _ramp
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    DestinationCounters,
    DestinationKey,
    ServiceKey,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._persist import files as _state_file
from ansible_collections.lvs.director.plugins.modules import ipvs_destination

from contract.memory import MemoryKernel

from .conftest import Run, sides

WEB: dict[str, Any] = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
KEY = ServiceKey("ipv4", "tcp", parse_address("192.0.2.1"), 80)
FIRST = DestinationKey(parse_address("10.0.0.1"), 80)
DRAIN: dict[str, Any] = {"service": WEB, "address": "10.0.0.1", "state": "drained"}
BACK: dict[str, Any] = {"service": WEB, "address": "10.0.0.1"}


@pytest.fixture(autouse=True)
def kept(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "var" / "quiescent.json"
    monkeypatch.setattr(_state_file, "quiescent_path", lambda: str(path))
    monkeypatch.setattr(_state_file, "former_quiescent_path", lambda: str(path.with_name("drained.json")))
    return path


class Clock:
    """Time that passes only by sleeping, and events during it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.meanwhile: Callable[[float], None] = lambda seconds: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds
        self.meanwhile(self.now - 1000.0)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(_drain, "time", made)
    return made


@pytest.fixture(autouse=True)
def service(run: Run, kernel: MemoryKernel) -> None:
    weights = {"10.0.0.1": 5, "10.0.0.2": 1, "10.0.0.3": 0}
    run("ipvs_service", **WEB, destinations=[{"address": one, "weight": weight} for one, weight in weights.items()])
    kernel.steps.clear()


def holds(kernel: MemoryKernel, active: int, inactive: int = 0) -> None:
    kernel.counters[KEY, FIRST] = DestinationCounters(active, inactive)


def weight(kernel: MemoryKernel) -> int | None:
    return next((one.weight for one in kernel.destinations[KEY] if one.key == FIRST), None)


def test_draining_waits_for_all_connections(run: Run, kernel: MemoryKernel, clock: Clock) -> None:
    holds(kernel, 3, 2)

    def meanwhile(seconds: float) -> None:
        assert weight(kernel) == 0, "the connections are waited for while new ones come"
        assert kernel.locked is None, "nobody else can work on the table while one waits"
        holds(kernel, max(0, 3 - int(seconds)), 2 if seconds < 7 else 0)

    clock.meanwhile = meanwhile
    result = run("ipvs_destination", **DRAIN)
    assert result["changed"]
    assert result["drain"] == {"connections_before": 5, "connections": 0, "seconds": 7.0, "timed_out": False}
    assert list(result["drain"]) == list(yaml.safe_load(ipvs_destination.RETURN)["drain"]["contains"])
    assert {name: result["destination"][name] for name in ("weight", "effective_weight", "drained")} == {
        "weight": 5,
        "effective_weight": 0,
        "drained": True,
    }
    assert "-  -> 10.0.0.1:80 direct weight 5" in as_diff(result)
    assert "+  -> 10.0.0.1:80 direct weight 5 drained" in as_diff(result)


def as_diff(result: dict[str, Any]) -> list[str]:
    before, after = (text.splitlines() for text in sides(result))
    return [f"-{line}" for line in before if line not in after] + [f"+{line}" for line in after if line not in before]


@pytest.mark.parametrize(
    ("options", "active", "inactive", "seconds"),
    [
        ({"drain_count": "active"}, 0, 9, 0.0),
        ({"drain_connections": 9}, 4, 5, 0.0),
        ({"drain_connections": 8, "drain_timeout": 20}, 4, 5, 20.0),
        ({"drain_count": "active", "drain_connections": 3, "drain_timeout": 2}, 4, 0, 2.0),
        ({"drain_timeout": 0}, 4, 0, 0.0),
    ],
)
def test_counted_connections(run: Run, kernel: MemoryKernel, options: dict[str, Any], active: int, inactive: int, seconds: float) -> None:
    holds(kernel, active, inactive)
    drain = run("ipvs_destination", **DRAIN, **options)["drain"]
    assert drain["seconds"] == seconds
    assert drain["timed_out"] == (seconds > 0 or options.get("drain_timeout") == 0)
    assert drain["connections"] == active + (0 if options.get("drain_count") == "active" else inactive)
    assert weight(kernel) == 0


def test_a_drained_destination_can_be_removed(run: Run, kernel: MemoryKernel, clock: Clock) -> None:
    holds(kernel, 1)
    clock.meanwhile = lambda seconds: holds(kernel, 0)
    predicted = run("ipvs_destination", check=True, **DRAIN, drain_then="remove")
    assert weight(kernel) == 5
    result = run("ipvs_destination", **DRAIN, drain_then="remove")
    assert result["destination"] is None
    assert weight(kernel) is None
    assert {**predicted, "drain": None} == {**result, "drain": None}
    assert predicted["drain"] == {"connections_before": 1, "connections": 1, "seconds": 0.0, "timed_out": False}
    assert not run("ipvs_destination", **DRAIN, drain_then="remove")["changed"]


def test_check_mode_predicts_and_neither_waits_nor_saves(run: Run, kernel: MemoryKernel, clock: Clock, kept: Path) -> None:
    holds(kernel, 3)
    clock.meanwhile = lambda seconds: pytest.fail("check mode waited")
    predicted = run("ipvs_destination", check=True, **DRAIN, drain_on_timeout="continue")
    assert predicted["changed"]
    assert not kernel.steps
    assert not kept.exists()
    clock.meanwhile = lambda seconds: None
    result = run("ipvs_destination", **DRAIN, drain_on_timeout="continue")
    assert {**result, "drain": None} == {**predicted, "drain": None}
    assert not run("ipvs_destination", **DRAIN, drain_on_timeout="continue")["changed"]


def test_a_drained_destination_regains_its_weight(run: Run, kernel: MemoryKernel, kept: Path) -> None:
    run("ipvs_destination", **DRAIN)
    assert json.loads(kept.read_text()) == {
        "destinations": {
            "tcp 192.0.2.1:80": {"10.0.0.1:80": {"weight": 5, "drained": True, "held": None, "share": 100, "since": None}}
        },
        "removed": {},
    }
    assert weight(kernel) == 0
    assert kept.stat().st_mode & 0o077 == 0
    predicted = run("ipvs_destination", check=True, **BACK)
    result = run("ipvs_destination", **BACK)
    assert result == predicted
    assert result["destination"]["weight"] == 5
    assert not kept.exists()
    assert not run("ipvs_destination", **BACK)["changed"]


def test_a_removed_destination_regains_its_weight(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_destination", **DRAIN, drain_then="remove")
    run("ipvs_destination", **BACK, upper_threshold=7)
    assert weight(kernel) == 5


def test_a_given_weight_overrides_the_saved_one(run: Run, kernel: MemoryKernel, kept: Path) -> None:
    run("ipvs_destination", **DRAIN)
    run("ipvs_destination", **BACK, weight=3)
    assert weight(kernel) == 3
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 3
    # Another program has set a weight.
    run("ipvs_destination", **DRAIN)
    kernel.destinations[KEY] = [one._replace(weight=9) for one in kernel.destinations[KEY]]
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 9


@pytest.mark.parametrize("module", ["ipvs_service", "ipvs_table"])
def test_a_drained_destination_stays_drained_until_it_is_brought_back(run: Run, kernel: MemoryKernel, module: str) -> None:
    def configure(**options: Any) -> Any:
        service = {**WEB, "destinations": [{"address": "10.0.0.1", **options}]}
        return run(module, **(service if module == "ipvs_service" else {"services": [service]}))

    run("ipvs_destination", **DRAIN)
    assert configure(weight=5)["changed"] is False
    assert weight(kernel) == 0
    # The weight to come back with.
    result = configure(weight=9)
    assert result["changed"] is True
    assert result["warnings"] == [
        "Destination 10.0.0.1:80 of service tcp 192.0.2.1:80 has weight 0 for now, since it is drained. Weight 9 is the one that it comes "
        "back with"
    ]
    assert configure(weight=9)["changed"] is False
    assert weight(kernel) == 0
    assert run("ipvs_info")["services"][0]["destinations"][0]["weight"] == 9
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 9


@pytest.mark.parametrize("first", ["10.0.0.1", "10.0.0.2"])
def test_a_drained_destination_that_moves_stays_drained(run: Run, kernel: MemoryKernel, first: str) -> None:
    run("ipvs_destination", **DRAIN)
    last = {"10.0.0.1": "10.0.0.2", "10.0.0.2": "10.0.0.1"}[first]
    run("ipvs_service", **WEB, ordered=True, destinations=[{"address": first}, {"address": last}, {"address": "10.0.0.3"}])
    assert weight(kernel) == 0
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 5


def test_a_drained_destination_is_not_eligible(run: Run, kernel: MemoryKernel) -> None:
    """The only eligible destination must not move, which takes it out for a moment."""
    run("ipvs_destination", **DRAIN)
    wanted = [{"address": "10.0.0.2"}, {"address": "10.0.0.1"}, {"address": "10.0.0.3"}]
    order = [str(one.key) for one in kernel.destinations[KEY]]
    assert order.index("10.0.0.2:80") > 0
    result = run("ipvs_service", **WEB, ordered=True, destinations=wanted)
    assert "10.0.0.2:80 is the only destination of service tcp 192.0.2.1:80 that has a weight" in result["msg"]


def test_draining_twice_keeps_the_first_weight(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_destination", **DRAIN)
    run("ipvs_destination", **DRAIN)
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 5


@pytest.mark.parametrize(
    "weights",
    [
        [("ipvs_destination", {**BACK, "weight": 3}), ("ipvs_destination", {**BACK, "weight": 0})],
        [("ipvs_destination", {**BACK, "weight": 0})],
        [("ipvs_service", {**WEB, "destinations": [{"address": "10.0.0.1", "weight": 0}]})],
        [("ipvs_table", {"services": [{**WEB, "destinations": [{"address": "10.0.0.1", "weight": 0}]}]})],
        [("ipvs_service", {**WEB, "destinations": [{"address": "10.0.0.1", "weight": 3}]}), ("ipvs_destination", {**BACK, "weight": 0})],
    ],
)
def test_a_given_weight_of_0_stays(run: Run, kernel: MemoryKernel, kept: Path, weights: list[Any]) -> None:
    run("ipvs_destination", **DRAIN)
    for module, options in weights:
        run(module, **options)
    run("ipvs_destination", **BACK, upper_threshold=10)
    assert not kept.exists()
    assert weight(kernel) == 0


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("ipvs_service", {**WEB, "state": "absent"}),
        ("ipvs_service", {**WEB, "destinations": [{"address": "10.0.0.2"}], "exclusive_destinations": True}),
        ("ipvs_table", {"services": [], "purge": True, "scope": [{"addresses": "192.0.2.0/24"}]}),
    ],
)
def test_deleting_a_destination_forgets_its_values(
    run: Run, kernel: MemoryKernel, kept: Path, module: str, options: dict[str, Any]
) -> None:
    run("ipvs_destination", **DRAIN)
    run(module, check=True, **options)
    assert kept.exists()
    run(module, **options)
    assert not kept.exists()


def test_an_unrelated_run_forgets_nothing(run: Run, kernel: MemoryKernel, kept: Path) -> None:
    run("ipvs_destination", **DRAIN)
    run("ipvs_service", **WEB, scheduler="rr", destinations=[{"address": "10.0.0.1"}, {"address": "10.0.0.2", "weight": 7}])
    run("ipvs_service", **{**WEB, "port": 81})
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 5


def test_a_refused_change_forgets_nothing(run: Run, kernel: MemoryKernel, kept: Path) -> None:
    run("ipvs_destination", **DRAIN)
    before = kept.read_text()
    kernel.refuse = lambda _step: 22
    assert run("ipvs_destination", **BACK)["failed"]
    assert kept.read_text() == before


def test_a_removed_destination_regains_all_values(run: Run, kernel: MemoryKernel, kept: Path) -> None:
    options = {"forward_method": "masquerade", "port": 8080, "weight": 7, "upper_threshold": 4, "lower_threshold": 1}
    there = {**BACK, "port": 8080}
    run("ipvs_destination", **{**there, **options})
    before = list(kernel.destinations[KEY])
    run("ipvs_destination", **DRAIN, port=8080, drain_then="remove")
    assert run("ipvs_destination", **DRAIN, port=8080, drain_then="remove")["changed"] is False
    assert len(kernel.destinations[KEY]) == len(before) - 1
    predicted = run("ipvs_destination", check=True, **there)
    assert run("ipvs_destination", **there) == predicted
    assert kernel.destinations[KEY] == before
    assert not kept.exists()
    # Given values override these.
    run("ipvs_destination", **DRAIN, port=8080, drain_then="remove")
    run("ipvs_destination", **there, weight=2, upper_threshold=9)
    found = kernel.destinations[KEY][0]
    assert (found.forward_method, found.weight, found.upper_threshold, found.lower_threshold) == ("masquerade", 2, 9, 1)


def test_a_tunnel_regains_its_options_unless_overridden(run: Run, kernel: MemoryKernel) -> None:
    tunnel = {"forward_method": "tunnel", "tunnel_type": "gue", "tunnel_port": 6080, "tunnel_flags": ["csum"]}
    run("ipvs_destination", **BACK, **tunnel)
    before = list(kernel.destinations[KEY])
    run("ipvs_destination", **DRAIN, drain_then="remove")
    run("ipvs_destination", **BACK)
    assert sorted(kernel.destinations[KEY]) == sorted(before)
    run("ipvs_destination", **DRAIN, drain_then="remove")
    run("ipvs_destination", **BACK, forward_method="masquerade")
    assert kernel.destinations[KEY][0].forward_method == "masquerade"
    assert weight(kernel) == 5


def test_a_removed_destination_of_weight_0_regains_it(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_destination", **BACK, weight=0)
    run("ipvs_destination", **DRAIN, drain_then="remove")
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 0


def test_a_file_of_version_0_1_0(run: Run, kernel: MemoryKernel, kept: Path) -> None:
    run("ipvs_destination", **DRAIN)
    kept.with_name("drained.json").write_text('{"weights": {"tcp 192.0.2.1:80": {"10.0.0.1:80": 5}}}')
    kept.unlink()
    assert run("ipvs_info")["services"][0]["destinations"][0]["drained"] is True
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 5
    assert not list(kept.parent.iterdir())


@pytest.mark.parametrize("removed", [True, False])
def test_a_file_of_drained_destinations_of_an_earlier_version(run: Run, kernel: MemoryKernel, kept: Path, removed: bool) -> None:
    """It does not say whether they were removed."""
    run("ipvs_destination", **DRAIN, drain_then="remove" if removed else "keep")
    values = {"forward_method": "direct", "weight": 7, "upper_threshold": 0, "lower_threshold": 0}
    kept.with_name("drained.json").write_text(json.dumps({"destinations": {"tcp 192.0.2.1:80": {"10.0.0.1:80": values}}}))
    kept.unlink()
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 7
    assert not list(kept.parent.iterdir())


def test_absent_forgets_the_saved_values(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_destination", **DRAIN)
    run("ipvs_destination", **BACK, state="absent")
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 1


class Killed(BaseException):
    pass


def test_an_interrupted_drain_continues(run: Run, kernel: MemoryKernel, clock: Clock) -> None:
    def kill(_seconds: float) -> None:
        raise Killed

    holds(kernel, 3)
    clock.meanwhile = kill
    with pytest.raises(Killed):
        run("ipvs_destination", **DRAIN, drain_then="remove")
    assert weight(kernel) == 0
    clock.meanwhile = lambda seconds: holds(kernel, 0)
    # Its own weight is 0 now, so it does not count as available.
    result = run("ipvs_destination", **DRAIN, drain_then="remove", min_available=2)
    assert result["drain"]["connections_before"] == 3
    assert weight(kernel) is None
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 5


def test_a_kill_between_saving_and_clearing_the_weight(run: Run, kernel: MemoryKernel) -> None:
    def kill(_step: object) -> int:
        raise Killed

    kernel.refuse = kill
    with pytest.raises(Killed):
        run("ipvs_destination", **DRAIN)
    kernel.refuse = lambda step: 0
    assert weight(kernel) == 5
    run("ipvs_destination", **DRAIN)
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 5


@pytest.mark.parametrize("check", [True, False])
def test_too_few_others(run: Run, kernel: MemoryKernel, kept: Path, check: bool) -> None:
    result = run("ipvs_destination", check=check, **DRAIN, min_available=2)
    assert result["msg"] == (
        "min_available: without 10.0.0.1:80, 1 of the 2 other destinations of service tcp 192.0.2.1:80 have a weight, and 2 must be "
        "left: give others a weight first, or lower min_available"
    )
    assert not kernel.steps
    assert not kept.exists()
    run("ipvs_destination", service=WEB, address="10.0.0.2", weight=0)
    assert "0 of the 2 other destinations" in run("ipvs_destination", check=check, **DRAIN)["msg"]
    assert run("ipvs_destination", check=check, **DRAIN, min_available=0)["changed"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight": 3}, "weight: state drained sets weight 0 and changes nothing else"),
        ({"upper_threshold": 3}, "upper_threshold: state drained sets weight 0 and changes nothing else"),
        ({"drain_timeout": -1}, "drain_timeout: -1 is not in the range 0 to 2678400 seconds"),
        ({"drain_connections": -1}, "drain_connections: -1 is not in the range 0 to 2147483647"),
        ({"min_available": -1}, "min_available: -1 is not in the range 0 to 2147483647"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_refused_before_anything_is_touched(run: Run, kernel: MemoryKernel, arguments: dict[str, Any], message: str, check: bool) -> None:
    assert run("ipvs_destination", check=check, **{**DRAIN, **arguments})["msg"] == message
    assert not kernel.steps


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": "10.0.0.9"}, "address: there is no destination 10.0.0.9:80 of service tcp 192.0.2.1:80 to drain"),
        ({"service": {**WEB, "port": 81}}, "address: there is no destination 10.0.0.1:81 of service tcp 192.0.2.1:81 to drain"),
    ],
)
def test_a_missing_destination_cannot_be_drained(run: Run, kernel: MemoryKernel, arguments: dict[str, Any], message: str) -> None:
    assert run("ipvs_destination", **{**DRAIN, **arguments})["msg"] == message
    # In a dry run, an earlier task may have predicted that it is added.
    predicted = run("ipvs_destination", check=True, **{**DRAIN, **arguments})
    assert predicted["changed"]
    assert message in predicted["warnings"][0]
    assert not kernel.steps


def test_another_program_sets_a_weight_while_draining(run: Run, kernel: MemoryKernel, clock: Clock) -> None:
    holds(kernel, 3)

    def meanwhile(_seconds: float) -> None:
        kernel.destinations[KEY] = [one._replace(weight=4) for one in kernel.destinations[KEY]]

    clock.meanwhile = meanwhile
    result = run("ipvs_destination", **DRAIN)
    assert "was given weight 4 by something else while it was being drained" in result["msg"]
    assert weight(kernel) == 4


def test_another_program_removes_a_draining_destination(run: Run, kernel: MemoryKernel, clock: Clock) -> None:
    holds(kernel, 3)
    clock.meanwhile = lambda seconds: kernel.destinations[KEY].pop(0)  # type: ignore[assignment,return-value]
    result = run("ipvs_destination", **DRAIN, drain_then="remove")
    assert result["drain"]["connections"] == 0
    assert weight(kernel) is None


def test_a_weight_that_cannot_be_saved_is_not_changed(run: Run, kernel: MemoryKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not even root can create a directory there.
    monkeypatch.setattr(_state_file, "quiescent_path", lambda: "/proc/lvs.director/quiescent.json")
    result = run("ipvs_destination", **DRAIN)
    assert result["msg"].startswith("Cannot keep the weights of drained and held destinations in /proc/lvs.director/quiescent.json: ")
    assert result["msg"].endswith(". Nothing was changed")
    assert weight(kernel) == 5
    assert not kernel.steps


def test_unreadable_saved_values_are_not_lost(run: Run, kernel: MemoryKernel, kept: Path) -> None:
    kept.parent.write_text("a file where the directory should be")
    assert "Cannot read the weights of drained and held destinations" in run("ipvs_destination", **DRAIN)["msg"]
    assert not kernel.steps


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"destinations": {}}', '{"destinations": {"a": {"b": {"weight": "c"}}}, "removed": {}}']
)
def test_a_damaged_file_is_reported(run: Run, kernel: MemoryKernel, kept: Path, content: str) -> None:
    kept.parent.mkdir()
    kept.write_text(content)
    for arguments in (DRAIN, BACK):
        result = run("ipvs_destination", **arguments)
        assert f"Cannot read the weights of drained and held destinations from {kept}" in result["msg"]
    assert not kernel.steps


def test_each_network_namespace_has_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    inodes = {"/proc/self/ns/net": 4711, "/proc/1/ns/net": 4711}

    class Found:
        def __init__(self, inode: int) -> None:
            self.st_ino = inode

    monkeypatch.setattr(_state_file.os, "stat", lambda name: Found(inodes[name]))
    assert _state_file.quiescent_path() == "/var/lib/lvs.director/quiescent.json"
    inodes["/proc/self/ns/net"] = 4712
    cookies = {"cookie": 17}

    class Socket:
        def __init__(self, *_kind: int) -> None:
            pass

        def __enter__(self) -> object:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

        def getsockopt(self, *_option: int) -> bytes:
            if not cookies:
                raise OSError(92, "Protocol not available")
            return cookies["cookie"].to_bytes(8, sys.byteorder)

    monkeypatch.setattr(_state_file.socket, "socket", Socket)
    # The kernel reuses inode numbers at once, and cookies never.
    assert _state_file.quiescent_path() == "/run/lvs.director/quiescent-cookie-17.json"
    # Before Linux 5.14 there are none.
    cookies.clear()
    assert _state_file.quiescent_path() == "/run/lvs.director/quiescent-4712.json"


@pytest.mark.parametrize("then", ["keep", "remove"])
def test_a_timeout_is_a_failure_and_loses_nothing(run: Run, kernel: MemoryKernel, then: str) -> None:
    holds(kernel, 3)
    result = run("ipvs_destination", **DRAIN, drain_timeout=20, drain_then=then)
    assert result["failed"]
    assert result["msg"] == (
        "Not drained after 20 seconds: 10.0.0.1:80 of service tcp 192.0.2.1:80 has 3 connections left. New ones are kept away, and nothing "
        "was removed. Run the task again to go on waiting; or give drain_on_timeout: continue, which cuts them where the destination is "
        "removed"
    )
    assert result["changed"]
    assert result["destination"]["drained"]
    assert weight(kernel) == 0
    holds(kernel, 0)
    assert not run("ipvs_destination", **DRAIN, drain_then=then).get("failed")
    assert weight(kernel) == (None if then == "remove" else 0)
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 5


def test_going_on_after_a_timeout(run: Run, kernel: MemoryKernel) -> None:
    holds(kernel, 3)
    result = run("ipvs_destination", **DRAIN, drain_timeout=20, drain_on_timeout="continue", drain_then="remove")
    assert result["drain"] == {"connections_before": 3, "connections": 3, "seconds": 20.0, "timed_out": True}
    assert weight(kernel) is None


def test_without_waiting_there_is_no_timeout(run: Run, kernel: MemoryKernel) -> None:
    holds(kernel, 3)
    assert not run("ipvs_destination", **DRAIN, drain_timeout=0).get("failed")
    assert run("ipvs_destination", **DRAIN, drain_timeout=0, drain_then="remove")["failed"]
    assert weight(kernel) == 0


OTHER: dict[str, Any] = {"protocol": "tcp", "address": "192.0.2.2", "port": 80}
OTHER_KEY = KEY._replace(address=parse_address("192.0.2.2"))
WHOLE: dict[str, Any] = {"address": "10.0.0.1"}


@pytest.fixture
def other(run: Run, kernel: MemoryKernel) -> ServiceKey:
    """Add a service with the same real server under two ports, and one without it."""
    weights = {("10.0.0.1", 80): 2, ("10.0.0.1", 81): 3, ("10.0.0.2", 80): 1, ("10.0.0.4", 80): 1}
    destinations = [
        {"address": address, "port": port, "weight": weight, "forward_method": "masquerade"} for (address, port), weight in weights.items()
    ]
    run("ipvs_service", **OTHER, destinations=destinations)
    run("ipvs_service", **{**OTHER, "port": 81}, destinations=[{"address": "10.0.0.2"}])
    kernel.steps.clear()
    return OTHER_KEY


def weights(kernel: MemoryKernel, key: ServiceKey = OTHER_KEY) -> dict[str, int]:
    return {str(one.key): one.weight for one in kernel.destinations[key]}


def test_a_whole_real_server(run: Run, kernel: MemoryKernel, clock: Clock, other: ServiceKey) -> None:
    before = weights(kernel)
    holds(kernel, 3)
    kernel.counters[other, FIRST] = DestinationCounters(2, 0)

    def meanwhile(seconds: float) -> None:
        assert weight(kernel) == 0
        assert weights(kernel) == {**before, "10.0.0.1:80": 0, "10.0.0.1:81": 0}
        holds(kernel, max(0, 3 - int(seconds)))
        if seconds >= 5:
            kernel.counters[other, FIRST] = DestinationCounters(0, 0)

    clock.meanwhile = meanwhile
    predicted = run("ipvs_destination", check=True, **WHOLE, state="drained")
    assert not kernel.steps
    result = run("ipvs_destination", **WHOLE, state="drained")
    assert {**result, "drain": None, "services": None} == {**predicted, "drain": None, "services": None}
    assert result["drain"] == {"connections_before": 5, "connections": 0, "seconds": 5.0, "timed_out": False}
    assert [(each["service"]["address"], each["destination"]["port"], each["drain"]["seconds"]) for each in result["services"]] == [
        ("192.0.2.1", 80, 3.0),
        ("192.0.2.2", 80, 5.0),
        ("192.0.2.2", 81, 0.0),
    ]
    assert not run("ipvs_destination", **WHOLE, state="drained")["changed"]
    assert [each["destination"]["drained"] for each in run("ipvs_destination", **WHOLE)["services"]] == [False] * 3
    assert weights(kernel) == before
    assert weight(kernel) == 5
    assert not run("ipvs_destination", **WHOLE)["changed"]


def test_a_whole_real_server_with_one_port(run: Run, kernel: MemoryKernel, other: ServiceKey) -> None:
    run("ipvs_destination", **WHOLE, port=81, state="drained")
    assert weight(kernel) == 5
    assert weights(kernel)["10.0.0.1:81"] == 0
    assert weights(kernel)["10.0.0.1:80"] == 2


def test_a_whole_real_server_is_removed_and_comes_back(run: Run, kernel: MemoryKernel, other: ServiceKey) -> None:
    before = weights(kernel)
    run("ipvs_destination", **WHOLE, state="drained", drain_then="remove")
    assert weight(kernel) is None
    assert set(weights(kernel)) == {"10.0.0.2:80", "10.0.0.4:80"}
    run("ipvs_destination", **WHOLE)
    assert weights(kernel) == before
    assert weight(kernel) == 5


def test_a_whole_real_server_is_deleted(run: Run, kernel: MemoryKernel, other: ServiceKey, kept: Path) -> None:
    run("ipvs_destination", **WHOLE, state="drained", port=81, drain_then="remove")
    run("ipvs_destination", **WHOLE, state="absent")
    assert weight(kernel) is None
    assert set(weights(kernel)) == {"10.0.0.2:80", "10.0.0.4:80"}
    assert not run("ipvs_destination", **WHOLE, state="absent")["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_all_services_or_none(run: Run, kernel: MemoryKernel, other: ServiceKey, check: bool) -> None:
    result = run("ipvs_destination", check=check, **WHOLE, state="drained", min_available=2)
    assert result["msg"] == (
        "min_available: without 10.0.0.1:80, 1 of the 2 other destinations of service tcp 192.0.2.1:80 have a weight, and 2 must be left: "
        "give others a weight first, or lower min_available"
    )
    assert (
        "of service tcp 192.0.2.1:80 have a weight, and 3 must be left; without 10.0.0.1:80, 10.0.0.1:81, 2 of the 2 other"
        in (run("ipvs_destination", check=check, **WHOLE, state="drained", min_available=3)["msg"])
    )
    assert not kernel.steps


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": "10.0.0.9", "state": "drained"}, "address: no service of this director has a destination 10.0.0.9"),
        ({"address": "10.0.0.1", "port": 82}, "address: no service of this director has a destination 10.0.0.1:82"),
        ({"address": "10.0.0.1", "weight": 3}, "weight: is for the destination of one service: give service as well"),
        ({"address": "10.0.0.300"}, "address: '10.0.0.300' is not an IPv4 or IPv6 address"),
    ],
)
def test_refused_for_a_whole_real_server(run: Run, kernel: MemoryKernel, arguments: dict[str, Any], message: str) -> None:
    assert run("ipvs_destination", **arguments)["msg"].startswith(message)
    assert not kernel.steps


def test_another_destination_that_is_held_does_not_count(run: Run, kernel: MemoryKernel, kept: Path) -> None:
    run("ipvs_destination", service=WEB, address="10.0.0.2", state="drained")
    assert "0 of the 2 other destinations" in run("ipvs_destination", **DRAIN)["msg"]


RAMP: dict[str, Any] = {**BACK, "ramp": {"from": 20, "steps": 3, "every": 30}}


@pytest.fixture
def paused(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(_ramp, "time", clock)
    return clock


def test_a_destination_comes_back_in_steps(run: Run, kernel: MemoryKernel, paused: Clock, kept: Path) -> None:
    run("ipvs_destination", **{**BACK, "weight": 100})
    run("ipvs_destination", **DRAIN)
    seen: list[tuple[float, int | None]] = []
    paused.meanwhile = lambda seconds: seen.append((seconds, weight(kernel)))
    before = paused.now - 1000.0
    predicted = run("ipvs_destination", check=True, **RAMP)
    assert not seen
    result = run("ipvs_destination", **RAMP)
    assert [(seconds - before, each) for seconds, each in seen] == [(30.0, 20), (60.0, 60)]
    assert weight(kernel) == 100
    assert result == predicted
    assert "-  -> 10.0.0.1:80 direct weight 100 drained" in as_diff(result)
    assert "+  -> 10.0.0.1:80 direct weight 100" in as_diff(result)
    assert not kept.exists()
    assert not run("ipvs_destination", **RAMP)["changed"]


def test_an_interrupted_return_continues(run: Run, kernel: MemoryKernel, paused: Clock) -> None:
    def kill(_seconds: float) -> None:
        raise Killed

    run("ipvs_destination", **{**BACK, "weight": 100})
    run("ipvs_destination", **DRAIN)
    paused.meanwhile = kill
    with pytest.raises(Killed):
        run("ipvs_destination", **RAMP)
    # A run of the table does not fight it.
    assert not run("ipvs_service", **WEB, destinations=[{"address": "10.0.0.1", "weight": 100}])["changed"]
    assert weight(kernel) == 20
    shown = run("ipvs_info")["services"][0]["destinations"]
    (one,) = (each for each in shown if each["address"] == "10.0.0.1")
    assert (one["weight"], one["effective_weight"], one["share"]) == (100, 20, 20)
    seen: list[int | None] = []
    paused.meanwhile = lambda _seconds: seen.append(weight(kernel))
    assert run("ipvs_destination", **RAMP)["changed"]
    assert seen == [60]
    assert weight(kernel) == 100


def test_what_is_drained_while_it_comes_back_stays_drained(run: Run, kernel: MemoryKernel, paused: Clock) -> None:
    run("ipvs_destination", **{**BACK, "weight": 100})
    run("ipvs_destination", **DRAIN)

    def drain_again(_seconds: float) -> None:
        paused.meanwhile = lambda _seconds: None
        run("ipvs_destination", **DRAIN, drain_timeout=0)

    paused.meanwhile = drain_again
    result = run("ipvs_destination", **RAMP)
    assert result["msg"] == (
        "Destination 10.0.0.1:80 of service tcp 192.0.2.1:80 was drained by something else while it came back. It was left so"
    )
    assert weight(kernel) == 0
    run("ipvs_destination", **BACK)
    assert weight(kernel) == 100


def test_a_new_destination_comes_in_steps(run: Run, kernel: MemoryKernel, paused: Clock) -> None:
    seen: list[list[int]] = []
    paused.meanwhile = lambda _seconds: seen.append([each.weight for each in kernel.destinations[KEY] if each.key.address[3] == 9])
    run("ipvs_destination", **{**RAMP, "address": "10.0.0.9", "weight": 10})
    assert seen == [[2], [6]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ramp": {"from": 0}}, "ramp.from: 0 is not in the range 1 to 99 percent"),
        ({"ramp": {"steps": 1}}, "ramp.steps: 1 is not in the range 2 to 100"),
        ({"ramp": {"every": 0}}, "ramp.every: 0 is not in the range 1 to 3600 seconds"),
        ({"ramp": {}, "state": "drained"}, "ramp: is for bringing a destination back, with state present, not drained"),
    ],
)
def test_a_ramp_that_is_refused(run: Run, kernel: MemoryKernel, arguments: dict[str, Any], message: str) -> None:
    assert run("ipvs_destination", **{**BACK, **arguments})["msg"].endswith(message)
    assert not kernel.steps
