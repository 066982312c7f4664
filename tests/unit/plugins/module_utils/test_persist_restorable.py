# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is saved can be restored: random tables, and foreign entries that a task adopts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._boot.journal import Journal
from ansible_collections.lvs.director.plugins.module_utils._boot.restore import restore_table
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError, IpvsRejectedError
from ansible_collections.lvs.director.plugins.module_utils._model.results import configuration
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Entry, Service, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._options.table import desired_from_table_module
from ansible_collections.lvs.director.plugins.module_utils._persist import restorable
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, from_text, to_text
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import Checks, content_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.memory import MemoryKernel, MemoryStore
from contract.strategies import tables

Options = dict[str, Any]
WEB = ServiceKey("ipv4", "tcp", bytes([192, 0, 2, 1]), 80)
ONE = Destination(DestinationKey(bytes([10, 0, 0, 1]), 80))
TWO = Destination(DestinationKey(bytes([10, 0, 0, 2]), 80))


def task(*services: Options, strict: bool = True) -> Any:
    spec: Options = {"scope": None, "purge": False, "exclusive_destinations": None, "zero_counters": False, "strict": strict}
    return desired_from_table_module({**spec, "services": list(services)})


def put(kernel: MemoryKernel, *entries: Entry) -> None:
    """Add foreign entries to the kernel."""
    for entry in entries:
        kernel.services[entry.service.key] = entry.service
        kernel.destinations[entry.service.key] = list(entry.destinations)


def named(entry: Entry) -> Options:
    values = configuration(entry)
    return {name: values[name] for name in ("protocol", "address", "port", "fwmark", "family") if values[name] is not None}


def restored(store: MemoryStore) -> dict[ServiceKey, list[Destination]]:
    assert store.table
    kernel, journal = MemoryKernel(), Journal(levels=False)
    restore_table(kernel, content_of(store.table), journal, load=lambda _name: True, fallback="")
    assert journal.problems == 0
    return kernel.destinations


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.data())
def test_random_tables(table: list[Entry], data: st.DataObject) -> None:
    """Also with destinations that are odd: direct with another port, to this machine itself, without a word for their method."""
    odd = []
    for entry in table:
        changed = [
            one._replace(forward_method=data.draw(st.sampled_from([one.forward_method, "localnode", "7", "direct"]), label="method"))
            if len(one.key.address) == (4 if entry.service.key.family == "ipv4" else 16) and one.forward_method == "direct"
            else one
            for one in entry.destinations
        ]
        odd.append(entry._replace(destinations=tuple(changed)))
    kernel, store = MemoryKernel(), MemoryStore(to_text(Saved()))
    put(kernel, *odd)
    outcome = converge(kernel, task(*map(named, odd), strict=False), check_mode=False, store=store)
    assert not outcome.plan.changed
    found = restored(store)
    assert found == {entry.service.key: list(entry.destinations) for entry in odd}
    assert not converge(kernel, task(*map(named, odd), strict=False), check_mode=False, store=store).changed


def test_a_change_that_cannot_be_restored_is_refused_at_once() -> None:
    """As for a new destination."""
    kernel, store = MemoryKernel(), MemoryStore(to_text(Saved()))
    here = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
    other = {"address": "10.0.0.9", "port": 8080}
    converge(kernel, task({**here, "destinations": [{**other, "forward_method": "masquerade"}]}), check_mode=False, store=store)
    before = store.table
    with pytest.raises(IpvsInputError, match="8080 differs from the service's port 80"):
        converge(kernel, task({**here, "destinations": [{**other, "forward_method": "direct"}]}), check_mode=False, store=store)
    assert store.table == before


def test_a_foreign_service_of_all_ports_without_persistence_is_not_adopted() -> None:
    kernel, store = MemoryKernel(), MemoryStore(to_text(Saved()))
    put(kernel, Entry(Service(WEB._replace(port=0), "rr"), (ONE._replace(key=ONE.key._replace(port=0)),)))
    here = {"protocol": "tcp", "address": "192.0.2.1", "port": 0}
    with pytest.raises(IpvsInputError, match="0 stands for all ports and needs a persistent service"):
        converge(kernel, task(here), check_mode=False, store=store)
    converge(kernel, task(here, strict=False), check_mode=False, store=store)
    assert [key.port for key in restored(store)] == [0]


@pytest.fixture
def picky(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore that refuses weight 77, like an unknown value of a future kernel."""
    whole = restorable._problem

    def problem(entry: Entry) -> str:
        return "no 77" if any(one.weight == 77 for one in entry.destinations) else whole(entry)

    monkeypatch.setattr(restorable, "_problem", problem)


@pytest.mark.usefixtures("picky")
def test_foreign_destinations_do_not_prevent_saving() -> None:
    kernel, store = MemoryKernel(), MemoryStore(to_text(Saved()))
    put(kernel, Entry(Service(WEB, "rr"), (ONE._replace(weight=77), TWO)))
    here = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
    converge(kernel, task(here), check_mode=False, store=store)
    assert restored(store) == {WEB: [TWO]}
    assert not converge(kernel, task(here), check_mode=False, store=store).changed
    with pytest.raises(
        IpvsRejectedError, match=r"Cannot save destination 10.0.0.1:80 of service tcp 192.0.2.1:80: it would not be restored"
    ):
        converge(kernel, task({**here, "destinations": [{"address": "10.0.0.1", "upper_threshold": 3}]}), check_mode=False, store=store)
    assert kernel.destinations[WEB][0].upper_threshold == 0


def test_equal_entries_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand destinations that differ only in their names take one check."""
    checked: list[Entry] = []
    whole = restorable._problem

    def problem(entry: Entry) -> str:
        checked.append(entry)
        return whole(entry)

    monkeypatch.setattr(restorable, "_problem", problem)
    checks = Checks()
    for mark in range(1, 100):
        listed = tuple(Destination(DestinationKey(bytes([10, 0, mark, last]), 80)) for last in range(1, 100))
        entry = Entry(Service(ServiceKey("ipv4", fwmark=mark), "rr"), listed)
        assert checks.restorable(entry, ()) is entry
    assert len(checked) == 2


def test_two_spellings_of_a_name_are_one_service() -> None:
    line = '{"protocol": "tcp", "address": "2001:DB8:0::1", "port": 80,\n "scheduler": "rr", "destinations": []}'
    text = to_text(Saved({"a": line, "b": line.replace("2001:DB8:0::1", "2001:db8::1").replace("rr", "wrr")}))
    assert list(from_text(text).services) == ['{"protocol": "tcp", "address": "2001:db8::1", "port": 80']
    assert [one.given["scheduler"] for one in content_of(text).services] == ["wrr"]
