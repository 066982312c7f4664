# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value means the same in every module: ipvs_table, which checks its list itself, and the others, whose options AnsibleModule checks."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.memory import MemoryKernel

from .conftest import Run

WEB: dict[str, Any] = {"protocol": "udp", "address": "192.0.2.1", "port": 80}
REAL: dict[str, Any] = {"address": "10.0.0.1", "forward_method": "masquerade"}
GUE: dict[str, Any] = {"address": "10.0.0.1", "forward_method": "tunnel", "tunnel_type": "gue", "tunnel_port": 6080}

VALUES: list[Any] = [
    *(None, True, False, 0, 1, 2, 4.0, 4.5, -1, -0.0, 1.0, 1e3, 2.0**40),
    *("", " ", "0", "1", "4", "4.0", "4.5", " 4 ", "+4", "1e3", "0x10", "4,5", "\u0664"),
    *("yes", "no", "on", "off", "y", "n", "t", "f", "True", "FALSE", "maybe", "null", "none", "None"),
    *("tcp", "udp", "ipv4", "rr", "direct", "masquerade", "ipip", "gue", "csum", "nocsum", "csum,nocsum", "csum,"),
    *("flag-1,flag-2", "flag-1, flag-2", "24", "255.255.255.0", "192.0.2.9", "10.0.0.7", 192),
    *("address=10.0.0.7", "address=10.0.0.7 port=81", '{"address": "10.0.0.7"}', "{"),
    *([], [1], ["csum"], ["flag-1"], [None], [[]], ["csum", 1], [REAL], ["address=10.0.0.7"], [{}], [{**REAL, "weight": "7"}]),
    *({}, {"a": 1}, REAL),
]
SERVICE = [
    *("state", "protocol", "address", "port", "fwmark", "family", "scheduler", "scheduler_flags", "persistence_timeout"),
    *("persistence_netmask", "persistence_engine", "one_packet", "destinations", "exclusive_destinations", "ordered"),
]
DESTINATION = [
    *("address", "port", "forward_method", "weight", "upper_threshold", "lower_threshold"),
    *("tunnel_type", "tunnel_port", "tunnel_flags"),
]


def outcome(run: Run, kernel: MemoryKernel, name: str, arguments: dict[str, Any]) -> Any:
    """Return the result of a task on an empty table, or that it fails."""
    vars(kernel).update(vars(MemoryKernel()))
    result = run(name, **copy.deepcopy(arguments))
    assert "Traceback" not in str(result.get("exception"))
    return "refused" if result.get("failed") else (result["changed"], kernel.services, kernel.destinations)


def compare(run: Run, kernel: MemoryKernel, service: dict[str, Any]) -> None:
    alone = outcome(run, kernel, "ipvs_service", service)
    listed = outcome(run, kernel, "ipvs_table", {"services": [service]})
    assert listed == alone, f"ipvs_service made {alone} of {service}, and ipvs_table {listed}"


@pytest.mark.parametrize("option", SERVICE)
def test_a_service(run: Run, kernel: MemoryKernel, option: str) -> None:
    for value in VALUES:
        compare(run, kernel, {**WEB, option: value})
        compare(run, kernel, {"fwmark": 7, option: value})
        compare(run, kernel, {**WEB, "persistence_timeout": 60, "destinations": [REAL], option: value})


@pytest.mark.parametrize("option", DESTINATION)
def test_a_destination(run: Run, kernel: MemoryKernel, option: str) -> None:
    for value in VALUES:
        for real in (REAL, GUE):
            compare(run, kernel, {**WEB, "destinations": [{**real, option: value}]})
            # Beside an equal one, whose options the table reuses.
            compare(
                run, kernel, {**WEB, "destinations": [{**real, "weight": 1, "address": "10.0.0.2"}, {**real, "weight": 1, option: value}]}
            )


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    service=st.dictionaries(st.sampled_from(SERVICE), st.sampled_from(VALUES), max_size=2),
    real=st.dictionaries(st.sampled_from(DESTINATION), st.sampled_from(VALUES), max_size=2),
)
def test_both(run: Run, kernel: MemoryKernel, service: dict[str, Any], real: dict[str, Any]) -> None:
    compare(run, kernel, {**WEB, "destinations": [{**REAL, **real}], **service})


@pytest.mark.parametrize("value", [True, 4.5, "4.5", "x"])
def test_not_a_number(run: Run, value: object) -> None:
    for name, arguments in (
        ("ipvs_service", {**WEB, "persistence_timeout": value}),
        ("ipvs_table", {"services": [{**WEB, "persistence_timeout": value}]}),
        ("ipvs_destination", {"service": WEB, **REAL, "weight": value}),
        ("ipvs_timeouts", {"tcp": value}),
        ("ipvs_sync_daemon", {"daemon": "master", "interface": "lo", "sync_id": value}),
        ("ipvs_connection_info", {"limit": value}),
    ):
        assert run(name, **arguments)["failed"], name


def test_null_means_omitted(run: Run) -> None:
    (found,) = run("ipvs_table", services=[{"fwmark": 7, "persistence_timeout": 0}])["added_services"]
    assert found["protocol"] is None
    # As ipvs_info returns it.
    assert not run("ipvs_service", **found, persistence_netmask=None)["changed"]
    assert run("ipvs_destination", service=found, address="10.0.0.1", tunnel_type=None)["changed"]
    assert run("ipvs_timeouts", tcp=None)["failed"]
    assert run("ipvs_table", services=None)["failed"]
