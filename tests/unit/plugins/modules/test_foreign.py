# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules beside entries of other programs for which there are no words: protocol 51, forwarding method 7."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Entry, Service, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, to_text

from contract.memory import MemoryKernel, MemoryStore
from contract.test_contract import put

from .conftest import Run

AH = ServiceKey("ipv4", "51", b"\xc0\0\2\1", 80)
UNKNOWN = ServiceKey("7", "tcp", bytes(15) + b"\1", 80)
TCP = ServiceKey("ipv4", "tcp", b"\xc0\0\2\1", 80)


@pytest.fixture(autouse=True)
def foreign(kernel: MemoryKernel) -> dict[ServiceKey, Entry]:
    real = DestinationKey(b"\x0a\0\0\1", 80)
    entries = [
        Entry(Service(AH, "rr"), (Destination(real, "masquerade"),)),
        Entry(Service(TCP, "rr"), (Destination(real, "7"), Destination(real._replace(port=81), "localnode"))),
        Entry(Service(UNKNOWN, "rr"), ()),
    ]
    for entry in entries:
        put(kernel, entry)
    kernel.steps.clear()
    return {entry.service.key: entry for entry in entries}


def table(kernel: MemoryKernel) -> dict[ServiceKey, Entry]:
    return {one.entry.service.key: one.entry for one in kernel.read_table()}


def test_ipvs_info_shows_the_numbers(run: Run) -> None:
    found = {(one["family"], one["protocol"]): one for one in run("ipvs_info")["services"]}
    assert found.keys() == {("ipv4", "51"), ("ipv4", "tcp"), ("7", "tcp")}
    assert [one["forward_method"] for one in found["ipv4", "tcp"]["destinations"]] == ["7", "localnode"]


def test_a_large_table_skips_foreign_services(run: Run, kernel: MemoryKernel, foreign: dict[ServiceKey, Entry]) -> None:
    services = [{"protocol": "udp", "address": "192.0.2.1", "port": port, "scheduler": "rr"} for port in range(1, 21)]
    scope = [{"addresses": "192.0.2.0/24", "protocol": "udp"}]
    assert run("ipvs_table", services=services, purge=True, scope=scope)["changed"]
    assert not run("ipvs_table", services=services, purge=True, scope=scope)["changed"]
    assert run("ipvs_table", services=[], purge=True, scope=scope)["changed"]
    assert table(kernel) == foreign


def test_a_purge_of_all_protocols_skips_protocol_numbers(
    run: Run, kernel: MemoryKernel, store: MemoryStore, foreign: dict[ServiceKey, Entry]
) -> None:
    store.table = to_text(Saved())
    declared = {"protocol": "51", "address": "192.0.2.1", "port": 80}
    run("ipvs_table", services=[declared], strict=False)
    before = store.table
    assert '"protocol": "51"' in before
    scope = [{"addresses": "192.0.2.0/24"}, {"addresses": "::/0"}]
    result = run("ipvs_table", services=[], purge=True, scope=scope)
    assert [removed["protocol"] for removed in result["removed_services"]] == ["tcp"]
    assert table(kernel) == {key: entry for key, entry in foreign.items() if key != TCP}
    assert store.table == before
    assert not run("ipvs_table", services=[], purge=True, scope=scope)["changed"]
    # A task that lists it deletes it.
    run("ipvs_table", services=[{**declared, "state": "absent"}], purge=True, scope=scope, strict=False)
    assert table(kernel).keys() == {UNKNOWN}
    assert '"protocol": "51"' not in store.table


def test_counters_are_zeroed_beside_foreign_entries(run: Run, kernel: MemoryKernel, foreign: dict[ServiceKey, Entry]) -> None:
    run("ipvs_table", services=[], zero_counters=True)
    assert table(kernel) == foreign


def test_own_entries_are_changed_beside_foreign_ones(run: Run, kernel: MemoryKernel, foreign: dict[ServiceKey, Entry]) -> None:
    service = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
    result = run("ipvs_destination", service=service, address="10.0.0.2", port=80, forward_method="masquerade")
    assert result["changed"]
    assert table(kernel)[TCP].destinations[1:] == foreign[TCP].destinations
    assert run("ipvs_service", **service, scheduler="wrr")["changed"]
    assert table(kernel)[TCP].destinations[1:] == foreign[TCP].destinations
    assert run("ipvs_destination", service=service, address="10.0.0.2", port=80, state="absent")["changed"]
    assert table(kernel) == {**foreign, TCP: foreign[TCP]._replace(service=Service(TCP, "wrr"))}


def test_a_sync_daemon_starts_beside_foreign_entries(run: Run, kernel: MemoryKernel, foreign: dict[ServiceKey, Entry]) -> None:
    assert run("ipvs_sync_daemon", daemon="backup", interface="lo")["changed"]
    assert run("ipvs_sync_daemon", daemon="backup", state="absent")["changed"]
    assert table(kernel) == foreign
