# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``strict: false``: entries of the kernel can be declared unchanged, with a warning if they do not work as they look; and are restored."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.filter import from_ipvsadm_rules as reading
from ansible_collections.lvs.director.plugins.filter import ipvsadm_rules as writing
from ansible_collections.lvs.director.plugins.filter.from_ipvsadm_rules import from_ipvsadm_rules
from ansible_collections.lvs.director.plugins.filter.ipvsadm_rules import ipvsadm_rules
from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Entry, Service, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import content_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.memory import MemoryKernel, MemoryStore
from contract.strategies import destinations, service_keys, services
from contract.test_contract import put

from .conftest import Run

WEB: dict[str, Any] = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
KEY = ServiceKey("ipv4", "tcp", b"\xc0\0\2\1", 80)
REAL = DestinationKey(b"\x0a\0\0\1", 80)

ODD: list[tuple[Entry, str]] = [
    (Entry(Service(KEY), (Destination(REAL._replace(port=81)),)), "destinations[0].port: 81 differs from the service's port 80"),
    (Entry(Service(KEY), (Destination(REAL._replace(port=81), "tunnel"),)), "destinations[0].port: 81 differs"),
    (Entry(Service(KEY), (Destination(REAL._replace(port=81), "localnode"),)), "destinations[0].port: 81 differs"),
    (Entry(Service(KEY._replace(port=0))), "port: 0 stands for all ports"),
    (Entry(Service(KEY, one_packet=True)), "one_packet: one-packet scheduling is only for UDP"),
    (
        Entry(Service(KEY, persistence_timeout=2678401, persistence_netmask="255.255.255.255")),
        "persistence_timeout: 2678401 is not in the range 0 to 2678400 seconds",
    ),
    (
        Entry(Service(KEY), (Destination(REAL, "tunnel", tunnel_type="gue", tunnel_port=6080, tunnel_flags=3),)),
        "destinations[0].tunnel_flags: csum and remcsum exclude each other",
    ),
    (Entry(Service(KEY._replace(protocol="51"))), "protocol: "),
    (Entry(Service(KEY._replace(protocol="0"))), "protocol: "),
    (Entry(Service(KEY), (Destination(REAL, "7"),)), "destinations[0].forward_method: "),
    (Entry(Service(KEY), (Destination(REAL, "bypass"),)), "destinations[0].forward_method: "),
    (Entry(Service(KEY), (Destination(REAL, "tunnel", tunnel_type="9", tunnel_port=7),)), "destinations[0].tunnel_type: "),
]
NUMBERED = ("protocol: ", "destinations[0].forward_method: ", "destinations[0].tunnel_type: ")


