# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`ipvs-director metrics`: what is in the text, how large it gets, and what there is without a kernel."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationCounters,
    DestinationKey,
    Entry,
    Observed,
    Service,
    ServiceKey,
    Stats,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._options.table import desired_from_table_module
from ansible_collections.lvs.director.plugins.module_utils._persist import quiescent
from ansible_collections.lvs.director.plugins.module_utils._program import (
    machine,
    metrics,
    metrics_schedulers,
    metrics_text,
    resync_state,
    show,
)
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_labels import service_labels
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_table import table_metrics
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_text import Metric, render
from ansible_collections.lvs.director.plugins.module_utils._program.version import VERSION
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Report

from .test_program import SPEC, Director, director, locks_of_both_sides

__all__ = ["director"]

WEB = '{local_address="192.0.2.1",local_port="80",proto="TCP",local_mark="",remote_address="10.0.0.2",remote_port="80"}'
KERNELS = {"running": "6.1.0-40-amd64", "next": "6.1.0-41-amd64"}


@pytest.fixture(autouse=True)
def of_the_machine(director: Director, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(metrics, "MachineStore", lambda: director.store)
    monkeypatch.setattr(quiescent.files, "quiescent_path", lambda: str(tmp_path / "quiescent.json"))
    monkeypatch.setattr(resync_state, "STATE", str(tmp_path / "resync.json"))
    monkeypatch.setattr(metrics_schedulers, "kernels", lambda: KERNELS)
    monkeypatch.setattr(metrics_schedulers, "is_installed_for", lambda *asked: asked != ("ip_vs_wrr", KERNELS["next"]))


def value(text: str, name: str, labels: str = "") -> float:
    (found,) = re.findall(rf"^ipvs_director_{name}{re.escape(labels)} (\S+)$", text, re.MULTILINE)
    return float(found)


def series(text: str, name: str) -> list[str]:
    return re.findall(rf"^ipvs_director_{name}(?:\{{.*)? \S+$", text, re.MULTILINE)


def of(director: Director) -> str:
    assert director.run("metrics") == 0, director.errors
    return director.out


def test_the_format() -> None:
    text = render(
        [
            Metric("a_seconds", 'back\\slash, "quote" and\nline', [({"x": 'a"b\\c\nd', "y": ""}, 1.5), ({}, True)]),
            Metric("without_samples", "Nothing.", []),
        ]
    )
    assert text == (
        '# HELP ipvs_director_a_seconds back\\\\slash, "quote" and\\nline\n'
        "# TYPE ipvs_director_a_seconds gauge\n"
        'ipvs_director_a_seconds{x="a\\"b\\\\c\\nd",y=""} 1.5\n'
        "ipvs_director_a_seconds 1\n"
    )


def test_a_full_server(director: Director) -> None:
    text = of(director)
    assert value(text, "destination_upper_threshold_connections", WEB) == 4
    assert value(text, "destination_lower_threshold_connections", WEB) == 1
    assert (value(text, "destination_full", WEB), value(text, "destination_maybe_full", WEB)) == (0, 0)
    web = next(key for key in director.kernel.services if key.port == 80)
    first = director.kernel.destinations[web][0].key
    for connections, states in (((3, 1), (1, 0)), ((2, 0), (0, 1)), ((0, 0), (0, 0))):
        director.kernel.counters[web, first] = DestinationCounters(*connections)
        text = of(director)
        assert (value(text, "destination_full", WEB), value(text, "destination_maybe_full", WEB)) == states
        assert (value(text, "destinations_full"), value(text, "destinations_maybe_full")) == states
    assert (value(text, "services"), value(text, "destinations"), value(text, "destinations_limited")) == (4, 5, 1)


def test_labels_are_those_of_the_node_exporter(director: Director) -> None:
    """Of its collector `ipvs`, which reads /proc/net/ip_vs."""
    text = of(director)
    assert set(series(text, "service_destinations")) == {
        'ipvs_director_service_destinations{local_address="192.0.2.1",local_port="80",proto="TCP",local_mark=""} 3',
        'ipvs_director_service_destinations{local_address="2001:db8::1",local_port="53",proto="UDP",local_mark=""} 2',
        'ipvs_director_service_destinations{local_address="",local_port="0",proto="FWM",local_mark="00000007"} 0',
        'ipvs_director_service_destinations{local_address="",local_port="0",proto="FWM",local_mark="00000008"} 0',
    }


def test_a_mark_is_written_as_the_kernel_lists_it() -> None:
    assert service_labels(ServiceKey("ipv6", fwmark=0xABC)) == {
        "local_address": "",
        "local_port": "0",
        "proto": "FWM",
        "local_mark": "00000ABC",
    }


def test_a_service_that_nobody_is_left_for(director: Director) -> None:
    name = '{local_address="192.0.2.1",local_port="80",proto="TCP",local_mark=""}'
    text = of(director)
    assert (value(text, "services_unavailable"), value(text, "service_available_destinations", name)) == (0, 2)
    web = next(key for key in director.kernel.services if key.port == 80)
    director.kernel.counters[web, director.kernel.destinations[web][0].key] = DestinationCounters(4, 0)
    director.kernel.destinations[web][2] = director.kernel.destinations[web][2]._replace(weight=0)
    text = of(director)
    assert (value(text, "services_unavailable"), value(text, "service_available_destinations", name)) == (1, 0)


def test_a_drained_destination(director: Director) -> None:
    web = next(key for key in director.kernel.services if key.port == 80)
    last = director.kernel.destinations[web][2]
    quiescent.write(quiescent.Marks().with_mark(web, last.key, quiescent.Mark(9, drained=True)))
    director.kernel.destinations[web][2] = last._replace(weight=0)
    text = of(director)
    assert value(text, "differences") == 0
    labels = WEB.replace("10.0.0.2", "10.0.0.1")
    assert (value(text, "destination_drained", labels), value(text, "destinations_drained")) == (1, 1)
    assert value(text, "destination_drained", WEB) == 0


def test_what_differs_from_what_is_saved(director: Director) -> None:
    text = of(director)
    assert (value(text, "saved"), value(text, "differences"), value(text, "unsaved")) == (1, 0, 0)
    director.kernel.timeouts = Timeouts(900, 120, 30)
    converge(director.kernel, desired_from_table_module({**SPEC, "services": [{"fwmark": 99}]}), check_mode=False)
    text = of(director)
    assert (value(text, "saved"), value(text, "differences"), value(text, "unsaved")) == (1, 1, 1)
    director.store.table = None
    text = of(director)
    assert value(text, "saved") == 0
    assert not series(text, "differences")


def test_no_run_comes_between_the_two_sides_of_the_comparison(director: Director) -> None:
    assert locks_of_both_sides(director, "metrics") == {"kernel": {"shared"}, "saved": {"shared"}}


def test_the_fallback_scheduler(director: Director) -> None:
    assert value(of(director), "services_fallback") == 0
    web = next(key for key in director.kernel.services if key.port == 80)
    director.kernel.services[web] = director.kernel.services[web]._replace(scheduler="fo")
    director.store.fallback = frozenset({str(web)})
    text = of(director)
    assert value(text, "services_fallback") == 1
    labels = '{local_address="192.0.2.1",local_port="80",proto="TCP",local_mark="",scheduler="fo",own="wrr"}'
    assert value(text, "service_fallback_info", labels) == 1


def test_the_modules_of_the_running_and_the_next_kernel(director: Director) -> None:
    """Also that of a service that runs with another scheduler."""
    web = next(key for key in director.kernel.services if key.port == 80)
    director.kernel.services[web] = director.kernel.services[web]._replace(scheduler="fo")
    text = of(director)
    for scheduler, boot, installed in (("wrr", "running", 1), ("wrr", "next", 0), ("fo", "next", 1)):
        labels = f'{{scheduler="{scheduler}",boot="{boot}",kernel="{KERNELS[boot]}"}}'
        assert value(text, "scheduler_installed", labels) == installed
    assert not [line for line in series(text, "scheduler_installed") if "none" in line], "no kernel has such a module"


def test_which_kernel_is_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(metrics_schedulers, "MODULES", str(tmp_path))
    monkeypatch.setattr(metrics_schedulers.os, "uname", lambda: type("Uname", (), {"release": "6.1.0-9-amd64"}))
    assert metrics_schedulers.kernels() == {}, "a container has none"
    for name in ("6.1.0-9-amd64/kernel", "6.1.0-10-amd64/kernel", "6.1.0-8-amd64/kernel", "6.1.0-11-amd64/build"):
        (tmp_path / name).mkdir(parents=True)
    assert metrics_schedulers.kernels() == {"running": "6.1.0-9-amd64", "next": "6.1.0-10-amd64"}


def test_sync_daemons_and_their_rounds(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    desired = DesiredSyncDaemon("backup", {"interface": "eth1", "sync_id": 7})
    converge_sync_daemon(director.kernel, desired, check_mode=False, store=director.store)
    journal = resync_state.Journal()
    journal(Report("10.211.55.2", 40, 3, 2, shared=("192.0.2.1",)))
    journal(Report("10.211.55.2", 50, 0, 0, ours=True))
    monkeypatch.setattr(show.Routing, "is_local", lambda self, address: address == bytes([192, 0, 2, 1]))
    text = of(director)
    assert [value(text, f"sync_daemon_{name}", '{state="backup"}') for name in ("running", "saved")] == [1, 1]
    assert [value(text, f"sync_daemon_{name}", '{state="master"}') for name in ("running", "saved")] == [0, 0]
    assert value(text, "sync_daemon_info", '{state="backup",interface="eth1",sync_id="7"}') == 1
    here, there = (f'{{director="10.211.55.2",missing="{way}"}}' for way in ("here", "there"))
    names = ("told_connections", "missing_connections", "ended_connections", "shared_addresses")
    assert [value(text, f"resync_{name}", here) for name in names] == [40, 3, 2, 1]
    assert [value(text, f"resync_{name}", there) for name in names] == [50, 0, 0, 0]
    assert value(text, "resync_timestamp_seconds", here) > 1.7e9
    assert value(text, "address_local", '{local_address="192.0.2.1"}') == 1
    assert value(text, "address_local", '{local_address="2001:db8::1"}') == 0
    director.kernel.daemons = []
    assert value(of(director), "sync_daemon_running", '{state="backup"}') == 0


def test_when_tasks_last_ran(director: Director) -> None:
    assert not series(of(director), "last_run_timestamp_seconds")
    director.store.runs = {"ipvs_table": 1764370000.7}
    assert value(of(director), "last_run_timestamp_seconds", '{module="ipvs_table"}') == 1764370000


def test_without_a_kernel_it_says_so_and_has_the_rest(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise IpvsUnavailableError("ip_vs is not loaded")

    director.store.runs = {"ipvs_table": 1764370000.7}
    monkeypatch.setattr(machine, "NetlinkKernel", missing)
    assert director.run("metrics") == 1
    assert director.errors == "ipvs-director: ip_vs is not loaded\n"
    success = {part: value(director.out, "read_success", f'{{part="{part}"}}') for part in ("saved", "kernel", "schedulers")}
    assert success == {"saved": 1, "kernel": 0, "schedulers": 1}
    assert value(director.out, "info", f'{{version="{VERSION}"}}') == 1
    assert series(director.out, "last_run_timestamp_seconds")
    assert series(director.out, "scheduler_installed")
    assert not series(director.out, "services")


def test_with_a_damaged_table(director: Director) -> None:
    director.store.table = "{}"
    assert director.run("metrics") == 1
    assert director.errors.startswith("ipvs-director: Cannot read /var/lib/lvs.director/table.json")
    assert value(director.out, "read_success", '{part="saved"}') == 0
    assert value(director.out, "services") == 4
    # Nobody knows.
    assert not [name for name in ("saved", "differences", "services_fallback") if series(director.out, name)]


def test_without_the_names_of_services_with_the_fallback_scheduler(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> None:
        raise IpvsUnavailableError("Cannot read the names")

    monkeypatch.setattr(director.store, "read_fallback", unreadable)
    assert director.run("metrics") == 1
    assert director.errors == "ipvs-director: Cannot read the names\n"
    assert value(director.out, "read_success", '{part="fallback"}') == 0
    assert not series(director.out, "services_fallback")
    assert (value(director.out, "services"), value(director.out, "differences")) == (4, 0)


def test_a_file_is_replaced_and_anybody_may_read_it(director: Director, tmp_path: Path) -> None:
    path = tmp_path / "lvs_director.prom"
    path.write_text("earlier")
    director.run(f"metrics --output {path}")
    assert path.read_text() == of(director)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.glob("*.prom")] == ["lvs_director.prom"]
    assert director.run(f"metrics --output {tmp_path}") == 1
    assert director.errors.startswith(f"ipvs-director: Cannot write the metrics to {tmp_path}: ")


def large(services: int, destinations: int) -> list[Observed]:
    """Every destination has an upper threshold, and none has connections."""
    table = []
    for number in range(services):
        key = ServiceKey("ipv4", "tcp", parse_address(f"10.1.{number >> 8}.{number & 255}"), 80)
        each = tuple(
            Destination(DestinationKey(parse_address(f"10.2.{index >> 8}.{index & 255}"), 80), upper_threshold=4)
            for index in range(destinations)
        )
        table.append(Observed(Entry(Service(key), each), Stats(), {}))
    return table


def text_of(table: list[Observed], limit: int = 1000) -> str:
    return render(table_metrics(table, limit))


def test_ten_thousand_destinations_have_a_bounded_text() -> None:
    table = large(2000, 5)
    text = text_of(table)
    assert text.count("\n") < 10_000
    assert len(text) < 2_000_000
    assert value(text, "destinations") == 10_000
    assert value(text, "destinations_left_out") == 9000
    assert value(text, "services_left_out") == 1000


def test_the_limit_leaves_out_what_needs_no_attention() -> None:
    table = large(1, 100)
    (observed,) = table
    each = list(observed.entry.destinations)
    observed.counters.update({each[99].key: DestinationCounters(4), each[98].key: DestinationCounters(3)})
    each[97:98] = [each[97]._replace(drained=True)]
    each[96:97] = [each[96]._replace(held=True)]
    text = text_of([observed._replace(entry=observed.entry._replace(destinations=tuple(each)))], limit=4)
    assert len(series(text, "destination_full")) == 4
    for name, state in (("10.2.0.99", "full"), ("10.2.0.98", "maybe_full"), ("10.2.0.97", "drained"), ("10.2.0.96", "held")):
        labels = f'{{local_address="10.1.0.0",local_port="80",proto="TCP",local_mark="",remote_address="{name}",remote_port="80"}}'
        assert value(text, f"destination_{state}", labels) == 1
        assert value(text, f"destinations_{state}") == 1
    assert value(text, "destinations_left_out") == 96
    assert value(text, "service_available_destinations", '{local_address="10.1.0.0",local_port="80",proto="TCP",local_mark=""}') == 97


def test_an_unavailable_service_is_not_left_out() -> None:
    table = large(3, 1)
    last = table[2].entry
    table[2].counters[last.destinations[0].key] = DestinationCounters(4)
    text = text_of(table, limit=1)
    (only,) = series(text, "service_available_destinations")
    assert only.endswith('{local_address="10.1.0.2",local_port="80",proto="TCP",local_mark=""} 0')


def test_destinations_without_anything_to_say_have_no_series() -> None:
    (observed,) = large(1, 2)
    entry = observed.entry._replace(destinations=tuple(each._replace(upper_threshold=0) for each in observed.entry.destinations))
    text = text_of([observed._replace(entry=entry)])
    assert not series(text, "destination_full")
    assert (value(text, "destinations"), value(text, "destinations_left_out")) == (2, 0)


def test_names_follow_the_rules_of_prometheus(director: Director) -> None:
    text = of(director)
    names = re.findall(r"^# TYPE (\S+) gauge$", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"ipvs_director_[a-z][a-z_]*[a-z]", name) for name in names)
    # A suffix that means something else.
    assert not [name for name in names if name.endswith(("_total", "_count", "_sum", "_bucket"))]
    assert metrics_text.PREFIX == "ipvs_director_"
