# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The follower's rounds: from keepalived's table to the one in service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._boot.journal import Journal
from ansible_collections.lvs.director.plugins.module_utils._machine.health_reasons import Failing, last_reasons
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.health import Check, Health, HealthRules
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist import files, quiescent
from ansible_collections.lvs.director.plugins.module_utils._persist.remembering import remembering
from ansible_collections.lvs.director.plugins.module_utils._program import follow

from contract.memory import MemoryKernel

KEY = ServiceKey("ipv4", "tcp", b"\xc0\x00\x02\x01", 80)
OTHER = ServiceKey("ipv4", "tcp", b"\xc0\x00\x02\x01", 8080)
HEALTH = Health((HealthRules(KEY, (Check("tcp"),)),))


def name(number: int) -> DestinationKey:
    return DestinationKey(bytes((10, 0, 0, number)), 80)


class Director:
    """A director in memory, with three destinations in an order of its own, and what its checks find."""

    def __init__(self) -> None:
        self.memory = MemoryKernel()
        self.kernel = remembering(self.memory)
        self.up = {1: True, 2: True, 3: True}
        self.now = 100.0
        self.configured: list[list[int]] = []
        self.asked: list[int] = []
        self.health = HEALTH
        self.refused = ""
        self.configure({3: 7, 1: 5, 2: 6})
        self.memory.steps.clear()
        self.restart()

    def restart(self) -> None:
        self.follower = follow.Follower(self.kernel, Journal(levels=True), configure=self._configure, reasons=self._reasons)

    def _configure(self, _health: Health, table: Any) -> None:
        self.configured.append(sorted(each.address[3] for each in table.get(KEY, ())))
        if self.refused:
            raise IpvsUnavailableError(self.refused)

    def _reasons(self, failing: list[Failing]) -> dict[Failing, str]:
        # Nobody may connect to them any more while their reasons are looked for.
        assert all(self.memory_weight(each) == 0 for each in failing)
        self.asked.append(len(failing))
        return dict.fromkeys(failing, "refused")

    def memory_weight(self, failing: Failing) -> int:
        (found,) = (each.weight for each in self.memory.destinations[failing.service] if each.key == failing.destination)
        return found

    def configure(self, weights: dict[int, int], *, ordered: bool = True) -> bool:
        """Run a task."""
        destinations = tuple(DesiredDestination("", 0, name(number), Given({"weight": weight})) for number, weight in weights.items())
        service = DesiredService("", KEY, {"scheduler": "rr"}, destinations=destinations, ordered=ordered, exclusive=True)
        return converge(self.kernel, DesiredTable((service,)), check_mode=False).changed

    def rounds(self, seconds: int = 1) -> dict[int, int]:
        """Let time pass, and return the weights in the kernel, in its order."""
        for _second in range(seconds):
            self.follower.round(self.health, {KEY: {name(number): int(well) for number, well in self.up.items()}}, self.now)
            self.now += 1.0
        return self.weights

    @property
    def weights(self) -> dict[int, int]:
        return {each.key.address[3]: each.weight for each in self.memory.destinations[KEY]}


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "quiescent_path", lambda: str(tmp_path / "quiescent.json"))
    monkeypatch.setattr(files, "former_quiescent_path", lambda: str(tmp_path / "drained.json"))
    return tmp_path / "quiescent.json"


@pytest.fixture
def director() -> Director:
    return Director()


