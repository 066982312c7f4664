# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""handover: refused while connections would be lost, and what it says afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine.addresses import Links, Place, parse
from ansible_collections.lvs.director.plugins.module_utils._machine.announcements import _only, of_advertisement, of_arp
from ansible_collections.lvs.director.plugins.module_utils._machine.systemd import State
from ansible_collections.lvs.director.plugins.module_utils._model.table import parse_address
from ansible_collections.lvs.director.plugins.module_utils._program import handover
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Agent, Report
from ansible_collections.lvs.director.plugins.module_utils._sync.mark import Mark
from ansible_collections.lvs.director.plugins.module_utils._sync.table import Fingerprints, fingerprints

from .test_program import Director, backup, director

__all__ = ["backup", "director"]

VIP = parse_address("192.0.2.1")


class Pair:
    """The other director and this one's keepalived: what they do when the addresses are given up."""

    def __init__(self, director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
        self.director = director
        self.serves = True
        self.active = True
        self.announces = True
        self.gives_up = True
        self.missing = 0
        self.other: Fingerprints | None = None
        self.answers = True
        self.calls: list[str] = []
        pair = self

        class Heard:
            def __init__(self, interfaces: list[str]) -> None:
                pair.calls.append(f"listen on {', '.join(interfaces)}")

            def hear(self, patience: float) -> Iterator[bytes]:
                if pair.announces and not pair.serves:
                    yield VIP

            def close(self) -> None:
                pass

        monkeypatch.setattr(handover, "Announcements", Heard)
        monkeypatch.setattr(handover, "_TAKEOVER", 0.3)
        monkeypatch.setattr(handover.systemd, "systemctl", self.systemctl)
        monkeypatch.setattr(handover.systemd, "start", lambda unit: pair.systemctl("start", unit))
        monkeypatch.setattr(handover.systemd, "states", lambda units: {unit: self.state() for unit in units})
        place = Place(parse("192.0.2.1/32"), "eth1")
        monkeypatch.setattr(handover.machine_addresses, "read", lambda: Links(frozenset(["eth1"]), {place: frozenset()}))
        monkeypatch.setattr(Agent, "served", lambda agent: {VIP} if pair.serves else set())
        monkeypatch.setattr(Agent, "confirm", lambda agent, timeout, tolerance: pair.receipts(agent))
        monkeypatch.setattr(Agent, "resync", lambda agent, timeout, rounds: Report("10.0.0.2", 40, 0, 0, untold=1))
        monkeypatch.setattr("ansible_collections.lvs.director.plugins.module_utils._program.resync.Routing", lambda: self)

    def is_local(self, address: bytes) -> bool:
        return self.serves

    def close(self) -> None:
        pass

    def state(self) -> State:
        return State(loaded=True, enabled=True, active=self.active, failed=False, stale=False, status=0)

    def systemctl(self, *words: str) -> str:
        self.calls.append(" ".join(words))
        if words[0] == "stop":
            self.active = False
            self.serves = self.serves and not self.gives_up
        return ""

    def receipts(self, agent: Agent) -> dict[str, Mark]:
        if not self.answers:
            return {}
        table = fingerprints(agent.table()) if self.other is None else self.other
        return {"10.0.0.2": Mark("received", "1", connections=40, missing=self.missing, **table._asdict())}


@pytest.fixture
def pair(backup: Director, monkeypatch: pytest.MonkeyPatch) -> Pair:
    return Pair(backup, monkeypatch)


MOVED = ["listen on eth1", "stop --no-block keepalived.service", "stop keepalived.service", "start keepalived.service"]


def run(pair: Pair, line: str = "handover --timeout 1 --json", status: int = 0) -> dict[str, Any]:
    assert pair.director.run(line) == status, pair.director.errors
    return dict(json.loads(pair.director.out)) if status == 0 else {}


def test_the_addresses_are_handed_over(pair: Pair) -> None:
    found = run(pair)
    assert found.pop("unanswered_seconds") < 0.3
    assert found.pop("text").startswith("40 of 40 connections are known")
    assert found == {"changed": True, "connections": 40, "missing": 0, "to": "10.0.0.2", "lost": 1, "notes": []}
    assert pair.calls == MOVED


def test_a_check_changes_nothing(pair: Pair) -> None:
    assert run(pair, "handover --check --json")["changed"] is True
    assert pair.calls == []
    pair.director.run("handover --check")
    assert pair.director.out == "40 of 40 connections are known to 10.0.0.2: the addresses can be handed over.\n"


def test_missing_connections_are_refused_unless_tolerated(pair: Pair) -> None:
    pair.missing = 3
    run(pair, "handover --tolerance 2", status=3)
    assert "10.0.0.2 lacks 3 of 40 connections, and 2 are tolerated. Nothing was handed over." in pair.director.errors
    assert pair.calls == []
    assert run(pair, "handover --tolerance 3 --json")["missing"] == 3


def test_another_table_is_refused(pair: Pair) -> None:
    pair.other = Fingerprints("another", "another")
    run(pair, status=3)
    assert "10.0.0.2 has other services, destinations or thresholds, or another order, than this director" in pair.director.errors
    assert pair.calls == []


def test_other_weights_are_a_note(pair: Pair) -> None:
    with_kernel = Agent.table
    pair.receipts = lambda agent: {  # type: ignore[method-assign]
        "10.0.0.2": Mark("received", "1", connections=40, table=fingerprints(with_kernel(agent)).table, weights="another")
    }
    assert run(pair)["notes"] == ["10.0.0.2 has other weights than this director"]


def test_nobody_answers(pair: Pair) -> None:
    pair.answers = False
    run(pair, status=1)
    assert "No other director has written within 1 seconds that it has this one's connections" in pair.director.errors
    assert pair.calls == []


def test_nobody_takes_the_addresses_and_they_are_taken_back(pair: Pair) -> None:
    pair.announces = False
    run(pair, status=1)
    assert "Nobody has announced 192.0.2.1 within 0.3 seconds after this director gave it up" in pair.director.errors
    assert pair.calls == MOVED


def test_a_director_without_addresses_has_nothing_to_hand_over(pair: Pair) -> None:
    pair.serves = False
    assert run(pair)["changed"] is False
    pair.director.run("handover")
    assert pair.director.out == "This director has no virtual address: there is nothing to hand over.\n"


def test_addresses_that_are_not_keepalived_s(pair: Pair) -> None:
    pair.gives_up = False
    assert run(pair)["unanswered_seconds"] is None
    pair.active = False
    run(pair, status=1)
    assert "but keepalived.service does not run: nothing can move them" in pair.director.errors


def test_what_is_said(pair: Pair) -> None:
    pair.director.run("handover")
    assert pair.director.out.startswith("40 of 40 connections are known to 10.0.0.2. The addresses were nobody's for 0.")
    assert pair.director.out.endswith(" seconds; 1 connections are unknown to it now.\n")


ARP = bytes.fromhex("0001080006040001" + "525400123456" + "c0000201" + "ffffffffffff" + "c0000201")
ADVERTISEMENT = bytes.fromhex("88000000" + "20000000") + parse_address("2001:db8::3") + bytes.fromhex("0201525400123456")


def test_announcements_are_read() -> None:
    assert of_arp(ARP) == VIP
    assert of_arp(ARP[:20]) is None
    assert of_arp(bytes(2) + ARP[2:]) is None
    assert of_advertisement(ADVERTISEMENT) == parse_address("2001:db8::3")
    assert of_advertisement(ADVERTISEMENT[:10]) is None
    assert of_advertisement(b"\x87" + ADVERTISEMENT[1:]) is None


def test_the_filter_passes_advertisements_alone() -> None:
    blocked = int.from_bytes(_only(136), "little")
    assert [kind for kind in range(256) if not blocked >> kind & 1] == [136]
