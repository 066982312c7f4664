# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that restores at boot: what it makes of what was saved, and what it says where it cannot."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, converge_timeouts
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._boot import restore as _restore
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddService,
    DeleteService,
    EditService,
    SetTimeouts,
    Step,
    StopSyncDaemon,
)
from ansible_collections.lvs.director.plugins.module_utils._options.table import desired_from_table_module
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, to_text

from contract.memory import SCHEDULERS, Interface, MemoryKernel, MemoryStore

Options = dict[str, Any]

SERVICES: list[Options] = [
    {
        "protocol": "tcp",
        "address": "192.0.2.1",
        "port": 80,
        "scheduler": "wrr",
        "ordered": True,
        "destinations": [
            {"address": "10.0.0.2", "weight": 3, "upper_threshold": 4, "lower_threshold": 1},
            {"address": "10.0.0.3", "weight": 0},
            {"address": "10.0.0.1", "weight": 9, "forward_method": "masquerade"},
        ],
    },
    {
        "protocol": "udp",
        "address": "2001:db8::1",
        "port": 53,
        "scheduler": "sh",
        "scheduler_flags": ["sh-port"],
        "one_packet": True,
        "destinations": [
            {"address": "2001:db8::8", "forward_method": "tunnel", "tunnel_type": "gue", "tunnel_port": 6080, "tunnel_flags": ["csum"]},
            {"address": "2001:db8::9", "forward_method": "tunnel", "tunnel_type": "gre"},
        ],
    },
    {"fwmark": 7, "family": "ipv6", "scheduler": "rr", "persistence_timeout": 60, "persistence_netmask": "64", "persistence_engine": "sip"},
    {"fwmark": 8, "scheduler": "none"},
]


class FakeVips:
    """Virtual addresses of a machine, by interface."""

    class CannotError(Exception):
        pass

    def __init__(self, *vips: tuple[str, str]) -> None:
        self.vips = [{"address": address, "interface": interface} for address, interface in vips]
        self.there: dict[str, list[str]] = {"eth1": []}

    def saved(self) -> list[dict[str, str]]:
        return self.vips

    def add(self, vips: Sequence[_restore.Vip]) -> list[str]:
        for vip in vips:
            if vip["interface"] not in self.there:
                raise self.CannotError(f"no such interface: {vip['interface']}")
            self.there[vip["interface"]].append(vip["address"])
        return []

    def remove(self, vips: Sequence[_restore.Vip]) -> list[str]:
        for vip in vips:
            self.there[vip["interface"]].remove(vip["address"])
        return [f"remove {vip['address']} from {vip['interface']}" for vip in vips]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(to_text(Saved()))


@pytest.fixture
def kernel(store: MemoryStore) -> MemoryKernel:
    """A machine on which all of it was set by tasks, and saved."""
    kernel = MemoryKernel()
    kernel.interfaces["eth1"] = Interface(1500)
    spec: Options = {"scope": None, "purge": False, "exclusive_destinations": None, "zero_counters": False, "strict": True}
    converge(kernel, desired_from_table_module({**spec, "services": SERVICES}), check_mode=False, store=store)
    converge_timeouts(kernel, {"udp": 250}, check_mode=False, store=store)
    return kernel


def booted(kernel: MemoryKernel) -> MemoryKernel:
    """The same machine after a reboot. Runs that restore save nothing."""
    again = MemoryKernel()
    again.interfaces = kernel.interfaces
    return again


def state(kernel: MemoryKernel) -> tuple[Any, ...]:
    return kernel.services, kernel.destinations, kernel.timeouts, kernel.daemons


def content(store: MemoryStore) -> _restore.Content:
    assert store.table
    return _restore.content_of(store.table)


def loads(name: str) -> bool:
    return name.removeprefix("ip_vs_") in SCHEDULERS


def restore(
    into: MemoryKernel, saved: _restore.Content, *, fallback: str = "", load: Any = loads
) -> tuple[frozenset[str], _restore.Journal]:
    journal = _restore.Journal(levels=False)
    return _restore.restore_table(into, saved, journal, load=load, fallback=fallback), journal


