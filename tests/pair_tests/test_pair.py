# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair on machines that write down what they are told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pair import pair as pair_module
from pair.pair import VIP, Pair
from pair.results import Bounds

END = {"talking": 8, "idle": 16, "lost": [], "new": 100, "new_lost": [], "new_gap": 0.5, "talking_gap": 0.2, "servers": {}}


class Machine:
    def __init__(self, name: str, log: list[str]) -> None:
        self._name = name
        self._log = log
        self.answers = {
            "ip -oneline address show dev eth1": f"3: eth1 inet {VIP}/32 scope global" if name == "director-1" else "",
            "cat /proc/net/ip_vs_conn": "Pro FromIP\n",
        }
        self.found = dict(END)

    def run(self, command: str, **_options: Any) -> subprocess.CompletedProcess[str]:
        self._log.append(f"{self._name}: {command}")
        return subprocess.CompletedProcess(command, 0, self.answers.get(command, ""), "")

    def forwarded(self, path: str) -> Path:
        return Path(path)

    def ask(self, _path: str, command: str) -> Any:
        """In place of the traffic program."""
        do = json.loads(command)["do"]
        self._log.append(f"{self._name}: {do}")
        return {"open": {"lost": []}, "end": self.found, "held": []}.get(do, {})

    def cable(self, *, plugged: bool) -> None:
        self._log.append(f"{self._name}: cable {'in' if plugged else 'out'}")


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: list[str]) -> Pair:
    machines = {name: Machine(name, log) for name in ("director-1", "director-2", "peer")}
    monkeypatch.setattr(pair_module, "Lab", lambda _state: machines)
    monkeypatch.setattr(pair_module.traffic, "ask", machines["peer"].ask)
    monkeypatch.setattr(pair_module.time, "sleep", lambda _seconds: None)
    return Pair(tmp_path)


def test_the_active_one_is_the_only_one_that_serves(pair: Pair) -> None:
    assert str(pair.active) == "director-1"
    assert str(pair.other(pair.active)) == "director-2"


def test_what_befell_a_director_is_undone_once_and_last_comes_first(pair: Pair, log: list[str]) -> None:
    one = pair.directors[0]
    one.change("timeouts", "ipvsadm --set 30 0 0", "ipvsadm --set 900 0 0")
    one.cut()
    one.mend()
    one.mend()
    assert log == ["director-1: ipvsadm --set 30 0 0", "director-1: cable out", "director-1: cable in", "director-1: ipvsadm --set 900 0 0"]


def test_a_step_holds_connections_measures_and_records(pair: Pair, log: list[str], tmp_path: Path) -> None:
    with pair.step("nothing happens", Bounds(new_lost=0.0, gap=1)) as step:
        log.append("it happens")
        step.note = "as said"
    assert [line.removeprefix("peer: ") for line in log] == ["open", "open", "begin", "it happens", "end", "held", "close", "close"]
    (line,) = (tmp_path / "steps.jsonl").read_text().splitlines()
    assert json.loads(line)["step"] == "nothing happens"
    assert pair.summary().splitlines()[1].endswith("0 lost, new 0, gap <= 1 s; as said")


def test_a_step_beyond_its_bound_fails_and_is_recorded(pair: Pair) -> None:
    pair._lab["peer"].found["lost"] = ["nat4-tcp idle from (40000,): reset"]  # type: ignore[attr-defined]

    def measure() -> None:
        with pair.step("something happens", Bounds()):
            pass

    with pytest.raises(AssertionError, match=r"1 of 24 held connections were lost.*nat4-tcp idle"):
        measure()
    assert "1 of 24" in pair.summary()
    pair.forget()
    assert "1 of 24" not in pair.summary()


def test_what_does_not_come_true_is_named(pair: Pair) -> None:
    with pytest.raises(AssertionError, match="not within 0 s: the sky falls"):
        pair.until("the sky falls", lambda: False, 0)


def test_vrrp_and_sync_are_blocked_both_ways(pair: Pair, log: list[str]) -> None:
    for what, rule in (("vrrp", "meta l4proto 112 drop"), ("sync", "udp dport 8848 drop")):
        pair.directors[0].block(what)
        assert log[-1].count(rule) == 2
        pair.directors[0].mend("blocked")
        assert log[-1] == "director-1: nft delete table inet blocked"
