# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_timeouts and ipvs_sync_daemon, from their arguments to their results."""

from __future__ import annotations

import errno
import importlib
from typing import Any

import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import StartSyncDaemon, StopSyncDaemon

from contract.memory import Interface, MemoryKernel, MemoryStore

from .conftest import Result, Run

MASTER: dict[str, Any] = {"daemon": "master", "interface": "eth1"}
BACKUP: dict[str, Any] = {"daemon": "backup", "interface": "eth1"}
WEB: dict[str, Any] = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}


@pytest.fixture(autouse=True)
def interfaces(kernel: MemoryKernel) -> None:
    kernel.interfaces.update(eth1=Interface(1500), eth2=Interface(9000, ipv6=False), eth3=Interface(1500, up=False))


def headed(name: str, before: Any, after: Any) -> Result:
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def predicted_then_done(run: Run, kernel: MemoryKernel, name: str, arguments: dict[str, Any], returned: str) -> Result:
    """Run a module in check mode and for real, twice: the prediction is right, and the second run changes nothing."""
    predicted = run(name, check=True, **arguments)
    assert predicted == run(name, check=True, **arguments), "check mode changed something"
    done = run(name, **arguments)
    assert done["changed"]
    assert predicted == done
    (changed,) = done["diff"]
    assert changed["before"] != changed["after"]
    steps = len(kernel.steps)
    for check in (True, False):
        again = run(name, check=check, **arguments)
        assert not again["changed"]
        assert again["diff"] == []
        assert again[returned] == done[returned]
    assert len(kernel.steps) == steps
    assert run("ipvs_info")[returned] == done[returned]
    return done


@pytest.mark.parametrize(
    ("arguments", "after"),
    [
        ({"tcp": 7200}, {"tcp": 7200, "tcp_fin": 120, "udp": 300}),
        ({"tcp_fin": 30}, {"tcp": 900, "tcp_fin": 30, "udp": 300}),
        ({"udp": 1}, {"tcp": 900, "tcp_fin": 120, "udp": 1}),
        ({"tcp": 2678400, "tcp_fin": 120, "udp": 10}, {"tcp": 2678400, "tcp_fin": 120, "udp": 10}),
    ],
)
def test_timeouts(run: Run, kernel: MemoryKernel, arguments: dict[str, int], after: dict[str, int]) -> None:
    result = predicted_then_done(run, kernel, "ipvs_timeouts", arguments, "timeouts")
    assert result["diff"] == [headed("timeouts", {"tcp": 900, "tcp_fin": 120, "udp": 300}, after)]
    assert result["timeouts"] == after


