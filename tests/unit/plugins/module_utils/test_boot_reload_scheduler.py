# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new build of a scheduler under its services: their schedulers during the swap, and the state if it breaks off."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._boot import reload_scheduler as _scheduler_swap
from ansible_collections.lvs.director.plugins.module_utils._boot.reload_scheduler import reload_scheduler
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.steps import EditDestination, EditService, Step
from ansible_collections.lvs.director.plugins.module_utils._options.table import desired_from_table_module
from ansible_collections.lvs.director.plugins.module_utils._persist import files as _state_file

from contract import memory
from contract.memory import MemoryKernel, MemoryStore

RISING = {"10.0.0.1": 1, "10.0.0.2": 0, "10.0.0.3": 7, "10.0.0.4": 2}
LEVEL = {"10.0.0.9": 1, "10.0.0.8": 1}


class Modules:
    """A machine on which "test" is loaded and another build of it installed."""

    def __init__(self) -> None:
        self.loaded = {"ip_vs_test": "old", "ip_vs_fo": "fo"}
        self.installed = {"ip_vs_test": "new", "ip_vs_fo": "fo"}
        self.used_elsewhere = False
        self.at_unload: list[Any] = []

    def load(self, module: str) -> bool:
        if module in self.installed:
            self.loaded.setdefault(module, self.installed[module])
        return module in self.loaded

    def unload(self, module: str) -> bool:
        assert module == "ip_vs_test"
        self.at_unload.append(self.kernel.read_table())
        if self.used_elsewhere or any(one.scheduler == "test" for one in self.kernel.services.values()):
            return False
        del self.loaded[module]
        return True

    def loaded_source(self, module: str) -> str:
        return self.loaded.get(module, "")

    def installed_source(self, module: str) -> str:
        return self.installed.get(module, "")

    kernel: MemoryKernel


class Director:
    """Two services with the scheduler, one of them with rising weights, and one service with another scheduler."""

    def __init__(self) -> None:
        self.kernel = MemoryKernel()
        self.store = MemoryStore()
        services = [
            {"protocol": "tcp", "address": f"192.0.2.{number}", "port": 80, "scheduler": scheduler, "destinations": destinations}
            for number, (scheduler, destinations) in enumerate(
                (name, [{"address": address, "weight": weight, "upper_threshold": 9} for address, weight in weights.items()])
                for name, weights in (("test", RISING), ("test", LEVEL), ("fo", LEVEL))
            )
        ]
        options = {"scope": None, "purge": False, "exclusive_destinations": None, "zero_counters": False, "strict": True}
        converge(self.kernel, desired_from_table_module({**options, "services": services}), check_mode=False)
        self.before = self.kernel.read_table()
        self.modules = Modules()
        self.modules.kernel = self.kernel
        self.held = False
        self.messages: list[str] = []
        self.kernel.steps.clear()
        self.kernel.refuse = self._expect_refusals_suppressed

    def _expect_refusals_suppressed(self, step: Step) -> int:
        assert self.held or not isinstance(step, EditService), step
        return 0

    @contextlib.contextmanager
    def suppressed(self) -> Iterator[None]:
        self.held = True
        yield
        self.held = False

    def swap(self) -> None:
        reload_scheduler(self.kernel, self.store, "test", "fo", self.modules, self.suppressed, self.messages.append)

    @property
    def schedulers(self) -> list[str]:
        return [one.scheduler for one in self.kernel.services.values()]


@pytest.fixture(autouse=True)
def _own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(_scheduler_swap, "PATH", str(tmp_path / "run" / "swap.json"))
    monkeypatch.setattr(memory, "SCHEDULERS", {*memory.SCHEDULERS, "test"})


@pytest.fixture
def director() -> Director:
    return Director()


def test_only_the_module_changes(director: Director) -> None:
    director.swap()
    assert director.modules.loaded["ip_vs_test"] == "new"
    assert director.kernel.read_table() == director.before
    assert director.messages == [
        '2 services use scheduler "fo" meanwhile: tcp 192.0.2.0:80, tcp 192.0.2.1:80.',
        "ip_vs_test was replaced.",
        '2 services use scheduler "test" again.',
    ]
    assert not director.store.fallback
    steps = len(director.kernel.steps)
    director.swap()
    assert len(director.kernel.steps) == steps


def test_fo_chooses_in_the_same_order(director: Director) -> None:
    """fo picks the first destination with the highest weight. So falling weights stay."""
    director.swap()
    ((rising, level, other),) = director.modules.at_unload
    assert [one.weight for one in rising.entry.destinations] == [4, 0, 2, 1]
    assert [one.entry for one in (level, other)] == [
        one.entry._replace(service=one.entry.service._replace(scheduler="fo")) for one in director.before[1:]
    ]
    edited = {step.service for step in director.kernel.steps if isinstance(step, EditDestination)}
    assert edited == {rising.entry.service.key}


