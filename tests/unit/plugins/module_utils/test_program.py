# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs-director, the program on the director: its commands, their output and exit status."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, converge_timeouts
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._boot import icmp, reload_scheduler
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationCounters, DestinationKey, is_full
from ansible_collections.lvs.director.plugins.module_utils._options.table import desired_from_table_module
from ansible_collections.lvs.director.plugins.module_utils._persist import files
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, to_text
from ansible_collections.lvs.director.plugins.module_utils._program import (
    drain,
    machine,
    main,
    network,
    ready,
    resync,
    resync_state,
    show,
    table,
)
from ansible_collections.lvs.director.plugins.module_utils._program.version import VERSION
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Agent, Report

from contract.memory import SCHEDULERS, Interface, MemoryKernel, MemoryStore
from tools.checkout import ROOT

from .test_boot_restore import SERVICES, FakeVips, booted

Options = dict[str, Any]
SPEC: Options = {"scope": None, "purge": False, "exclusive_destinations": None, "zero_counters": False, "strict": True}


class Director:
    """A machine that runs the program; ``out`` and ``errors`` have the output of the last command."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.kernel = MemoryKernel()
        self.kernel.interfaces["eth1"] = Interface(1500)
        self.store = MemoryStore(to_text(Saved()))
        self.vips = FakeVips(("192.0.2.1/32", "eth1"))
        self.missing_modules: set[str] = set()
        self.out = self.errors = ""
        self._capsys = capsys
        for module in (machine, table, show, ready):
            monkeypatch.setattr(module, "MachineStore", lambda: self.store)
        monkeypatch.setattr(machine, "NetlinkKernel", lambda: self.kernel)
        monkeypatch.setattr(machine.kernel_modules, "load", self._load)
        monkeypatch.setattr(network, "vip", self.vips)
        monkeypatch.setattr(main.os, "geteuid", lambda: 0)

    def _load(self, name: str) -> bool:
        return name not in self.missing_modules and name.removeprefix("ip_vs_") in SCHEDULERS

    def run(self, line: str) -> int:
        status = main.main(line.split())
        self.out, self.errors = self._capsys.readouterr()
        return status


@pytest.fixture
def director(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Director:
    made = Director(monkeypatch, capsys)
    converge(made.kernel, desired_from_table_module({**SPEC, "services": SERVICES}), check_mode=False, store=made.store)
    converge_timeouts(made.kernel, {"udp": 250}, check_mode=False, store=made.store)
    return made


def test_restore_and_clear(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "9:9")
    director.kernel = booted(director.kernel)
    assert director.run("restore table") == 0
    assert director.out.startswith("<6>Restored 4 of 4")
    assert director.kernel.timeouts == Timeouts(900, 120, 250)
    assert director.run("restore network --patience 0") == 0
    assert director.vips.there == {"eth1": ["192.0.2.1/32"]}
    assert director.run("clear network") == 0
    assert director.vips.there == {"eth1": []}
    assert director.run("clear table") == 0
    assert not director.kernel.services
    assert director.kernel.timeouts == Timeouts(900, 120, 300)
    assert director.kernel.closed


def test_a_missing_scheduler_and_its_return(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    director.kernel = booted(director.kernel)
    director.missing_modules = {"ip_vs_wrr"}
    assert director.run("restore table --fallback=fo") == 0
    assert director.store.fallback == {"tcp 192.0.2.1:80"}
    assert "Service tcp 192.0.2.1:80" in director.out
    # It may not have the fallback any more, and has it still.
    assert director.run("restore table") == 4
    assert director.store.fallback == {"tcp 192.0.2.1:80"}
    director.missing_modules = set()
    suppressed: list[bool] = []

    @contextlib.contextmanager
    def suppress() -> Iterator[None]:
        suppressed.append(True)
        yield

    monkeypatch.setattr(icmp, "refusals_suppressed", suppress)
    assert director.run("restore table --fallback=fo") == 0
    assert suppressed
    assert director.store.fallback == frozenset()


def test_an_entry_that_cannot_be_restored_shows_in_the_exit_status(director: Director) -> None:
    director.kernel = booted(director.kernel)
    assert director.store.table
    director.store.table = director.store.table.replace('"weight": 9', '"weight": -9')
    assert director.run("restore table") == 4
    assert director.out.startswith("Not restored: services[0] (protocol tcp, address 192.0.2.1, port 80): destinations[2].weight: -9")
    assert "Restored 3 of 4 services" in director.out
    assert len(director.kernel.services) == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "There is nothing to restore: no /var/lib/lvs.director/table.json. Run the role lvs.director.ipvs_director"),
        ("{}", "Cannot read /var/lib/lvs.director/table.json, from which the table is restored at boot: its version is not"),
    ],
)
def test_nothing_to_restore(director: Director, text: str | None, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    director.store.table = text
    for command in ("restore table", "restore network", "clear table", "clear network", "diff"):
        assert director.run(command) == 1
        assert director.errors.startswith(f"ipvs-director: {reason}")
    monkeypatch.setenv("JOURNAL_STREAM", "9:9")
    director.run("restore table")
    assert director.errors.startswith(f"<3>ipvs-director: {reason}")


def test_without_pyroute2_it_names_the_package(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> MemoryKernel:
        raise ImportError("No module named 'pyroute2'")

    monkeypatch.setattr(machine, "NetlinkKernel", missing)
    assert director.run("restore table") == 1
    assert director.errors == "ipvs-director: No module named 'pyroute2'. Install the package python3-pyroute2\n"


def test_a_conflict_has_its_own_exit_status(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    """The role continues if something else uses the module, so it needs to know."""

    def in_use(*_arguments: object) -> None:
        raise IpvsConflictError("it is in use")

    monkeypatch.setattr(reload_scheduler, "reload_scheduler", in_use)
    assert director.run("reload-scheduler --fallback fo") == 3
    assert director.errors == "ipvs-director: it is in use\n"
    assert director.kernel.closed


def test_only_root(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main.os, "geteuid", lambda: 1000)
    for command in main.COMMANDS:
        arguments = {"drain": " 10.0.0.1", "undrain": " 10.0.0.1", "weight": " 10.0.0.1 5"}.get(command.words, "")
        status = director.run(f"{command.words}{arguments}")
        assert (status, director.errors) == (
            (1, "ipvs-director: only root can do this: run it with sudo\n") if command.for_root else (0, "")
        )


@pytest.mark.parametrize("words", ["", "restore", "clear", *(command.words for command in main.COMMANDS)])
def test_help_of_each(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main([*words.split(), "--help"])
    assert ended.value.code == 0
    assert f"usage: ipvs-director {words}".strip() in capsys.readouterr().out


def test_the_version_is_the_collections(director: Director) -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"] == VERSION
    assert director.run("version") == 0
    assert director.out == f"ipvs-director {VERSION}\n"
    director.run("version --json")
    assert json.loads(director.out) == {"version": VERSION}


def test_diff_finds_no_difference(director: Director) -> None:
    assert director.run("diff") == 0
    assert director.out == "The kernel has what is saved.\n"
    director.run("diff --json")
    assert json.loads(director.out) == {"different": False, "differences": []}


def test_diff_names_each_difference(director: Director) -> None:
    converge_sync_daemon(director.kernel, DesiredSyncDaemon("master", {"interface": "eth1"}), check_mode=False)
    converge_sync_daemon(director.kernel, DesiredSyncDaemon("backup", {"interface": "eth1"}), check_mode=False, store=director.store)
    (backup,) = (one for one in director.kernel.daemons if one.state == "backup")
    director.kernel.daemons = [one for one in director.kernel.daemons if one != backup] + [backup._replace(sync_id=9)]
    director.kernel.timeouts = Timeouts(900, 120, 30)
    (web,) = (key for key in director.kernel.services if key.port == 80)
    director.kernel.destinations[web][0] = director.kernel.destinations[web][0]._replace(weight=4)
    (mark,) = (key for key in director.kernel.services if key.fwmark == 8)
    del director.kernel.services[mark]
    converge(director.kernel, desired_from_table_module({**SPEC, "services": [{"fwmark": 99}]}), check_mode=False)
    assert director.run("diff") == 1
    assert director.out == (
        "service tcp 192.0.2.1:80: destination 10.0.0.2:80 has weight 4 instead of 3\n"
        "service fwmark 8 (ipv4): the service is not there\n"
        "service fwmark 99 (ipv4): only in the kernel, not saved\n"
        "timeouts: udp is 30 instead of 250\n"
        "sync daemon master: only in the kernel, not saved\n"
        "sync daemon backup: sync_id is 9 instead of 0\n"
    )
    assert director.run("diff --saved-only --json") == 1
    assert [one["name"] for one in json.loads(director.out)["differences"]] == [
        "service tcp 192.0.2.1:80",
        "service fwmark 8 (ipv4)",
        "timeouts",
        "sync daemon backup",
    ]
    director.kernel.daemons = []
    director.run("diff")
    assert "sync daemon backup: it is not running\n" in director.out


def test_show_names_the_addresses_that_are_here(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    director.run("show")
    assert "Virtual addresses of this director: none\n" in director.out
    monkeypatch.setattr(show.Routing, "is_local", lambda self, address: address == bytes([192, 0, 2, 1]))
    director.run("show")
    assert "Virtual addresses of this director: 192.0.2.1\n" in director.out
    director.run("show --json")
    assert json.loads(director.out)["addresses"] == ["192.0.2.1"]


def test_show_has_the_order_thresholds_and_full_servers(director: Director) -> None:
    (web,) = (key for key in director.kernel.services if key.port == 80)
    first = director.kernel.destinations[web][0].key
    director.kernel.counters[web, first] = DestinationCounters(3, 1)
    assert director.run("show") == 0
    lines = director.out.splitlines()
    assert lines[lines.index("tcp 192.0.2.1:80 scheduler wrr") + 1] == (
        "  -> 10.0.0.2:80 direct weight 3 upper_threshold 4 lower_threshold 1 connections 3+1 FULL"
    )
    assert lines[-1] == "The kernel has what is saved."
    director.run("show --json")
    shown = json.loads(director.out)
    (service,) = (one for one in shown["services"] if one["port"] == 80)
    assert [(one["address"], one["full"]) for one in service["destinations"]] == [
        ("10.0.0.2", True),
        ("10.0.0.3", False),
        ("10.0.0.1", False),
    ]
    assert shown["differences"] == []
    director.store.table = None
    director.run("show")
    assert director.out.endswith("Nothing is restored at boot: this machine has no saved table.\n")


@pytest.mark.parametrize(
    ("upper", "lower", "connections", "full"),
    [
        (0, 0, 9, False),
        (4, 0, 4, True),
        (4, 0, 5, True),
        (4, 0, 3, None),
        (4, 0, 2, False),
        (4, 1, 1, None),
        (4, 1, 0, False),
        (4, 3, 2, False),
    ],
)
def test_full_as_in_the_kernel(upper: int, lower: int, connections: int, full: bool | None) -> None:
    destination = Destination(DestinationKey(bytes(4), 80), upper_threshold=upper, lower_threshold=lower)
    assert is_full(destination, DestinationCounters(0, connections)) is full


class NoGroup:
    """A group without other members."""

    def __init__(self, backup: SyncDaemon, master: SyncDaemon, ports: int) -> None:
        self.daemons = backup, master, ports

    def tell(self, data: bytes) -> None:
        pass

    def receive(self, patience: float) -> None:
        time.sleep(min(patience, 0.05))

    def close(self) -> None:
        pass


@pytest.fixture
def backup(director: Director, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Director:
    desired = DesiredSyncDaemon("backup", {"interface": "eth1", "sync_id": 7})
    converge_sync_daemon(director.kernel, desired, check_mode=False)
    monkeypatch.setattr(resync, "MulticastGroup", NoGroup)
    monkeypatch.setattr(resync.socket, "if_nametoindex", {"eth1": 2}.__getitem__)
    monkeypatch.setattr(resync_state, "STATE", str(tmp_path / "resync.json"))
    return director


def test_a_resync_needs_a_backup_daemon(director: Director) -> None:
    assert director.run("resync --timeout 0.1") == 1
    assert "No backup sync daemon runs on this director" in director.errors


def test_a_resync_needs_the_daemon_s_interface(backup: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> int:
        raise OSError(19, "No such device", name)

    monkeypatch.setattr(resync.socket, "if_nametoindex", gone)
    assert backup.run("resync --timeout 0.1") == 1
    assert "The interface of a sync daemon is gone, eth1 or eth1" in backup.errors


def test_a_resync_that_nobody_answers_says_so(backup: Director) -> None:
    assert backup.run("resync --timeout 0.1") == 1
    assert "No other director has told of its connections within 0.1 seconds." in backup.errors


@pytest.mark.parametrize(("missing", "status"), [(0, 0), (3, 1)])
def test_a_resync_reports(backup: Director, monkeypatch: pytest.MonkeyPatch, missing: int, status: int) -> None:
    monkeypatch.setattr(Agent, "resync", lambda self, timeout: Report("10.211.55.2", 40, missing, 2))
    assert backup.run("resync") == status
    assert backup.out == f"10.211.55.2 told of 40 connections: {missing} missing here, 2 ended as stale\n"
    assert backup.run("resync --json") == status
    assert json.loads(backup.out) == {"source": "10.211.55.2", "told": 40, "missing": missing, "ended": 2, "untold": 0, "shared": []}


class Ended(Exception):
    """The test ends the watch."""


def test_the_watch_begins_anew_when_the_daemons_change(backup: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[float, bool]] = []
    naps: list[float] = []

    def run(self: Agent, interval: float, still: Any) -> None:
        same = still()
        # Stopped, as a task does that changes its options, and started again.
        (daemon,) = backup.kernel.daemons
        backup.kernel.daemons = []
        runs.append((interval, same))
        with pytest.raises(IpvsUnavailableError):
            still()
        if len(runs) == 2:
            raise Ended

        def nap(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 2:
                backup.kernel.daemons = [daemon._replace(sync_id=8)]

        monkeypatch.setattr(resync.time, "sleep", nap)

    monkeypatch.setattr(Agent, "run", run)
    with pytest.raises(Ended):
        backup.run("resync --watch --interval 5")
    out = backup._capsys.readouterr().out.splitlines()
    assert runs == [(5.0, True), (5.0, True)]
    assert out == [
        "In step with the group of eth1, sync ID 7",
        f"{MISSING_DAEMON}. Trying again every 5 seconds",
        "In step with the group of eth1, sync ID 8",
    ]


MISSING_DAEMON = (
    "No backup sync daemon runs on this director, so its kernel takes no connections from others. "
    "Start one with lvs.director.ipvs_sync_daemon"
)


def test_the_journal_has_what_there_is_to_say_and_show_the_last(backup: Director, capsys: pytest.CaptureFixture[str]) -> None:
    journal = resync_state.Journal()
    quiet = Report("10.211.55.2", 40, 0, 0)
    split = quiet._replace(shared=("192.0.2.1",))
    for report in (quiet, quiet, quiet._replace(missing=2), quiet, quiet, split, split, quiet, quiet._replace(ours=True)):
        journal(report)
    assert capsys.readouterr().out.splitlines() == [
        "10.211.55.2 told of 40 connections: 0 missing here, 0 ended as stale",
        "10.211.55.2 told of 40 connections: 2 missing here, 0 ended as stale",
        "10.211.55.2 told of 40 connections: 0 missing here, 0 ended as stale",
        "10.211.55.2 told of 40 connections: 0 missing here, 0 ended as stale. "
        "Both directors have 192.0.2.1: they do not hear each other's VRRP",
        "10.211.55.2 told of 40 connections: 0 missing here, 0 ended as stale",
        "10.211.55.2 lacks 0 of this director's 40 connections, and ended 0 as stale",
    ]
    backup.run("show")
    assert re.search(r"^\d seconds ago: 10.211.55.2 told of 40 connections", backup.out, re.MULTILINE)
    backup.run("show --json")
    assert [each["told"] for each in json.loads(backup.out)["resync"]] == [40, 40]
    Path(resync_state.STATE).write_text("damaged")
    assert backup.run("show") == 0
    assert "seconds ago" not in backup.out


def test_ready_when_the_table_is_restored(director: Director) -> None:
    assert director.run("ready") == 0
    assert director.out == "Ready: the kernel has all 4 saved services.\n"
    # By hand, and no reason to leave the addresses without a director.
    (web,) = (key for key in director.kernel.services if key.port == 80)
    director.kernel.destinations[web][0] = director.kernel.destinations[web][0]._replace(weight=0)
    director.kernel.timeouts = Timeouts(900, 120, 30)
    converge(director.kernel, desired_from_table_module({**SPEC, "services": [{"fwmark": 99}]}), check_mode=False)
    assert director.run("ready --refuse-fallback") == 0


def test_not_ready_without_a_service_or_a_destination(director: Director) -> None:
    (web,) = (key for key in director.kernel.services if key.port == 80)
    del director.kernel.destinations[web][:2]
    (mark,) = (key for key in director.kernel.services if key.fwmark == 8)
    del director.kernel.services[mark]
    assert director.run("ready") == 1
    assert director.out == ""
    assert director.errors == (
        "ipvs-director: This director is not ready for its virtual addresses: service tcp 192.0.2.1:80: its destinations 10.0.0.2:80, "
        "10.0.0.3:80 are missing; service fwmark 8 (ipv4): it is missing. Run the role lvs.director.ipvs_director, or 'ipvs-director "
        "restore table', which says more, and then 'systemctl start keepalived'\n"
    )


def test_not_ready_with_what_cannot_be_restored(director: Director) -> None:
    assert director.store.table
    director.store.table = director.store.table.replace('"weight": 9', '"weight": -9')
    assert director.run("ready") == 1
    assert "saved services[0] (protocol tcp, address 192.0.2.1, port 80): destinations[2].weight: -9" in director.errors
    director.store.table = "{"
    assert director.run("ready") == 1
    assert director.errors.startswith("ipvs-director: Cannot read /var/lib/lvs.director/table.json")


def test_the_fallback_scheduler_is_ready_unless_it_is_refused(director: Director) -> None:
    director.kernel = booted(director.kernel)
    director.missing_modules = {"ip_vs_wrr"}
    director.run("restore table --fallback=fo")
    assert director.run("ready") == 0
    assert director.run("ready --refuse-fallback") == 1
    assert "service tcp 192.0.2.1:80: it has scheduler fo instead of wrr. Run the role" in director.errors


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the program remember the weights of drained destinations in a file of its own."""
    monkeypatch.setattr(files, "quiescent_path", lambda: str(tmp_path / "quiescent.json"))
    monkeypatch.setattr(files, "former_quiescent_path", lambda: str(tmp_path / "drained.json"))
    monkeypatch.setattr(drain, "MachineStore", machine.MachineStore)
    return tmp_path / "quiescent.json"