def test_only_what_changes_is_sent(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_timeouts", tcp=900, tcp_fin=30, udp=300)
    (step,) = kernel.steps
    assert step == (Timeouts(0, 30, 0),)
    assert str(step) == "set timeout tcp_fin to 30 seconds"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "one of the following is required: tcp, tcp_fin, udp"),
        ({"tcp": 0}, "tcp: 0 is not in the range 1 to 2678400 seconds"),
        ({"tcp_fin": 2678401}, "tcp_fin: 2678401 is not in the range 1 to 2678400 seconds"),
        ({"tcp": 60, "udp": -1}, "udp: -1 is not in the range 1 to 2678400 seconds"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_impossible_timeouts(run: Run, kernel: MemoryKernel, arguments: dict[str, int], message: str, check: bool) -> None:
    result = run("ipvs_timeouts", check=check, **arguments)
    assert result["failed"]
    assert result["msg"] == message
    assert not kernel.steps


def test_timeouts_that_the_kernel_refuses(run: Run, kernel: MemoryKernel) -> None:
    kernel.refuse = lambda step: errno.EINVAL
    result = run("ipvs_timeouts", tcp=60, udp=10)
    assert result["msg"] == "Cannot set timeout tcp to 60 seconds, timeout udp to 10 seconds: Invalid argument (EINVAL)"


def test_timeouts_set_by_another_program(run: Run, kernel: MemoryKernel) -> None:
    kernel.meanwhile = lambda step: setattr(kernel, "timeouts", Timeouts(5, 5, 5))
    result = run("ipvs_timeouts", tcp=60)
    assert result["failed"]
    assert "tcp is 5 instead of 60; tcp_fin is 5 instead of 120; udp is 5 instead of 300. Something else" in result["msg"]


DEFAULTS = {"sync_id": 0, "maximum_length": 1472, "group": "224.0.0.81", "port": 8848, "ttl": 1}


@pytest.mark.parametrize(
    ("arguments", "after"),
    [
        (MASTER, {"interface": "eth1", **DEFAULTS}),
        (BACKUP, {"interface": "eth1", **DEFAULTS}),
        ({**MASTER, "interface": "eth2"}, {"interface": "eth2", **DEFAULTS}),
        ({**BACKUP, "interface": "eth2"}, {"interface": "eth2", **DEFAULTS, "maximum_length": 8972}),
        ({**BACKUP, "interface": "eth3"}, {"interface": "eth3", **DEFAULTS}),
        ({**MASTER, "group": "FF02:0:0::81"}, {"interface": "eth1", **DEFAULTS, "group": "ff02::81", "maximum_length": 1452}),
        (
            {**MASTER, "sync_id": 255, "maximum_length": 65507, "group": "239.1.2.3", "port": 65535, "ttl": 255},
            {"interface": "eth1", "sync_id": 255, "maximum_length": 65507, "group": "239.1.2.3", "port": 65535, "ttl": 255},
        ),
        ({**MASTER, "sync_id": 0, "maximum_length": 1, "port": 1}, {"interface": "eth1", **DEFAULTS, "maximum_length": 1, "port": 1}),
    ],
)
def test_a_new_daemon(run: Run, kernel: MemoryKernel, arguments: dict[str, Any], after: dict[str, Any]) -> None:
    result = predicted_then_done(run, kernel, "ipvs_sync_daemon", arguments, "sync_daemons")
    assert result["sync_daemons"] == [{"state": arguments["daemon"], **after}]
    assert result["diff"] == [headed(f"sync daemon {arguments['daemon']}", {}, result["sync_daemons"][0])]


@pytest.mark.parametrize(
    "change",
    [
        {"interface": "eth2"},
        {"sync_id": 8},
        {"maximum_length": 1200},
        {"group": "ff02::82"},
        {"port": 9000},
        {"ttl": 9},
    ],
)
def test_a_changed_option_restarts_and_the_others_stay(run: Run, kernel: MemoryKernel, change: dict[str, Any]) -> None:
    first = {**MASTER, "sync_id": 7, "maximum_length": 1300, "group": "239.1.2.3", "port": 8849, "ttl": 3}
    before = run("ipvs_sync_daemon", **first)["sync_daemons"][0]
    kernel.interfaces["eth2"] = kernel.interfaces["eth2"]._replace(ipv6=True)
    result = predicted_then_done(run, kernel, "ipvs_sync_daemon", {**MASTER, **change}, "sync_daemons")
    assert result["diff"] == [headed("sync daemon master", before, {**before, **change})]
    assert result["sync_daemons"] == [{**before, **change}]
    assert [type(step) for step in kernel.steps] == [StartSyncDaemon, StopSyncDaemon, StartSyncDaemon]


def test_master_and_backup_are_independent(run: Run, kernel: MemoryKernel) -> None:
    backup = run("ipvs_sync_daemon", **BACKUP, sync_id=7)["sync_daemons"]
    both = predicted_then_done(run, kernel, "ipvs_sync_daemon", {**MASTER, "sync_id": 8}, "sync_daemons")["sync_daemons"]
    assert [one["state"] for one in both] == ["master", "backup"]
    assert both[1:] == backup
    gone = predicted_then_done(run, kernel, "ipvs_sync_daemon", {"daemon": "master", "state": "absent"}, "sync_daemons")
    assert gone["sync_daemons"] == backup
    assert gone["diff"] == [headed("sync daemon master", both[0], {})]
    assert not run("ipvs_sync_daemon", **MASTER, state="absent")["changed"]


def test_a_running_daemon_needs_no_interface(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_sync_daemon", **MASTER)
    del kernel.interfaces["eth1"]
    assert not run("ipvs_sync_daemon", **MASTER)["changed"]
    assert run("ipvs_sync_daemon", **MASTER, ttl=2)["msg"] == "interface: there is no interface eth1"


def test_the_table_is_read_only_if_needed(run: Run, kernel: MemoryKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_table() -> None:
        pytest.fail("a large table takes its time")

    run("ipvs_sync_daemon", **BACKUP)
    monkeypatch.setattr(kernel, "read_table", read_table)
    assert not run("ipvs_sync_daemon", **BACKUP)["changed"]
    assert run("ipvs_sync_daemon", **MASTER)["changed"]
    assert run("ipvs_sync_daemon", **MASTER, state="absent")["changed"]


NO_NAME = "is not the name of an interface: 1 to 15 characters without blanks, / and :"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"daemon": "master"}, "state is present but all of the following are missing: interface"),
        ({"interface": "eth1"}, "daemon: is missing"),
        ({**MASTER, "daemon": "both"}, "daemon: 'both' is none of master, backup"),
        ({**MASTER, "interface": "averylonginterface"}, f"interface: 'averylonginterface' {NO_NAME}"),
        ({**MASTER, "interface": ""}, f"interface: '' {NO_NAME}"),
        ({**MASTER, "interface": "eth1:0"}, f"interface: 'eth1:0' {NO_NAME}"),
        ({**MASTER, "interface": "eth 1"}, f"interface: 'eth 1' {NO_NAME}"),
        ({**MASTER, "interface": "\xf6"}, f"interface: '\xf6' {NO_NAME}"),
        ({**MASTER, "interface": "eth9"}, "interface: there is no interface eth9"),
        ({**BACKUP, "interface": "eth9"}, "interface: there is no interface eth9"),
        (
            {**MASTER, "interface": "eth3"},
            "Cannot start sync daemon master on eth3: there is no way to the group through interface eth3: it is down, or does "
            "not do the group's protocol (ENETUNREACH)",
        ),
        (
            {**MASTER, "interface": "eth2", "group": "ff02::81"},
            "Cannot start sync daemon master on eth2: there is no way to the group through interface eth2: it is down, or does "
            "not do the group's protocol (ENETUNREACH)",
        ),
        ({**MASTER, "sync_id": 256}, "sync_id: 256 is not in the range 0 to 255"),
        ({**MASTER, "sync_id": -1}, "sync_id: -1 is not in the range 0 to 255"),
        ({**MASTER, "maximum_length": 0}, "maximum_length: 0 is not in the range 1 to 65507"),
        ({**MASTER, "maximum_length": 65508}, "maximum_length: 65508 is not in the range 1 to 65507"),
        (
            {**MASTER, "maximum_length": 65488, "group": "ff02::81"},
            "maximum_length: 65488 is not in the range 1 to 65487 bytes that the kernel gives a master with an IPv6 group",
        ),
        (
            {**BACKUP, "maximum_length": 1023},
            "maximum_length: 1023 is not in the range 1024 to 65507 bytes that the kernel gives a backup with an IPv4 group",
        ),
        ({**MASTER, "group": "10.0.0.1"}, "group: 10.0.0.1 is not a multicast address: those are in 224.0.0.0/4 and ff00::/8"),
        ({**MASTER, "group": "240.0.0.1"}, "group: 240.0.0.1 is not a multicast address: those are in 224.0.0.0/4 and ff00::/8"),
        ({**MASTER, "group": "fe80::1"}, "group: fe80::1 is not a multicast address: those are in 224.0.0.0/4 and ff00::/8"),
        ({**MASTER, "group": "all"}, "group: 'all' is not an IPv4 or IPv6 address"),
        ({**MASTER, "port": 0}, "port: 0 is not in the range 1 to 65535"),
        ({**MASTER, "port": 65536}, "port: 65536 is not in the range 1 to 65535"),
        ({**MASTER, "ttl": 0}, "ttl: 0 is not in the range 1 to 255"),
        ({**MASTER, "ttl": 256}, "ttl: 256 is not in the range 1 to 255"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("running", [True, False])
def test_impossible_daemons(run: Run, kernel: MemoryKernel, arguments: dict[str, Any], message: str, check: bool, running: bool) -> None:
    if running:
        run("ipvs_sync_daemon", **BACKUP, sync_id=1)
        run("ipvs_sync_daemon", **MASTER, sync_id=1)
    before = kernel.read_sync_daemons()
    kernel.steps.clear()
    result = run("ipvs_sync_daemon", check=check, **arguments)
    assert result["failed"]
    assert result["msg"] == message
    assert not kernel.steps
    assert kernel.read_sync_daemons() == before


@pytest.mark.parametrize("check", [True, False])
def test_a_destination_of_another_family(run: Run, kernel: MemoryKernel, check: bool) -> None:
    run("ipvs_service", **WEB, destinations=[{"address": "2001:db8::9", "forward_method": "tunnel"}])
    kernel.steps.clear()
    assert run("ipvs_sync_daemon", **MASTER, check=check)["msg"] == (
        "Cannot start sync daemon master on eth1: destination [2001:db8::9]:80 of service tcp 192.0.2.1:80 is not of its "
        "service's family, which the kernel does not allow while a sync daemon runs"
    )
    assert not kernel.steps


def refuse_first_start(kernel: MemoryKernel, number: int) -> None:
    refused: list[object] = []

    def refuse(step: object) -> int:
        if isinstance(step, StartSyncDaemon) and not refused:
            refused.append(step)
            return number
        return 0

    kernel.refuse = refuse


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENODEV, "interface eth2 does not exist, or does not do the group's protocol (ENODEV)"),
        (
            errno.ENETUNREACH,
            "there is no way to the group through interface eth2: it is down, or does not do the group's protocol (ENETUNREACH)",
        ),
        (errno.EADDRNOTAVAIL, "interface eth2 has no address to send from (EADDRNOTAVAIL)"),
        (errno.EAFNOSUPPORT, "the kernel does not do the group's protocol (EAFNOSUPPORT)"),
        (
            errno.EINVAL,
            "the kernel calls it invalid: interface eth2 does not do the group's protocol, or a destination is of another "
            "family than its service (EINVAL)",
        ),
        (errno.EADDRINUSE, "port 8848 is in use (EADDRINUSE)"),
        (errno.ENOMEM, "Cannot allocate memory (ENOMEM)"),
    ],
)
def test_a_refused_change_leaves_the_daemon_unchanged(run: Run, kernel: MemoryKernel, number: int, reason: str) -> None:
    run("ipvs_sync_daemon", **MASTER, sync_id=7)
    before = kernel.read_sync_daemons()
    refuse_first_start(kernel, number)
    result = run("ipvs_sync_daemon", **{**MASTER, "interface": "eth2"})
    assert result["failed"]
    assert result["msg"] == f"Cannot start sync daemon master on eth2: {reason}. The daemon that ran before was started again"
    assert kernel.read_sync_daemons() == before