def read(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("ipvs_info")["services"]
    for service in found:
        for one in (service, *service["destinations"]):
            for counter in ("stats", *writing.COUNTERS):
                one.pop(counter, None)
    return found


def unnamed(text: str) -> str:
    """Return a message without the names of the service and the destination in its path."""
    return re.sub(r"\] \([^)]*\)", "]", text)


def table(kernel: MemoryKernel) -> dict[ServiceKey, Entry]:
    return {one.entry.service.key: one.entry for one in kernel.read_table()}


@pytest.mark.parametrize(("entry", "problem"), ODD)
def test_entries_of_the_kernel(run: Run, kernel: MemoryKernel, store: MemoryStore, entry: Entry, problem: str) -> None:
    put(kernel, entry)
    kernel.steps.clear()
    before = table(kernel)
    services = read(run)
    # As something that a person writes, it is a mistake.
    assert unnamed(run("ipvs_table", services=copy.deepcopy(services))["msg"]).startswith(f"services[0].{problem}")
    store.table = '{"version": 1,\n"timeouts": {},\n"earlier_timeouts": {},\n"sync_daemons": [],\n"services": [\n\n]}\n'
    result = run("ipvs_table", services=copy.deepcopy(services), strict=False)
    assert not result.get("failed"), result["msg"]
    assert not kernel.steps
    (warning,) = result["warnings"]
    assert unnamed(warning).startswith(f"services[0].{problem}")
    assert warning.startswith(f"services[0] ({services[0]['protocol']} 192.0.2.1:{services[0]['port']}).")
    assert result["changed"], "it was not saved yet"
    again = run("ipvs_table", services=copy.deepcopy(services), strict=False)
    assert not again["changed"]
    # It is restored unchanged at boot, and can be created on another machine.
    (restored,) = content_of(store.table).services
    assert restored.key == entry.service.key
    vars(kernel).update(vars(MemoryKernel()))
    assert run("ipvs_table", services=copy.deepcopy(services), strict=False)["changed"]
    assert table(kernel) == before
    if problem not in NUMBERED:
        assert not run("ipvs_service", **services[0], strict=False)["changed"]
        assert unnamed(run("ipvs_service", **services[0])["msg"]).startswith(problem)


def test_an_edit_to_an_odd_destination_is_refused(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_service", **WEB, destinations=[{"address": "10.0.0.1", "port": 81, "forward_method": "masquerade"}])
    kernel.steps.clear()
    task = {"service": WEB, "address": "10.0.0.1", "port": 81, "forward_method": "direct"}
    assert "port: 81 differs from the service's port 80" in run("ipvs_destination", **task)["msg"]
    assert not kernel.steps
    assert run("ipvs_destination", **task, strict=False)["changed"]
    # To do something else with it makes nothing worse.
    assert run("ipvs_destination", service=WEB, address="10.0.0.1", port=81, weight=0)["changed"]


@st.composite
def odd_entries(draw: st.DrawFn) -> Entry:
    """Anything that the kernel accepts."""
    key = draw(service_keys())
    if not key.fwmark:
        key = key._replace(
            port=draw(st.sampled_from([0, key.port])),
            protocol=draw(st.one_of(st.just(key.protocol), st.sampled_from(["0", "1", "51", "255"]))),
        )
    service = draw(services(key))
    service = service._replace(one_packet=draw(st.booleans()))
    if service.persistence_timeout and draw(st.booleans()):
        service = service._replace(persistence_timeout=draw(st.integers(1, uapi.UINT_MAX)))
    listed = []
    for one in draw(st.lists(destinations(key, st.integers(1, 9)), max_size=4, unique_by=lambda one: one.key.address)):
        method = draw(st.sampled_from([one.forward_method, "localnode", "bypass", "7"]))
        if len(one.key.address) != (4 if key.family == "ipv4" else 16):
            method = "tunnel"
        flags = draw(st.integers(0, 3)) if one.tunnel_type == "gue" and method == "tunnel" else one.tunnel_flags
        kept = one if method == "tunnel" == one.forward_method else Destination(one.key, method, *one[2:5])
        if kept.tunnel_type == "gue":
            kept = kept._replace(tunnel_flags=flags)
        listed.append(kept._replace(key=one.key._replace(port=draw(st.integers(0, 65535)))))
    return Entry(service, tuple(listed))


TABLES = st.lists(odd_entries(), max_size=4, unique_by=lambda one: one.service.key)
PROPERTY = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PROPERTY
@given(entries=TABLES)
def test_every_table_can_be_declared_as_it_is(run: Run, kernel: MemoryKernel, entries: list[Entry]) -> None:
    vars(kernel).update(vars(MemoryKernel()))
    for entry in entries:
        put(kernel, entry)
    before, found = table(kernel), read(run)
    result = run("ipvs_table", services=copy.deepcopy(found), strict=False)
    assert not result.get("failed"), result["msg"]
    assert not result["changed"], result["diff"]
    vars(kernel).update(vars(MemoryKernel()))
    assert not run("ipvs_table", services=found, strict=False).get("failed")
    assert table(kernel) == before


def has_words(entry: Entry) -> bool:
    """Whether ipvsadm has a word for all of it."""
    service, listed = entry
    return service.key.protocol in (None, *uapi.PROTOCOLS) and all(
        one.forward_method in ("masquerade", "tunnel", "direct") and one.tunnel_flags < 3 for one in listed
    )


@PROPERTY
@given(entries=TABLES)
def test_the_filters_preserve_every_table_that_ipvsadm_prints(
    run: Run, kernel: MemoryKernel, monkeypatch: pytest.MonkeyPatch, entries: list[Entry]
) -> None:
    warnings: list[str] = []
    for filter_ in (reading, writing):
        monkeypatch.setattr(filter_, "Display", type("", (), {"warning": lambda _self, text: warnings.append(text)}))
    vars(kernel).update(vars(MemoryKernel()))
    for entry in filter(has_words, entries):
        put(kernel, entry)
    found = read(run)
    listed = from_ipvsadm_rules(ipvsadm_rules(copy.deepcopy(found), strict=False), strict=False)
    assert listed == found
    assert not run("ipvs_table", services=listed, strict=False)["changed"]


def test_localnode_is_written_as_ipvsadm_does(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_service", **WEB, destinations=[{"address": "127.0.0.1", "forward_method": "localnode"}])
    (found,) = read(run)
    assert found["destinations"][0]["forward_method"] == "localnode"
    assert not run("ipvs_table", services=[found])["changed"]
    assert ipvsadm_rules([found]) == "-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 127.0.0.1:80 -g -w 1\n"


@pytest.mark.parametrize("entry", [Entry(Service(KEY._replace(protocol="51"))), Entry(Service(KEY), (Destination(REAL, "7"),))])
def test_a_number_is_shown_with_a_warning(run: Run, kernel: MemoryKernel, entry: Entry) -> None:
    put(kernel, entry)
    (warning,) = run("ipvs_info")["warnings"]
    assert "Another program made it" in warning