def weights_of(director: Director, address: str) -> list[int]:
    return [
        destination.weight
        for _key, destinations in sorted(director.kernel.destinations.items(), key=lambda item: item[0].order)
        for destination in destinations
        if str(destination.key).startswith(f"{address}:")
    ]


def test_a_real_server_is_drained_and_brought_back(director: Director, marks: Path) -> None:
    before = weights_of(director, "10.0.0.1")
    saved = director.store.table
    assert any(before)
    assert director.run("drain 10.0.0.1 --timeout 0 --min-available 0") == 0
    assert not any(weights_of(director, "10.0.0.1"))
    assert " drained: 0 connections before\n" in director.out
    assert director.store.table == saved
    assert director.run("show") == 0
    assert " drained" in director.out
    assert "The kernel has what is saved." in director.out
    assert director.run("drain 10.0.0.1 --timeout 0 --min-available 0") == 0
    assert director.run("undrain 10.0.0.1") == 0
    assert weights_of(director, "10.0.0.1") == before
    assert not marks.exists()
    assert director.run("undrain 10.0.0.1") == 0
    assert director.out.startswith("Nothing to do.\n")


def test_a_drain_that_takes_too_long(director: Director, marks: Path) -> None:
    key, destinations = next(
        (key, found) for key, found in sorted(director.kernel.destinations.items(), key=lambda item: item[0].order) if found
    )
    director.kernel.counters[key, destinations[0].key] = DestinationCounters(3, 0)
    address, _colon, port = str(destinations[0].key).rpartition(":")
    words = ["drain", address, "--port", port, "--service", str(key), "--timeout", "1", "--min-available", "0"]
    assert main.main(words) == 4
    assert director.kernel.destinations[key][0].weight == 0