def test_a_refused_start_changes_nothing(run: Run, kernel: MemoryKernel) -> None:
    refuse_first_start(kernel, errno.ENOMEM)
    result = run("ipvs_sync_daemon", **MASTER)
    assert result["msg"] == "Cannot start sync daemon master on eth1: Cannot allocate memory (ENOMEM). Nothing was changed"
    assert kernel.read_sync_daemons() == []


def test_a_failed_undo_is_reported(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_sync_daemon", **MASTER)
    kernel.refuse = lambda step: errno.ENOMEM if isinstance(step, StartSyncDaemon) else 0
    result = run("ipvs_sync_daemon", **MASTER, ttl=2)
    assert result["msg"] == (
        "Cannot start sync daemon master on eth1: Cannot allocate memory (ENOMEM). The earlier changes could not "
        "be undone: Cannot start sync daemon master on eth1: Cannot allocate memory (ENOMEM)"
    )


OTHER = SyncDaemon("master", "eth1", 99, 1472, b"\xe0\0\0\x51", 8848, 1)


def test_a_foreign_daemon_is_left_alone(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_sync_daemon", **MASTER)

    def meanwhile(step: object) -> None:
        if isinstance(step, StopSyncDaemon):
            kernel.daemons = [OTHER]

    kernel.meanwhile = meanwhile
    result = run("ipvs_sync_daemon", **MASTER, ttl=2)
    assert result["msg"] == (
        "Cannot start sync daemon master on eth1: one is already running (EEXIST). Something else starts and stops sync "
        "daemons; run the task again. The daemon that ran before was stopped"
    )
    assert kernel.daemons == [OTHER]


def test_a_daemon_stopped_by_another_program(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_sync_daemon", **MASTER)
    kernel.refuse = lambda step: errno.ESRCH if isinstance(step, StopSyncDaemon) else 0
    result = run("ipvs_sync_daemon", **MASTER, state="absent")
    assert result["msg"] == (
        "Cannot stop sync daemon master: it is no longer running (ESRCH). Something else starts and stops sync daemons; run "
        "the task again. Nothing was changed"
    )


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        ([], "none is running"),
        ([OTHER._replace(sync_id=0, ttl=9)], "ttl is 9 instead of 1"),
    ],
)
def test_a_started_daemon_is_verified(run: Run, kernel: MemoryKernel, found: list[SyncDaemon], difference: str) -> None:
    kernel.meanwhile = lambda step: setattr(kernel, "daemons", found)
    result = run("ipvs_sync_daemon", **MASTER)
    assert result["failed"]
    assert f"the running daemon differs from the request: {difference}. Something else" in result["msg"]


def test_a_daemon_that_does_not_stop(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_sync_daemon", **MASTER)
    kernel.meanwhile = lambda step: setattr(kernel, "daemons", [OTHER])
    result = run("ipvs_sync_daemon", **MASTER, state="absent")
    assert "accepted to stop sync daemon master, but the running daemon differs from the request: one is running." in result["msg"]


@pytest.mark.parametrize(("name", "arguments"), [("ipvs_timeouts", {"udp": 10}), ("ipvs_sync_daemon", MASTER)])
def test_not_root(run: Run, kernel: MemoryKernel, name: str, arguments: dict[str, Any]) -> None:
    kernel.refuse = lambda step: errno.EPERM
    result = run(name, **arguments)
    assert "run the task as root (become: true)" in result["msg"]
    assert kernel.closed


@pytest.mark.parametrize(
    ("name", "arguments", "key"),
    [("ipvs_timeouts", {"udp": 10}, "timeouts"), ("ipvs_sync_daemon", MASTER, "sync_daemons")],
)
def test_documented_values_are_returned(run: Run, name: str, arguments: dict[str, Any], key: str) -> None:
    module = importlib.import_module(f"ansible_collections.lvs.director.plugins.modules.{name}")
    documented = yaml.safe_load(module.RETURN)
    result = run(name, **arguments)
    assert set(documented) == set(result) - {"changed", "diff", "invocation"} == {key}
    found = result[key] if name == "ipvs_timeouts" else result[key][0]
    assert list(documented[key]["contains"]) == list(found)
    info = importlib.import_module("ansible_collections.lvs.director.plugins.modules.ipvs_info")
    assert set(yaml.safe_load(info.RETURN)[key]["contains"]) == set(found)


@pytest.mark.parametrize("daemon", ["master", "backup"])
@pytest.mark.parametrize("remembered", [True, False])
def test_a_daemon_on_a_recreated_interface_is_restarted(
    run: Run, kernel: MemoryKernel, store: MemoryStore, daemon: str, remembered: bool
) -> None:
    """The kernel keeps listing it, but a backup receives nothing and a master sends nothing."""
    kernel.interfaces["eth1"] = Interface(1500, ifindex=3)
    run("ipvs_sync_daemon", daemon=daemon, interface="eth1")
    assert store.indexes == {daemon: 3}
    if not remembered:
        store.indexes.clear()
    assert not run("ipvs_sync_daemon", daemon=daemon, interface="eth1")["changed"]
    assert store.indexes == {daemon: 3}
    kernel.interfaces["eth1"] = Interface(1500, ifindex=9)
    kernel.steps.clear()
    predicted = run("ipvs_sync_daemon", daemon=daemon, interface="eth1", check=True)
    assert predicted["changed"]
    assert not kernel.steps
    assert store.indexes == {daemon: 3}
    done = run("ipvs_sync_daemon", daemon=daemon, interface="eth1")
    assert done["changed"]
    assert [type(step).__name__ for step in kernel.steps] == ["StopSyncDaemon", "StartSyncDaemon"]
    assert kernel.joined == {daemon: 9}
    assert not run("ipvs_sync_daemon", daemon=daemon, interface="eth1")["changed"]
    run("ipvs_sync_daemon", daemon=daemon, state="absent")
    assert store.indexes == {daemon: None}


def test_a_deaf_backup_without_a_record_is_restarted(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    kernel.interfaces["eth1"] = Interface(1500, ifindex=3)
    run("ipvs_sync_daemon", daemon="backup", interface="eth1")
    store.indexes.clear()
    kernel.interfaces["eth1"] = Interface(1500, ifindex=9)
    assert run("ipvs_sync_daemon", daemon="backup", interface="eth1")["changed"]
    assert not run("ipvs_sync_daemon", daemon="backup", interface="eth1")["changed"]
