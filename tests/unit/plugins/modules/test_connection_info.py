# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_connection_info, from its arguments and the kernel's listings to its result."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._kernel import client as _client
from ansible_collections.lvs.director.plugins.module_utils._model import uapi as _uapi
from ansible_collections.lvs.director.plugins.module_utils._options import connections as _argspec_connections
from ansible_collections.lvs.director.plugins.modules import ipvs_connection_info as _run_connection_info

from .conftest import Run

# As the kernel prints them: a service of TCP with two servers, one with persistence for networks, one of SIP, one of a
# firewall mark, and one whose IPv6 clients are tunnelled to an IPv4 server.
LISTING = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A0A0064 9C40 0AD33703 0015 0AD337FD 0015 ESTABLISHED     893
TCP 0A0A0064 9C41 0AD33703 0015 0AD337FD 0015 FIN_WAIT        118
TCP 0A0A0165 9C42 0AD33703 0015 0AD337FC 0015 ESTABLISHED     899
TCP 0A0A0000 0000 0AD33704 0050 0AD337FD 0050 ASSURED         300
UDP 0A0A0064 0000 0AD33705 13C4 0AD337FC 13C4 NONE            360 sip 1-2345@10.10.0.100
IP  0A0A0100 0000 00000007 0000 0AD337FC 0000 NONE             60
TCP 2001:0db8:0000:0000:0000:0000:0000:0064 9C40 2001:0db8:0001:0000:0000:0000:0000:0003 01BB 0AD337FC 01BB SYN_RECV         59
"""
SYNC = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires
TCP 0A0A0064 9C40 0AD33703 0015 0AD337FD 0015 ESTABLISHED SYNC       893
TCP 0A0A0165 9C42 0AD33703 0015 0AD337FC 0015 ESTABLISHED LOCAL      899
TCP 0A0A0000 0000 0AD33704 0050 0AD337FD 0050 ASSURED     SYNC       300
UDP 0A0A0064 0000 0AD33705 13C4 0AD337FC 13C4 NONE        LOCAL      360
IP  0A0A0100 0000 00000007 0000 0AD337FC 0000 NONE        SYNC        60
TCP 2001:0db8:0000:0000:0000:0000:0000:0064 9C40 2001:0db8:0001:0000:0000:0000:0000:0003 01BB 0AD337FC 01BB SYN_RECV    LOCAL       59
"""


@pytest.fixture(autouse=True)
def listings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Run) -> None:
    for name, text in (("CONNECTIONS", LISTING), ("CONNECTIONS_WITH_ORIGIN", SYNC)):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(_run_connection_info, name, str(tmp_path / name))
    # Neither pyroute2 nor root is needed.
    monkeypatch.setattr(_client, "NetlinkKernel", lambda: pytest.fail("asked the kernel over netlink"))


def test_all(run: Run) -> None:
    result = run("ipvs_connection_info")
    assert result == run("ipvs_connection_info", check=True)
    assert not result["changed"]
    assert result["total"] == len(result["connections"]) == 7
    assert not result["truncated"]
    assert result["origins"] is None
    assert result["states"] == {"ASSURED": 1, "ESTABLISHED": 2, "FIN_WAIT": 1, "NONE": 2, "SYN_RECV": 1}
    assert result["connections"][0] == {
        "protocol": "tcp",
        "client_address": "10.10.0.100",
        "client_port": 40000,
        "address": "10.211.55.3",
        "port": 21,
        "fwmark": None,
        "destination_address": "10.211.55.253",
        "destination_port": 21,
        "state": "ESTABLISHED",
        "expires_seconds": 893,
        "template": False,
        "persistence_engine": None,
        "persistence_data": None,
        "origin": None,
    }
    network, call, mark, v6 = result["connections"][3:]
    assert (network["template"], network["client_address"], network["client_port"]) == (True, "10.10.0.0", 0)
    assert (call["template"], call["persistence_engine"], call["persistence_data"]) == (True, "sip", "1-2345@10.10.0.100")
    assert mark["template"]
    assert (mark["fwmark"], mark["protocol"], mark["address"], mark["port"]) == (7, None, None, None)
    assert (v6["client_address"], v6["address"], v6["destination_address"]) == ("2001:db8::64", "2001:db8:1::3", "10.211.55.252")
    assert result["destinations"] == [
        {"address": "10.211.55.252", "port": 0, "connections": 1, "states": {"NONE": 1}},
        {"address": "10.211.55.252", "port": 21, "connections": 1, "states": {"ESTABLISHED": 1}},
        {"address": "10.211.55.252", "port": 443, "connections": 1, "states": {"SYN_RECV": 1}},
        {"address": "10.211.55.252", "port": 5060, "connections": 1, "states": {"NONE": 1}},
        {"address": "10.211.55.253", "port": 21, "connections": 2, "states": {"ESTABLISHED": 1, "FIN_WAIT": 1}},
        {"address": "10.211.55.253", "port": 80, "connections": 1, "states": {"ASSURED": 1}},
    ]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"protocol": "udp"}, [4]),
        ({"protocol": "sctp"}, []),
        ({"protocol": "tcp", "address": "10.211.55.3", "port": 21}, [0, 1, 2]),
        ({"address": "10.211.55.3", "port": 0}, [0, 1, 2]),
        ({"address": "2001:db8:1:0::3"}, [6]),
        ({"address": "0.0.0.7"}, []),
        ({"port": 21}, [0, 1, 2]),
        ({"destination_address": "10.211.55.252"}, [2, 4, 5, 6]),
        ({"destination_address": "10.211.55.252", "destination_port": 443}, [6]),
        ({"destination_address": "10.211.55.252", "destination_port": 0}, [2, 4, 5, 6]),
        ({"client": "10.10.0.100"}, [0, 1, 4]),
        ({"client": "10.10.0.100/32"}, [0, 1, 4]),
        ({"client": "10.10.0.77/24"}, [0, 1, 3, 4]),
        ({"client": "10.10.0.0/23"}, [0, 1, 2, 3, 4, 5]),
        ({"client": "0.0.0.0/0"}, [0, 1, 2, 3, 4, 5]),
        ({"client": "2001:db8::/32"}, [6]),
        ({"client": "2001:db8::64"}, [6]),
        ({"client": "2001:db8::/128"}, []),
        ({"client": "::/0"}, [6]),
        ({"states": ["ESTABLISHED", "SYN_RECV"]}, [0, 2, 6]),
        ({"states": []}, []),
        ({"templates": "include"}, [0, 1, 2, 3, 4, 5, 6]),
        ({"templates": "exclude"}, [0, 1, 2, 6]),
        ({"templates": "only"}, [3, 4, 5]),
        ({"templates": "only", "protocol": "udp"}, [4]),
        ({"client": "10.10.0.100", "states": ["ESTABLISHED"], "destination_port": 21}, [0]),
    ],
)
def test_filters(run: Run, arguments: dict[str, Any], found: list[int]) -> None:
    everything = run("ipvs_connection_info")["connections"]
    result = run("ipvs_connection_info", **arguments)
    assert result["connections"] == [everything[index] for index in found]
    assert result["total"] == sum(result["states"].values()) == sum(one["connections"] for one in result["destinations"]) == len(found)


