# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three languages say the same table."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import content_of

from bench import tables
from bench.engine import desired_table, restore
from contract.memory import MemoryKernel

Table = list[tuple[str, list[str]]]


def from_services(size: int) -> Table:
    return [
        (f"{one['address']}:{one['port']}", [f"{each['address']}:{each['port']}" for each in one["destinations"]])
        for one in tables.services(size)
    ]


def from_rules(size: int) -> Table:
    found: Table = []
    for line in tables.ipvsadm_rules(size).splitlines():
        if added := re.fullmatch(r"-A -t (\S+) -s rr", line):
            found.append((added[1], []))
        else:
            added = re.fullmatch(r"-a -t (\S+) -r (\S+) -m -w 1", line)
            assert added
            assert added[1] == found[-1][0]
            found[-1][1].append(added[2])
    return found


def from_config(size: int) -> Table:
    found: Table = []
    for kind, address, port in re.findall(r"(virtual|real)_(?:server) (\S+) (\d+)", tables.keepalived_config(size)):
        if kind == "virtual":
            found.append((f"{address}:{port}", []))
        else:
            found[-1][1].append(f"{address}:{port}")
    return found


def from_engine(size: int) -> Table:
    desired = desired_table(tables.services(size))
    return [(f"{one.key}".removeprefix("tcp "), [f"{each.key}" for each in one.destinations or ()]) for one in desired.services]


@pytest.mark.parametrize("size", [1, 9, 10, 11, 1000])
def test_all_tables_are_equal(size: int) -> None:
    table = from_services(size)
    assert sum(len(destinations) for _service, destinations in table) == size
    assert {len(destinations) for _service, destinations in table[:-1]} <= {tables.PER_SERVICE}
    assert from_rules(size) == table
    assert from_config(size) == table
    assert from_engine(size) == table


def test_restored_services_have_a_destination_each() -> None:
    content = content_of(tables.saved(100))
    assert not content.problems
    assert [len(one.destinations or ()) for one in content.services] == [1] * 100
    kernel = MemoryKernel()
    assert restore(kernel, tables.saved(100)) == 0  # type: ignore[arg-type]
    assert {key: len(found) for key, found in kernel.destinations.items()} == {one.key: 1 for one in content.services}
    assert sum(line.startswith("-A ") for line in tables.ipvsadm_rules(100, 1).splitlines()) == 100


def test_the_largest_table_has_no_duplicates() -> None:
    table = from_services(100_000)
    services = [service for service, _destinations in table]
    destinations = [one for _service, destinations in table for one in destinations]
    assert len(set(services)) == len(services) == 10_000
    assert len(set(destinations)) == len(destinations) == 100_000
    assert set(services).isdisjoint(destinations)
    assert all(int(part) < 256 for one in destinations for part in one.split(":")[0].split("."))
