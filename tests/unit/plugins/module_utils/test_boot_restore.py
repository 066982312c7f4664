# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring at boot: the result, and the messages for entries that cannot be restored."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, converge_timeouts
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._boot import restore as _restore
from ansible_collections.lvs.director.plugins.module_utils._boot.journal import Journal
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddService,
    DeleteService,
    EditService,
    SetTimeouts,
    Step,
    StopSyncDaemon,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._options.table import desired_from_table_module
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, to_text
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import Content, content_of

from contract.memory import SCHEDULERS, Interface, MemoryKernel, MemoryStore

Options = dict[str, Any]
WEB = "services[0] (protocol tcp, address 192.0.2.1, port 80)"

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

    def __init__(self, *vips: tuple[str, str]) -> None:
        self.vips = [{"address": address, "interface": interface} for address, interface in vips]
        self.there: dict[str, list[str]] = {"eth1": []}

    def saved(self) -> list[dict[str, str]]:
        return self.vips

    def add_each(self, vips: Sequence[_restore.Vip]) -> list[str | None]:
        reasons: list[str | None] = []
        for vip in vips:
            missing = vip["interface"] not in self.there
            reasons.append(f"no such interface: {vip['interface']}" if missing else None)
            if not missing:
                self.there[vip["interface"]].append(vip["address"])
        return reasons

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


def content(store: MemoryStore) -> Content:
    assert store.table
    return content_of(store.table)


def loads(name: str) -> bool:
    return name.removeprefix("ip_vs_") in SCHEDULERS


def restore(into: MemoryKernel, saved: Content, *, fallback: str = "", load: Any = loads) -> tuple[frozenset[str], Journal]:
    journal = Journal(levels=False)
    return _restore.restore_table(into, saved, journal, load=load, fallback=fallback), journal


