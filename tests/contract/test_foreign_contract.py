# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of other programs that no task can declare: they are read unchanged, and do not disturb other tasks."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable
from ansible_collections.lvs.director.plugins.module_utils._model.scope import ScopePart
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Step,
    ZeroCounters,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry, Service, ServiceKey

from contract.test_contract import KEY, destination, put
from contract.test_settings_contract import kernel_with_interfaces
from contract.test_table_contract import desired, other_key, read

LAN = ScopePart("", b"\xc0\0\2\0", b"\xc0\0\2\xff", "tcp")


def foreign_entries() -> list[Entry]:
    """Services of other protocols, and one with a destination for each method that only the kernel has a name for."""
    protocols = [Entry(Service(KEY._replace(protocol=str(number)), "rr"), (destination(1),)) for number in (0, 1, 51, 255)]
    methods = [destination(number, forward_method=word) for number, word in enumerate(("localnode", "bypass", "5", "6", "7"), 1)]
    tunnel = destination(9, forward_method="tunnel", tunnel_type="9", tunnel_port=7, tunnel_flags=3)
    return [*protocols, Entry(Service(other_key(1), "rr"), (*methods, tunnel))]


@pytest.fixture
def foreign(kernel: IpvsKernel) -> dict[ServiceKey, Entry]:
    for entry in foreign_entries():
        put(kernel, entry)
    return {entry.service.key: entry for entry in foreign_entries()}


def test_foreign_entries_are_read_unchanged(kernel: IpvsKernel, foreign: dict[ServiceKey, Entry]) -> None:
    assert all(key.foreign or any(one.foreign for one in entry.destinations) for key, entry in foreign.items())
    assert read(kernel) == foreign
    assert {one.entry.service.key: one.entry for one in kernel.read_table()} == foreign
    assert {one.entry.service.key: one.entry for one in kernel.read_table(counters=False, only=foreign)} == foreign
    for key, entry in foreign.items():
        observed = kernel.read_service(key)
        assert observed is not None
        assert observed.entry == entry


def test_foreign_entries_can_be_changed(kernel: IpvsKernel, foreign: dict[ServiceKey, Entry]) -> None:
    other, own = KEY._replace(protocol="51"), other_key(1)
    steps: list[Step] = [
        EditService(Service(other, "wrr")),
        EditDestination(own, destination(5, forward_method="7", weight=9)),
        DeleteDestination(own, destination(4).key),
        ZeroCounters(other),
        DeleteService(KEY._replace(protocol="1")),
    ]
    assert kernel.apply(steps) is None
    found = read(kernel)
    assert found[other] == Entry(Service(other, "wrr"), (destination(1),))
    assert destination(5, forward_method="7", weight=9) in found[own].destinations
    assert destination(4).key not in [one.key for one in found[own].destinations]
    assert found.keys() == foreign.keys() - {KEY._replace(protocol="1")}


def test_a_large_table_and_a_purge_skip_foreign_services(kernel: IpvsKernel, foreign: dict[ServiceKey, Entry]) -> None:
    del foreign[other_key(1)]  # its protocol is in the scope
    assert kernel.apply([DeleteService(other_key(1))]) is None
    wanted = {other_key(number): Entry(Service(other_key(number), "rr"), (destination(1), destination(2))) for number in range(10)}
    put(kernel, Entry(Service(KEY, "rr"), (destination(7, forward_method="7"),)))
    task = desired(wanted)._replace(scope=(LAN,), purge=True)
    predicted = converge(kernel, task, check_mode=True)
    assert [str(one.key) for one in predicted.plan.changed_services if one.after is None] == [str(KEY)]
    assert converge(kernel, task, check_mode=False).plan == predicted.plan
    assert read(kernel) == {**foreign, **wanted}
    assert not converge(kernel, task, check_mode=False).changed


def test_a_purge_of_all_protocols_skips_foreign_services(kernel: IpvsKernel, foreign: dict[ServiceKey, Entry]) -> None:
    put(kernel, Entry(Service(KEY, "rr"), (destination(1),)))
    converge(kernel, DesiredTable((), (LAN._replace(protocol=None),), purge=True), check_mode=False)
    assert read(kernel) == {key: entry for key, entry in foreign.items() if key.foreign}


def test_foreign_destinations_of_a_service_stay(kernel: IpvsKernel, foreign: dict[ServiceKey, Entry]) -> None:
    key = other_key(1)
    entry = foreign[key]
    added = destination(8)
    (service,) = desired({key: Entry(entry.service._replace(scheduler="wrr"), (added,))}).services
    converge(kernel, DesiredTable((service._replace(exclusive=False, ordered=False),)), check_mode=False)
    found = read(kernel)
    assert found[key].service.scheduler == "wrr"
    assert set(found[key].destinations) == {*entry.destinations, added}
    assert {one: found[one] for one in foreign if one != key} == {one: foreign[one] for one in foreign if one != key}


def test_counters_are_zeroed_beside_foreign_entries(kernel: IpvsKernel, foreign: dict[ServiceKey, Entry]) -> None:
    converge(kernel, DesiredTable((), zero_all_counters=True), check_mode=False)
    assert read(kernel) == foreign


def test_a_sync_daemon_starts_beside_foreign_entries() -> None:
    kernel = kernel_with_interfaces()
    for entry in foreign_entries():
        put(kernel, entry)
    converge_sync_daemon(kernel, DesiredSyncDaemon("backup", {"interface": "lan"}), check_mode=False)
    assert [one.state for one in kernel.read_sync_daemons()] == ["backup"]
    assert read(kernel) == {entry.service.key: entry for entry in foreign_entries()}
    kernel.close()