@pytest.mark.parametrize(("limit", "listed", "truncated"), [(0, 0, True), (2, 2, True), (3, 3, False), (4, 3, False)])
def test_a_limit_cuts_the_list_but_not_the_counts(run: Run, limit: int, listed: int, truncated: bool) -> None:
    result = run("ipvs_connection_info", port=21, limit=limit)
    assert len(result["connections"]) == listed
    assert result["truncated"] is truncated
    assert result["total"] == 3
    assert result["states"] == {"ESTABLISHED": 2, "FIN_WAIT": 1}


def test_origins(run: Run) -> None:
    result = run("ipvs_connection_info", origin=True)
    # The second one is missing in the kernel's second listing.
    assert [one["origin"] for one in result["connections"]] == ["sync", None, "local", "sync", "local", "sync", "local"]
    assert result["origins"] == {"local": 3, "sync": 3}
    result = run("ipvs_connection_info", origin=True, templates="exclude", limit=1)
    assert [one["origin"] for one in result["connections"]] == ["sync"]
    assert result["origins"] == {"local": 2, "sync": 1}


def test_the_second_listing_is_read_only_on_request(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run_connection_info, "CONNECTIONS_WITH_ORIGIN", "/nonexistent")
    assert "failed" not in run("ipvs_connection_info")
    assert run("ipvs_connection_info", origin=True)["failed"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"protocol": "icmp"}, "value of protocol must be one of: tcp, udp, sctp, got: icmp"),
        ({"address": "10.211.55"}, "address: '10.211.55' is not an IPv4 or IPv6 address"),
        ({"port": 65536}, "port: 65536 is not in the range 0 to 65535"),
        ({"destination_address": "web1"}, "destination_address: 'web1' is not an IPv4 or IPv6 address"),
        ({"destination_port": -1}, "destination_port: -1 is not in the range 0 to 65535"),
        ({"client": "10.0.0.0/33"}, "client: '10.0.0.0/33' has no prefix length from 0 to 32"),
        ({"client": "10.0.0.0/"}, "client: '10.0.0.0/' has no prefix length from 0 to 32"),
        ({"client": "10.0.0.0//8"}, "client: '10.0.0.0//8' has no prefix length from 0 to 32"),
        ({"client": "2001:db8::/129"}, "client: '2001:db8::/129' has no prefix length from 0 to 128"),
        ({"client": "10.0.0/8"}, "client: '10.0.0' is not an IPv4 or IPv6 address"),
        ({"limit": -1}, "limit: -1 is not in the range 0 to 2147483647"),
    ],
)
def test_impossible_filters(run: Run, arguments: dict[str, Any], message: str) -> None:
    result = run("ipvs_connection_info", **arguments)
    assert result["failed"]
    assert result["msg"] == message


def test_an_unknown_state(run: Run) -> None:
    result = run("ipvs_connection_info", states=["Established"])
    assert "value of states must be one or more of: NONE, ASSURED, ESTABLISHED" in result["msg"]


def test_no_ip_vs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run_connection_info, "CONNECTIONS", "/nonexistent/ip_vs_conn")
    result = run("ipvs_connection_info")
    assert result["msg"] == (
        "IPVS is not available: /nonexistent/ip_vs_conn does not exist, so the kernel module ip_vs is not loaded. Load it "
        "(modprobe ip_vs, or the role lvs.director.ipvs_director)"
    )


def test_a_listing_that_cannot_be_read(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_run_connection_info, "CONNECTIONS", str(tmp_path))
    assert run("ipvs_connection_info")["msg"] == f"Cannot read {tmp_path}: Is a directory"


def test_documented_values_are_returned(run: Run) -> None:
    module = importlib.import_module("ansible_collections.lvs.director.plugins.modules.ipvs_connection_info")
    documented = yaml.safe_load(module.RETURN)
    result = run("ipvs_connection_info", origin=True)
    assert set(documented) == set(result) - {"changed", "invocation"}
    for key in ("connections", "destinations"):
        assert list(documented[key]["contains"]) == list(result[key][0])
    options = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert options["states"]["choices"] == list(_uapi.CONNECTION_STATES)
    assert list(options) == list(_argspec_connections.connection_info_module_spec()["argument_spec"])