def test_a_table_is_restored_exactly(kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    after = booted(kernel)
    assert restore(after, content(store))[1].problems == 0
    assert state(after) == state(kernel)
    assert capsys.readouterr().out == "Restored 4 of 4 services, of which 0 needed no change.\nRestored the timeouts.\n"


def test_matching_entries_are_not_touched(kernel: MemoryKernel, store: MemoryStore) -> None:
    after = booted(kernel)
    restore(after, content(store))
    steps = len(after.steps)
    restore(after, content(store))
    assert len(after.steps) == steps


def test_manual_changes_are_reverted(kernel: MemoryKernel, store: MemoryStore) -> None:
    after = booted(kernel)
    restore(after, content(store))
    for key, listed in after.destinations.items():
        # Even if the scheduler ignores the order.
        after.destinations[key] = [one._replace(weight=77) for one in reversed(listed)]
    after.timeouts = Timeouts(1, 2, 3)
    restore(after, content(store))
    assert state(after)[:2] == state(kernel)[:2]
    assert after.timeouts == Timeouts(1, 2, 250)


def test_foreign_additions_stay(kernel: MemoryKernel, store: MemoryStore) -> None:
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


def test_a_failing_entry_is_reported_and_the_others_are_restored(
    kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    after = booted(kernel)

    def refuse(step: Step) -> int:
        return errno.EINVAL if isinstance(step, AddService) and step.service.key.fwmark == 7 else 0

    after.refuse = refuse
    assert restore(after, content(store))[1].problems == 1
    assert len(after.services) == 3
    assert after.timeouts == kernel.timeouts
    message = capsys.readouterr().out
    assert "Service fwmark 7 (ipv6) was not restored: Cannot add service fwmark 7 (ipv6): Invalid argument" in message
    assert "Restored 3 of 4 services" in message


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
    message = capsys.readouterr().out
    assert 'Service tcp 192.0.2.1:80: its scheduler "wrr" is missing, since the kernel' in message
    # It is there again: so is all that was.
    assert not restore(after, content(store), fallback="fo")[0]
    assert state(after) == state(kernel)
    assert len([step for step in after.steps if isinstance(step, EditService)]) == 1


@pytest.mark.parametrize("fallback", ["", "wrr"])
def test_a_missing_scheduler_without_a_fallback(
    kernel: MemoryKernel, store: MemoryStore, fallback: str, capsys: pytest.CaptureFixture[str]
) -> None:
    after = booted(kernel)
    mark, journal = restore(after, content(store), fallback=fallback, load=lambda name: name != "ip_vs_wrr")
    assert (mark, journal.problems) == (frozenset(), 1)
    assert len(after.services) == 3
    assert "Run the role lvs.director.ipvs_director. The service was not restored" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "problem", "left"),
    [
        ('"weight": 9', '"weight": -9', WEB + ": destinations[2].weight: -9 is not in", 3),
        ('"weight": 9', '"wieght": 9', WEB + ": destinations[2]: there is no option wieght", 3),
        ('"address": "192.0.2.1"', '"address": "192.0.2"', "services[0] (protocol tcp, address 192.0.2, port 80): address", 3),
        ('"wrr"', "{}", WEB + ": scheduler: {} is not a text", 3),
        ('"protocol": "tcp"', '"protocol": "esp"', "services[0] (protocol esp, address 192.0.2.1, port 80): protocol", 3),
        ('"lower_threshold": 1', '"lower_threshold": 5', WEB + ": destinations[0].lower", 3),
        ('"destinations": [\n', '"destinations": 7, "x": [\n', WEB + ": there is no option x", 3),
        ('"services": [', '"services": [7, ', "services[0]: 7 is not a dictionary of options", 4),
        ('{"udp": 250}', '{"udp": 0}', "timeouts.udp: udp: 0 is not in the range 1 to", 4),
        ('{"udp": 250}', '{"udp": "x"}', "timeouts.udp: '<=' not supported between", 4),
        ('{"udp": 250}', '{"upd": 250}', "timeouts.upd: there is no such timeout: there are tcp, tcp_fin, udp", 4),
        ('{"udp": 250}', "[]", "timeouts: [] is not a dict", 4),
        ('"sync_daemons": []', '"sync_daemons": [{"state": "both"}]', "sync_daemons[0] (state both): state: 'both' is neither", 4),
        ('"sync_daemons": []', '"sync_daemons": [{}]', "sync_daemons[0]: state is missing", 4),
        ('"sync_daemons": []', '"sync_daemons": 7', "sync_daemons: 7 is not a list", 4),
    ],
)
def test_a_bad_entry_is_named_and_the_others_are_restored(
    kernel: MemoryKernel, store: MemoryStore, old: str, new: str, problem: str, left: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store.table
    assert old in store.table
    store.table = store.table.replace(old, new, 1)
    after = booted(kernel)
    assert restore(after, content(store))[1].problems == 1
    assert capsys.readouterr().out.startswith(f"Not restored: {problem}")
    assert len(after.services) == left
    assert after.timeouts == (kernel.timeouts if "udp" not in old else Timeouts(900, 120, 300))


@pytest.mark.parametrize(
    ("text", "reason"), [('{"version": 1, "services": [}', "it is not JSON: Expecting"), ('{"version": 2}', "its version is not")]
)
def test_an_invalid_text_is_refused(text: str, reason: str) -> None:
    with pytest.raises(IpvsError) as refused:
        content_of(text)
    assert str(refused.value).startswith(reason)


def test_every_spelling_of_a_service_has_the_same_name(kernel: MemoryKernel, store: MemoryStore) -> None:
    assert store.table
    before = store.table
    store.table = before.replace("2001:db8::1", "2001:DB8:0::1").replace('"port": 80,\n', '"port": 80, "family": "ipv4",\n', 1)
    after = booted(kernel)
    assert restore(after, content(store))[1].problems == 0
    assert state(after) == state(kernel)
    # The next run finds all of it saved, and writes nothing twice.
    spec: Options = {"scope": None, "purge": False, "exclusive_destinations": None, "zero_counters": False, "strict": True}
    assert not converge(after, desired_from_table_module({**spec, "services": SERVICES}), check_mode=False, store=store).changed
    gone = [{"state": "absent", **{name: one[name] for name in ("protocol", "address", "port")}} for one in SERVICES[:2]]
    assert converge(after, desired_from_table_module({**spec, "services": gone}), check_mode=False, store=store).changed
    assert [one.key.fwmark for one in content(store).services] == [7, 8]
    # Written twice by version 0.1.0: the later one counts.
    earlier = before[before.index('{"protocol": "udp"') : before.index(',\n{"fwmark"')].replace("2001:db8::1", "2001:DB8::1")
    store.table = before.replace('"services": [\n', f'"services": [\n{earlier.replace("sh-port", "flag-3")},\n')
    assert len(content(store).services) == 4
    after = booted(kernel)
    assert restore(after, content(store))[1].problems == 0
    assert state(after) == state(kernel)


def test_restoring_takes_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore compares no service with every other one."""
    spec: Options = {"scope": None, "purge": False, "exclusive_destinations": None, "zero_counters": False, "strict": True}
    store = MemoryStore(to_text(Saved()))
    services = [{"fwmark": mark, "scheduler": "rr"} for mark in range(1, 2001)]
    converge(MemoryKernel(), desired_from_table_module({**spec, "services": services}), check_mode=False, store=store)
    compared = [0]

    def equal(one: ServiceKey, other: object) -> bool:
        compared[0] += 1
        return tuple.__eq__(one, other)  # type: ignore[arg-type]

    monkeypatch.setattr(ServiceKey, "__eq__", equal, raising=False)
    restore(MemoryKernel(), content(store))
    assert compared[0] < 100 * 2000


def network(into: MemoryKernel, saved: Content, vips: FakeVips, patience: float = 0.0) -> Journal:
    journal = Journal(levels=False)
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


def test_only_saved_entries_are_cleared(kernel: MemoryKernel, store: MemoryStore) -> None:
    kernel.interfaces["eth2"] = Interface(1500)
    converge_sync_daemon(kernel, DesiredSyncDaemon("master", {"interface": "eth1", "sync_id": 7}), check_mode=False, store=store)
    converge_sync_daemon(kernel, DesiredSyncDaemon("backup", {"interface": "eth1"}), check_mode=False, store=store)
    saved, text = content(store), store.table
    spec: Options = {"scope": None, "purge": False, "exclusive_destinations": None, "zero_counters": False, "strict": True}
    converge(kernel, desired_from_table_module({**spec, "services": [{"fwmark": 99}]}), check_mode=False)
    converge_sync_daemon(kernel, DesiredSyncDaemon("backup", {"interface": "eth2"}), check_mode=False)
    journal = Journal(levels=False)
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


def refusing(kernel: MemoryKernel, kind: type[Step]) -> MemoryKernel:
    kernel.refuse = lambda step: errno.EBUSY if isinstance(step, kind) else 0
    return kernel


def test_refused_timeouts_are_reported(kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    after = refusing(booted(kernel), SetTimeouts)
    assert restore(after, content(store))[1].problems == 1
    assert len(after.services) == 4
    assert "The timeouts were not restored: Cannot set " in capsys.readouterr().out


def test_a_failed_clear_is_reported(kernel: MemoryKernel, store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    converge_sync_daemon(kernel, DesiredSyncDaemon("master", {"interface": "eth1", "sync_id": 7}), check_mode=False, store=store)
    saved = content(store)
    journal = Journal(levels=False)
    _restore.clear_table(refusing(kernel, DeleteService), saved, journal)
    _restore.clear_network(refusing(kernel, StopSyncDaemon), saved, FakeVips(), journal)
    assert journal.problems == 2
    assert (len(kernel.services), len(kernel.daemons)) == (4, 1)
    message = capsys.readouterr().out
    assert "Not everything that is saved was removed: Cannot delete service" in message
    assert "Sync daemon master was not stopped: Cannot stop" in message