def test_a_scheduler_never_sees_misleading_weights(director: Director) -> None:
    """Falling weights are set before fo and reset after it: at every step, a new connection goes to the first destination."""
    key = director.before[0].entry.service.key

    def expect_the_first(_step: Step) -> None:
        entry = director.kernel.read_table()[0].entry
        eligible = [one for one in entry.destinations if one.weight]
        chosen = eligible[0] if entry.service.scheduler == "test" else max(eligible, key=lambda one: one.weight)
        assert chosen.key == director.before[0].entry.destinations[0].key

    director.kernel.meanwhile = expect_the_first
    director.swap()
    assert any(isinstance(step, EditService) and step.service.key == key for step in director.kernel.steps)


def test_other_users_of_the_module_are_left_alone(director: Director) -> None:
    director.modules.used_elsewhere = True
    with pytest.raises(IpvsConflictError, match=r"Cannot unload the older build of ip_vs_test: .* Everything is as it was"):
        director.swap()
    assert director.modules.loaded["ip_vs_test"] == "old"
    assert director.kernel.read_table() == director.before
    assert not director.store.fallback


def test_without_the_fallback_scheduler_nothing_changes(director: Director) -> None:
    del director.modules.loaded["ip_vs_fo"], director.modules.installed["ip_vs_fo"]
    with pytest.raises(IpvsUnavailableError, match=r'no scheduler "fo" for the services to use meanwhile'):
        director.swap()
    assert not director.kernel.steps


def test_weights_that_cannot_be_recorded_are_not_changed(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not even root can create a directory there.
    monkeypatch.setattr(_scheduler_swap, "PATH", "/proc/lvs.director/swap.json")
    with pytest.raises(IpvsUnavailableError, match=r"Cannot keep the weights of destinations in /proc/lvs\.director/swap\.json: "):
        director.swap()
    assert director.kernel.read_table() == director.before
    assert director.modules.loaded["ip_vs_test"] == "old"


def test_services_keep_the_fallback_until_the_module_can_be_loaded(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(director.modules, "load", lambda module: module == "ip_vs_fo")
    with pytest.raises(IpvsUnavailableError, match=r'Cannot load ip_vs_test, .* 2 services have scheduler "fo"'):
        director.swap()
    assert director.schedulers == ["fo", "fo", "fo"]
    assert director.store.fallback == {"tcp 192.0.2.0:80", "tcp 192.0.2.1:80"}
    monkeypatch.delattr(director.modules, "load")
    director.swap()
    assert director.kernel.read_table() == director.before
    assert not director.store.fallback


def test_concurrent_changes_stay(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    unload = director.modules.unload

    def change_and_unload(module: str) -> bool:
        listed = director.kernel.destinations[director.before[0].entry.service.key]
        listed[2] = listed[2]._replace(weight=55)
        return unload(module)

    monkeypatch.setattr(director.modules, "unload", change_and_unload)
    director.swap()
    assert [one.weight for one in director.kernel.read_table()[0].entry.destinations] == [1, 0, 55, 2]


class Killed(BaseException):
    """Nothing catches it, as nothing does SIGKILL."""


@pytest.mark.parametrize("last", range(11))
def test_the_next_run_finishes_after_a_kill_at_any_step(director: Director, last: int) -> None:
    left = iter(range(last))

    def kill(_step: Step) -> None:
        if next(left, None) is None:
            raise Killed

    director.kernel.meanwhile = kill
    with contextlib.suppress(Killed):
        director.swap()
    director.kernel.meanwhile = lambda step: None
    director.swap()
    assert director.modules.loaded["ip_vs_test"] == "new"
    assert director.kernel.read_table() == director.before
    assert not director.store.fallback


def test_every_step_is_killed_once(director: Director) -> None:
    director.swap()
    assert len(director.kernel.steps) == 2 * (3 + 2)


def test_a_refused_step_undoes_everything(director: Director) -> None:
    refused = director.before[1].entry.service.key
    director.kernel.refuse = lambda step: (
        errno.EPERM if isinstance(step, EditService) and step.service.key == refused and step.service.scheduler == "fo" else 0
    )
    with pytest.raises(IpvsError, match=r"Cannot edit service tcp 192.0.2.1:80: permission denied"):
        director.swap()
    assert director.kernel.read_table() == director.before
    assert director.modules.loaded["ip_vs_test"] == "old"


def test_without_a_new_build_nothing_changes(director: Director) -> None:
    del director.modules.installed["ip_vs_test"]
    with pytest.raises(IpvsUnavailableError, match="There is no other build of ip_vs_test to load"):
        director.swap()
    assert not director.kernel.steps
    assert director.modules.loaded["ip_vs_test"] == "old"


def test_a_damaged_record_of_weights_is_named(director: Director, tmp_path: Any) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "swap.json").write_text("[]")
    with pytest.raises(IpvsUnavailableError, match=r"where an earlier run has kept weights"):
        director.swap()
    assert not director.kernel.steps


def test_unsavable_weights_are_not_changed(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_state_file.os, "fsync", full)
    with pytest.raises(IpvsUnavailableError, match=r"Cannot keep the weights of destinations in .*No space left on device"):
        director.swap()
    assert not director.kernel.steps
    assert director.modules.loaded["ip_vs_test"] == "old"