def test_a_table_comes_back_as_it_was(kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    after = booted(kernel)
    assert restore(after, content(store))[1].problems == 0
    assert state(after) == state(kernel)
    assert capsys.readouterr().out == "Restored 4 of 4 services, of which 0 were as they should be.\nRestored the timeouts.\n"


def test_what_is_right_is_not_touched(kernel: MemoryKernel, store: MemoryStore) -> None:
    after = booted(kernel)
    restore(after, content(store))
    steps = len(after.steps)
    restore(after, content(store))
    assert len(after.steps) == steps


def test_what_was_edited_by_hand_is_mended(kernel: MemoryKernel, store: MemoryStore) -> None:
    after = booted(kernel)
    restore(after, content(store))
    for key, listed in after.destinations.items():
        # Also where the scheduler does not look at the order.
        after.destinations[key] = [one._replace(weight=77) for one in reversed(listed)]
    after.timeouts = Timeouts(1, 2, 3)
    restore(after, content(store))
    assert state(after)[:2] == state(kernel)[:2]
    assert after.timeouts == Timeouts(1, 2, 250)


def test_what_others_have_added_stays(kernel: MemoryKernel, store: MemoryStore) -> None:
    after = booted(kernel)
    spec: Options = {"scope": None, "purge": False, "exclusive_destinations": None, "zero_counters": False, "strict": True}
    foreign = [
        {"fwmark": 99, "scheduler": "rr", "destinations": [{"address": "10.9.9.9"}]},
        {**SERVICES[0], "scheduler": "rr", "destinations": [{"address": "10.0.0.8"}, {"address": "10.0.0.1"}]},
    ]
    converge(after, desired_from_table_module({**spec, "services": foreign}), check_mode=False)
    restore(after, content(store))
    key = next(key for key in after.services if key.port == 80)
    assert [one.address[-1] for one in after.keys(key) if one.address[-1] != 8] == [2, 3, 1]
    assert 8 in [one.address[-1] for one in after.keys(key)]
    assert len(after.services) == 5


def test_one_that_cannot_be_is_told_and_the_others_come_back(
    kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    after = booted(kernel)

    def refuse(step: Step) -> int:
        return errno.EINVAL if isinstance(step, AddService) and step.service.key.fwmark == 7 else 0

    after.refuse = refuse
    assert restore(after, content(store))[1].problems == 1
    assert len(after.services) == 3
    assert after.timeouts == kernel.timeouts
    said = capsys.readouterr().out
    assert "Service fwmark 7 (ipv6) was not restored: Cannot add service fwmark 7 (ipv6): Invalid argument" in said
    assert "Restored 3 of 4 services" in said


def test_a_scheduler_is_missing(kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    def load(name: str) -> bool:
        return name != "ip_vs_wrr"

    key = next(key for key in kernel.services if key.port == 80)
    after = booted(kernel)
    fallback, journal = restore(after, content(store), fallback="fo", load=load)
    assert (fallback, journal.problems) == ({"tcp 192.0.2.1:80"}, 0)
    assert after.services[key].scheduler == "fo"
    assert [(one.key.address[-1], one.weight) for one in after.destinations[key]] == [(2, 3), (3, 0), (1, 1)]
    assert after.destinations[key][0].upper_threshold == 4
    said = capsys.readouterr().out
    assert 'Service tcp 192.0.2.1:80: its scheduler "wrr" is missing, since the kernel' in said
    # It is there again: so is all that was.
    assert not restore(after, content(store), fallback="fo")[0]
    assert state(after) == state(kernel)
    assert len([step for step in after.steps if isinstance(step, EditService)]) == 1


@pytest.mark.parametrize("fallback", ["", "wrr"])
def test_a_scheduler_is_missing_and_there_is_no_other(
    kernel: MemoryKernel, store: MemoryStore, fallback: str, capsys: pytest.CaptureFixture[str]
) -> None:
    after = booted(kernel)
    mark, journal = restore(after, content(store), fallback=fallback, load=lambda name: name != "ip_vs_wrr")
    assert (mark, journal.problems) == (frozenset(), 1)
    assert len(after.services) == 3
    assert "Run the role lvs.director.ipvs_director. The service was not restored" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"weight": 9', '"weight": -9', "services[0].destinations[2].weight: -9 is not in the range"),
        ('"weight": 9', '"wieght": 9', "services[0].destinations[2]: there is no option wieght"),
        ('"address": "192.0.2.1"', '"address": "192.0.2"', "services[0].address: '192.0.2' is not an IPv4 or IPv6 address"),
        ('"wrr"', "{}", "services[0].scheduler: {} is not a text"),
        ('"services": [', '"services": [7, ', "services is not a list of services"),
        ('{"udp": 250}', '{"udp": 0}', "udp: 0 is not in the range 1 to"),
        ('{"udp": 250}', '{"upd": 250}', "timeouts has something else than tcp, tcp_fin, udp"),
        ("]}\n]}", "]}\n]", "it is not JSON: Expecting"),
    ],
)
def test_a_damaged_text_is_refused_as_a_whole(kernel: MemoryKernel, store: MemoryStore, old: str, new: str, reason: str) -> None:
    assert store.table
    assert old in store.table
    with pytest.raises(IpvsError) as refused:
        _restore.content_of(store.table.replace(old, new))
    assert str(refused.value).startswith(reason)


def network(into: MemoryKernel, saved: _restore.Content, vips: FakeVips, patience: float = 0.0) -> _restore.Journal:
    journal = _restore.Journal(levels=False)
    _restore.restore_network(into, saved, vips, journal, patience=patience)
    return journal


def test_daemons_and_addresses_wait_for_their_interfaces(
    kernel: MemoryKernel, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    converge_sync_daemon(kernel, DesiredSyncDaemon("master", {"interface": "eth1", "sync_id": 7}), check_mode=False, store=store)
    after = booted(kernel)
    after.interfaces = {}
    vips = FakeVips(("10.1.1.1/32", "eth1"))
    vips.there = {}
    pauses = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            vips.there["eth1"] = []
        if len(pauses) == 6:
            after.interfaces["eth1"] = Interface(1500)

    monkeypatch.setattr(_restore.time, "sleep", sleep)
    assert network(after, content(store), vips, patience=60).problems == 0
    assert len(pauses) == 6
    assert vips.there == {"eth1": ["10.1.1.1/32"]}
    assert after.daemons == kernel.daemons
    assert network(after, content(store), FakeVips(), patience=0).problems == 0
    after.interfaces = {}
    after.daemons = []
    capsys.readouterr()
    assert network(after, content(store), FakeVips(("10.1.1.1/32", "eth9")), patience=0).problems == 2
    assert capsys.readouterr().out == (
        "10.1.1.1/32 on eth9: not restored: no such interface: eth9\n"
        "Sync daemon master: not restored: interface: there is no interface eth1\n"
    )


def test_an_address_without_its_services_is_not_added(kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    after = booted(kernel)
    vips = FakeVips(("192.0.2.1/32", "eth1"), ("192.0.2.2/32", "eth1"))
    assert network(after, content(store), vips).problems == 1
    assert vips.there == {"eth1": ["192.0.2.2/32"]}
    assert "192.0.2.1/32 was not added to eth1: tcp 192.0.2.1:80 is not there." in capsys.readouterr().out


def test_what_was_saved_is_cleared_and_nothing_else(kernel: MemoryKernel, store: MemoryStore) -> None:
    kernel.interfaces["eth2"] = Interface(1500)
    converge_sync_daemon(kernel, DesiredSyncDaemon("master", {"interface": "eth1", "sync_id": 7}), check_mode=False, store=store)
    converge_sync_daemon(kernel, DesiredSyncDaemon("backup", {"interface": "eth1"}), check_mode=False, store=store)
    saved, text = content(store), store.table
    spec: Options = {"scope": None, "purge": False, "exclusive_destinations": None, "zero_counters": False, "strict": True}
    converge(kernel, desired_from_table_module({**spec, "services": [{"fwmark": 99}]}), check_mode=False)
    converge_sync_daemon(kernel, DesiredSyncDaemon("backup", {"interface": "eth2"}), check_mode=False)
    journal = _restore.Journal(levels=False)
    vips = FakeVips(("192.0.2.1/32", "eth1"))
    vips.there["eth1"] = ["192.0.2.1/32", "192.0.2.9/32"]
    _restore.clear_network(kernel, saved, vips, journal)
    _restore.clear_table(kernel, saved, journal)
    assert journal.problems == 0
    assert [key.fwmark for key in kernel.services] == [99]
    assert [(one.state, one.interface) for one in kernel.daemons] == [("backup", "eth2")]
    assert kernel.timeouts == Timeouts(900, 120, 300)
    assert vips.there == {"eth1": ["192.0.2.9/32"]}
    assert text


def test_the_program(kernel: MemoryKernel, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its exit status, and its output with the levels of systemd's journal."""
    after = booted(kernel)
    monkeypatch.setattr(_restore, "MachineStore", lambda: store)
    monkeypatch.setattr(_restore, "NetlinkKernel", lambda: after)
    monkeypatch.setattr(_restore._modprobe, "load", loads)
    monkeypatch.setenv("JOURNAL_STREAM", "9:9")
    text, store.table = store.table, None
    assert _restore.main(["table"], FakeVips()) == 1
    assert capsys.readouterr().out.startswith("<3>There is nothing to restore: no /var/lib/lvs.director/table.json.")
    store.table = "{}"
    assert _restore.main(["table"], FakeVips()) == 1
    assert capsys.readouterr().out.startswith("<3>Cannot read /var/lib/lvs.director/table.json, from which")
    store.table = text
    assert _restore.main(["table"], FakeVips()) == 0
    assert capsys.readouterr().out.startswith("<6>Restored 4 of 4")
    assert after.timeouts == Timeouts(900, 120, 250)
    assert _restore.main(["network"], FakeVips(("192.0.2.1/32", "eth1"))) == 0
    vips = FakeVips(("192.0.2.1/32", "eth1"))
    vips.there["eth1"] = ["192.0.2.1/32"]
    assert _restore.main(["clear-network"], vips) == 0
    assert _restore.main(["clear-table"], vips) == 0
    assert not after.services
    monkeypatch.setattr(_restore._modprobe, "load", lambda name: name != "ip_vs_wrr")
    assert _restore.main(["table", "--fallback=fo"], FakeVips()) == 0
    assert store.fallback == {"tcp 192.0.2.1:80"}
    assert "<4>Service tcp 192.0.2.1:80" in capsys.readouterr().out
    monkeypatch.setattr(_restore._modprobe, "load", loads)
    held_back: list[bool] = []

    @contextlib.contextmanager
    def hold_back() -> Iterator[None]:
        held_back.append(True)
        yield

    monkeypatch.setattr(_restore, "refusals_held_back", hold_back)
    assert _restore.main(["table", "--fallback=fo"], FakeVips()) == 0
    assert held_back
    assert store.fallback == frozenset()
    assert after.closed


def refusing(kernel: MemoryKernel, kind: type[Step]) -> MemoryKernel:
    kernel.refuse = lambda step: errno.EBUSY if isinstance(step, kind) else 0
    return kernel


def test_timeouts_that_are_refused_are_told(kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    after = refusing(booted(kernel), SetTimeouts)
    assert restore(after, content(store))[1].problems == 1
    assert len(after.services) == 4
    assert "The timeouts were not restored: Cannot set " in capsys.readouterr().out


def test_what_cannot_be_cleared_is_told(kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    converge_sync_daemon(kernel, DesiredSyncDaemon("master", {"interface": "eth1", "sync_id": 7}), check_mode=False, store=store)
    saved = content(store)
    journal = _restore.Journal(levels=False)
    _restore.clear_table(refusing(kernel, DeleteService), saved, journal)
    _restore.clear_network(refusing(kernel, StopSyncDaemon), saved, FakeVips(), journal)
    assert journal.problems == 2
    assert (len(kernel.services), len(kernel.daemons)) == (4, 1)
    said = capsys.readouterr().out
    assert "Not all that was saved was taken away: Cannot delete service" in said
    assert "Sync daemon master was not stopped: Cannot stop" in said


def test_the_program_tells_a_conflict_from_other_errors(
    kernel: MemoryKernel, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The role goes on where the module is in use elsewhere, and so needs to know."""

    def in_use(*_arguments: object) -> None:
        raise IpvsConflictError("it is in use")

    monkeypatch.setattr(_restore, "MachineStore", lambda: store)
    monkeypatch.setattr(_restore, "NetlinkKernel", lambda: kernel)
    monkeypatch.setattr(_restore._modprobe, "load", loads)
    monkeypatch.setattr(_restore, "swap_scheduler", in_use)
    assert _restore.main(["swap", "--fallback=fo"], FakeVips()) == _restore.CONFLICT
    assert capsys.readouterr().out == "it is in use\n"
    assert kernel.closed


def test_the_program_without_pyroute2_names_the_package(
    kernel: MemoryKernel, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> MemoryKernel:
        raise ImportError("No module named 'pyroute2'")

    monkeypatch.setattr(_restore, "MachineStore", lambda: store)
    monkeypatch.setattr(_restore, "NetlinkKernel", missing)
    monkeypatch.setattr(_restore._modprobe, "load", loads)
    assert _restore.main(["table"], FakeVips()) == 1
    assert capsys.readouterr().out == "No module named 'pyroute2'. Install the package python3-pyroute2\n"