def test_down_and_up_again(director: Director, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    director.rounds(3)
    assert not director.memory.steps
    director.up[1] = False
    assert director.rounds() == {3: 7, 1: 0, 2: 6}
    mark = quiescent.read().mark(KEY, name(1))
    assert mark
    assert mark.held
    assert (mark.weight, mark.held.reason) == (5, "refused")
    assert "<4>10.0.0.1:80 of service tcp 192.0.2.1:80 is held, with weight 5 to come back with: refused" in capsys.readouterr().out
    director.up[1] = True
    assert director.rounds(8) == {3: 7, 1: 0, 2: 6}
    assert director.rounds() == {3: 7, 1: 5, 2: 6}
    assert "<4>10.0.0.1:80 of service tcp 192.0.2.1:80 is back with weight 5\n" in capsys.readouterr().out
    assert not file.exists()


def test_an_interruption_begins_the_wait_anew(director: Director) -> None:
    director.up[1] = False
    director.rounds()
    director.up[1] = True
    director.rounds(6)
    director.up[1] = False
    director.rounds()
    director.up[1] = True
    assert director.rounds(8)[1] == 0
    assert director.rounds()[1] == 5


def test_a_restarted_follower_does_no_harm(director: Director) -> None:
    director.up[1] = False
    director.rounds()
    director.restart()
    assert director.rounds(2)[1] == 0
    director.up = {}
    assert director.rounds(20) == {3: 7, 1: 0, 2: 6}, "the checks do not run: nothing changes"
    director.up = {1: True, 2: True, 3: True}
    assert director.rounds(9)[1] == 5


def test_a_task_while_one_is_held(director: Director) -> None:
    director.up[1] = False
    director.rounds()
    assert not director.configure({3: 7, 1: 5, 2: 6})
    assert director.configure({1: 9, 3: 7, 2: 6})
    assert director.weights == {1: 0, 3: 7, 2: 6}
    assert not director.configure({1: 9, 3: 7, 2: 6})
    director.up[1] = True
    assert director.rounds(9) == {1: 9, 3: 7, 2: 6}


def test_added_and_removed_destinations_are_checked_at_the_next_round_of_the_table(director: Director) -> None:
    director.rounds()
    assert director.configured[-1] == [1, 2, 3]
    director.configure({4: 1, 1: 5, 2: 6})
    director.rounds(6)
    assert director.configured[-1] == [1, 2, 4]


def test_nothing_is_read_while_nothing_changes(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    director.rounds()
    reads: list[float] = []
    read = director.memory.read_table
    monkeypatch.setattr(director.memory, "read_table", lambda **options: reads.append(director.now) or read(**options))
    director.rounds(20)
    assert len(reads) == 4


def test_a_configuration_that_keepalived_refuses_is_reported_once(director: Director, capsys: pytest.CaptureFixture[str]) -> None:
    director.refused = "keepalived refuses it"
    director.rounds(12)
    assert capsys.readouterr().out.count("keepalived refuses it") == 1
    director.up[1] = False
    assert director.rounds()[1] == 0


def test_the_last_ones_stay(director: Director, capsys: pytest.CaptureFixture[str]) -> None:
    director.up = dict.fromkeys(director.up, False)
    assert director.rounds() == {3: 7, 1: 0, 2: 0}
    out = capsys.readouterr().out
    assert (
        "<3>10.0.0.3:80 of service tcp 192.0.2.1:80 fails its health check, and stays in service: 1 must be left (min_available), and no "
        "others are up"
    ) in out
    director.rounds(12)
    assert not capsys.readouterr().out, "said once"
    director.up[2] = True
    assert director.rounds() == {3: 0, 1: 0, 2: 6}


def test_checks_that_are_not_declared_any_more(director: Director, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    director.up[1] = False
    director.rounds()
    director.health = Health(())
    assert director.rounds() == {3: 7, 1: 5, 2: 6}
    assert "10.0.0.1:80 of service tcp 192.0.2.1:80 is back: it is not checked any more" in capsys.readouterr().out
    assert not file.exists()


def test_release_keeps_what_is_drained(director: Director) -> None:
    director.up[1] = False
    director.rounds()
    drained = DesiredDestination("", 0, name(1), Given({"drained": True}))
    service = DesiredService("", KEY, {}, must_exist=True, destinations=(drained,))
    converge(director.kernel, DesiredTable((service,)), check_mode=False)
    follow.release(director.kernel, Journal(levels=False))
    assert director.weights[1] == 0
    mark = quiescent.read().mark(KEY, name(1))
    assert mark
    assert mark == (5, True, None, 100, None)


def test_marks_of_deleted_services_are_forgotten(director: Director, file: Path) -> None:
    director.up[1] = False
    director.rounds()
    director.memory.services.clear()
    director.memory.destinations.clear()
    director.health = Health(())
    director.follower.round(director.health, {}, 200.0)
    assert not file.exists()


def test_a_weight_that_another_program_sets_is_not_lost(director: Director) -> None:
    director.up[1] = False
    director.rounds()
    director.memory.destinations[KEY] = [
        each._replace(weight=2) if each.key == name(1) else each for each in director.memory.destinations[KEY]
    ]
    assert director.rounds(6)[1] == 0
    director.up[1] = True
    assert director.rounds(9)[1] == 2


def both(director: Director) -> follow.Weights:
    """Add another service with the same destinations, check it too, and return a shadow in which the first destination is down."""
    values = {"forward_method": "masquerade"}
    destinations = tuple(DesiredDestination("", 0, name(number), Given({**values, "weight": number})) for number in (1, 2))
    converge(director.kernel, DesiredTable((DesiredService("", OTHER, {"scheduler": "rr"}, destinations=destinations),)), check_mode=False)
    director.health = Health((*HEALTH.rules, HealthRules(OTHER, (Check("ping"),))))
    return {KEY: {name(1): 0, name(2): 1, name(3): 1}, OTHER: {name(1): 0, name(2): 1}}


def test_a_host_is_held_in_all_services_at_once(director: Director) -> None:
    shadow = both(director)
    director.follower.round(director.health, shadow, director.now)
    assert director.asked == [2], "the journal is read once"
    assert (director.weights[1], director.memory_weight(Failing(OTHER, name(1)))) == (0, 0)


def test_a_service_that_cannot_be_changed_does_not_keep_others(
    director: Director, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shadow = both(director)
    converge_locked = follow.converge_locked

    def converge_others(kernel: Any, desired: DesiredTable, **options: Any) -> Any:
        if any(service.key == KEY for service in desired.services):
            raise IpvsUnavailableError("It is broken")
        return converge_locked(kernel, desired, **options)

    monkeypatch.setattr(follow, "converge_locked", converge_others)
    director.follower.round(director.health, shadow, director.now)
    assert (director.weights[1], director.memory_weight(Failing(OTHER, name(1)))) == (5, 0)
    assert f"It is broken. Service {KEY} stays as it is for now" in capsys.readouterr().out


HTTP, TCP = "HTTP_CHECK on service [10.0.0.1]:tcp:80 failed after 1 retries.", "TCP_CHECK on service [10.0.0.1]:tcp:80 failed."
HELD = "Disabling service [10.0.0.1]:tcp:80 of VS "


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["TCP_CHECK on service [10.0.0.1]:tcp:80 failed.", "Removing service [10.0.0.1]:tcp:80 from VS [192.0.2.1]:tcp:80"], TCP),
        (["TCP_CHECK on service [10.0.0.1]:tcp:8080 failed.", "TCP_CHECK on service [10.0.0.11]:tcp:80 failed."], ""),
        ([], ""),
        ([TCP, f"{HELD}[192.0.2.1]:tcp:80", HTTP, f"{HELD}[192.0.2.1]:tcp:8080"], TCP),
        ([HTTP, f"{HELD}[192.0.2.1]:tcp:8080", TCP, f"{HELD}[192.0.2.1]:tcp:80"], TCP),
        ([HTTP, TCP], TCP),
    ],
)
def test_reasons_are_keepalived_s_own_words(lines: list[str], reason: str) -> None:
    failing = Failing(KEY, name(1))
    assert last_reasons(lines, [failing]) == ({failing: reason.rstrip(".")} if reason else {})


def test_a_service_with_a_firewall_mark_has_another_name() -> None:
    failing = Failing(ServiceKey("ipv4", fwmark=7), name(1))
    assert last_reasons([TCP, f"{HELD}FWM 7", HTTP, f"{HELD}FWM 8"], [failing]) == {failing: TCP.rstrip(".")}


def test_a_slow_start(director: Director, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow.time, "time", lambda: director.now)
    director.configure({3: 7, 1: 100, 2: 6})
    director.health = Health((HEALTH.rules[0]._replace(slow_start=20.0),))
    director.up[1] = False
    director.rounds()
    director.up[1] = True
    assert director.rounds(9) == {3: 7, 1: 10, 2: 6}
    # A run of the table does not fight it, and a follower that was killed goes on.
    assert not director.configure({3: 7, 1: 100, 2: 6})
    seen = [director.rounds()[1] for _second in range(10)]
    director.restart()
    seen += [director.rounds()[1] for _second in range(12)]
    assert seen == sorted(seen)
    assert set(seen) == set(range(10, 101, 10))
    assert seen.index(100) <= 21
    assert not file.exists()


def test_one_that_fails_again_while_it_comes_back_is_held(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow.time, "time", lambda: director.now)
    director.configure({3: 7, 1: 100, 2: 6})
    director.health = Health((HEALTH.rules[0]._replace(slow_start=20.0),))
    director.up[1] = False
    director.rounds()
    director.up[1] = True
    director.rounds(12)
    director.up[1] = False
    assert director.rounds()[1] == 0
    director.up[1] = True
    assert director.rounds(9)[1] == 10
    assert director.rounds(25)[1] == 100