def test_a_real_server_gets_a_weight(director: Director, marks: Path) -> None:
    assert director.run("weight 10.0.0.1 9") == 0
    assert set(weights_of(director, "10.0.0.1")) == {9}
    assert '"weight": 9' in str(director.store.table)
    assert director.run("drain 10.0.0.1 --timeout 0 --min-available 0") == 0
    assert director.run("weight 10.0.0.1 7") == 0
    assert "has weight 0 for now, since it is drained. Weight 7 is the one that it comes back with" in director.out
    assert set(weights_of(director, "10.0.0.1")) == {0}
    assert director.run("undrain 10.0.0.1") == 0
    assert set(weights_of(director, "10.0.0.1")) == {7}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("drain 10.0.0.250", "address: no service of this director has a destination 10.0.0.250"),
        ("undrain server-1", "ADDRESS: 'server-1' is not an IPv4 or IPv6 address"),
        ("weight 10.0.0.1 -1", "WEIGHT: -1 is not a weight"),
        ("drain 10.0.0.1 --service fwmark", "address: there is no service fwmark with a destination 10.0.0.1"),
        ("drain 10.0.0.1 --min-available 99", "and 99 must be left"),
    ],
)
def test_real_servers_that_cannot_be_changed(director: Director, marks: Path, line: str, message: str) -> None:
    steps = len(director.kernel.steps)
    assert director.run(line) != 0
    assert message in director.errors
    assert len(director.kernel.steps) == steps


def locks_of_both_sides(director: Director, line: str) -> dict[str, set[str | None]]:
    """Run the program, and return which locks were held when it read the kernel's table and the saved one."""
    seen: dict[str, set[str | None]] = {"kernel": set(), "saved": set()}

    def seen_locked(side: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def reading(**options: Any) -> Any:
            seen[side].add(director.kernel.locked)
            return read(**options)

        return reading

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(director.kernel, "read_table", seen_locked("kernel", director.kernel.read_table))
        patch.setattr(director.store, "read_table", seen_locked("saved", director.store.read_table))
        director.run(line)
    return seen


@pytest.mark.parametrize("line", ["show", "diff"])
def test_no_run_comes_between_the_two_sides_of_a_comparison(director: Director, line: str) -> None:
    assert locks_of_both_sides(director, line) == {"kernel": {"shared"}, "saved": {"shared"}}
