# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules from their arguments to their results: changes, reports and refusals."""

from __future__ import annotations

import errno
import importlib
from typing import Any

import pytest
import yaml
from ansible.module_utils.common import respawn
from ansible_collections.lvs.director.plugins.module_utils._kernel import client as _client
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddDestination
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationCounters
from ansible_collections.lvs.director.plugins.module_utils._netlink import socket as _netlink

from contract.memory import MemoryKernel

from .conftest import Run, sides

MODULES = ["ipvs_service", "ipvs_destination", "ipvs_info"]
WEB: dict[str, Any] = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
REAL: list[dict[str, Any]] = [
    {"address": "10.0.0.1", "forward_method": "masquerade", "upper_threshold": 4, "lower_threshold": 1},
    {"address": "10.0.0.2", "forward_method": "masquerade"},
]


def addresses(result: dict[str, Any]) -> list[str]:
    return [one["address"] for one in result["service"]["destinations"]]


def twelve_steps(run: Run, kernel: MemoryKernel, name: str, create: dict[str, Any], modify: dict[str, Any]) -> None:
    """Create, modify and delete, each in check mode twice and for real twice."""
    for arguments in (create, {**create, **modify}, {**create, "state": "absent"}):
        predicted = run(name, check=True, **arguments)
        again = run(name, check=True, **arguments)
        assert predicted == again, "check mode changed something"
        done = run(name, **arguments)
        assert predicted["changed"]
        assert predicted == done, "check mode did not tell the truth"
        ((before, after), (changed,)) = sides(done), done["diff"]
        assert changed["before_header"] == changed["after_header"] == "tcp 192.0.2.1:80"
        assert before != after
        assert bool(done["service"]) == bool(after)
        assert [line.split()[1].rpartition(":")[0] for line in after.splitlines()[1:]] == (addresses(done) if done["service"] else [])
        steps = len(kernel.steps)
        for check in (True, False):
            repeated = run(name, check=check, **arguments)
            assert not repeated["changed"]
            assert repeated["diff"] == []
            assert repeated["service"] == done["service"]
        assert len(kernel.steps) == steps


def test_service_life(run: Run, kernel: MemoryKernel) -> None:
    twelve_steps(run, kernel, "ipvs_service", {**WEB, "scheduler": "fo", "destinations": REAL}, {"persistence_timeout": 60})
    assert not kernel.services


def test_destination_life(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_service", **WEB)
    twelve_steps(run, kernel, "ipvs_destination", {"service": WEB, "address": "10.0.0.1"}, {"weight": 0})
    assert len(kernel.services) == 1


def test_omitted_options_keep_their_values(run: Run) -> None:
    given = {
        "scheduler": "sh",
        "scheduler_flags": ["sh-port"],
        "persistence_timeout": 60,
        "persistence_netmask": "24",
        "persistence_engine": "sip",
        "one_packet": True,
    }
    udp = {**WEB, "protocol": "udp"}
    run("ipvs_service", **udp, **given, destinations=REAL)
    result = run("ipvs_service", **udp)
    assert not result["changed"]
    for option, value in {**given, "persistence_netmask": "255.255.255.0"}.items():
        assert result["service"][option] == value
    result = run("ipvs_service", **udp, one_packet=False)
    assert result["changed"]
    assert result["service"]["persistence_engine"] == "sip"
    assert result["service"]["scheduler_flags"] == ["sh-port"]
    assert addresses(result) == ["10.0.0.1", "10.0.0.2"]
    result = run("ipvs_service", **udp, destinations=[{"address": "10.0.0.1", "weight": 3}])
    assert result["service"]["destinations"][0]["upper_threshold"] == 4
    assert result["service"]["destinations"][0]["forward_method"] == "masquerade"


def test_values_can_be_removed(run: Run) -> None:
    udp = {**WEB, "protocol": "udp"}
    run("ipvs_service", **udp, persistence_timeout=60, persistence_engine="sip", scheduler_flags=["flag-1", "flag-3"])
    result = run("ipvs_service", **udp, persistence_timeout=0, persistence_engine="", scheduler_flags=[])
    service = result["service"]
    assert service["persistence_timeout"] == 0
    assert service["persistence_netmask"] is None
    assert service["persistence_engine"] is None
    assert service["scheduler_flags"] == []


def test_order_and_exclusiveness(run: Run) -> None:
    three = [{"address": f"10.0.0.{number}"} for number in (1, 2, 3)]
    assert addresses(run("ipvs_service", **WEB, destinations=three)) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    result = run("ipvs_service", **WEB, destinations=[three[2], three[0]])
    assert result["changed"]
    assert addresses(result) == ["10.0.0.3", "10.0.0.1", "10.0.0.2"]
    assert sides(result) == (
        "tcp 192.0.2.1:80 scheduler wlc\n"
        "  -> 10.0.0.1:80 direct weight 1\n"
        "  -> 10.0.0.2:80 direct weight 1\n"
        "  -> 10.0.0.3:80 direct weight 1\n",
        "tcp 192.0.2.1:80 scheduler wlc\n"
        "  -> 10.0.0.3:80 direct weight 1\n"
        "  -> 10.0.0.1:80 direct weight 1\n"
        "  -> 10.0.0.2:80 direct weight 1\n",
    )
    result = run("ipvs_service", **WEB, destinations=[three[1]], exclusive_destinations=True)
    assert addresses(result) == ["10.0.0.2"]
    assert addresses(run("ipvs_service", **WEB, destinations=[], exclusive_destinations=True)) == []


def test_a_destination_reports_itself_and_its_service(run: Run) -> None:
    run("ipvs_service", **WEB, destinations=REAL)
    result = run("ipvs_destination", service=WEB, address="10.0.0.2", weight=0)
    assert result["destination"]["weight"] == 0
    assert result["destination"] == result["service"]["destinations"][1]
    result = run("ipvs_destination", service=WEB, address="10.0.0.2", state="absent")
    assert result["destination"] is None
    assert addresses(result) == ["10.0.0.1"]


def test_a_destination_without_a_service(run: Run) -> None:
    assert not run("ipvs_destination", service=WEB, address="10.0.0.2", state="absent")["changed"]
    result = run("ipvs_destination", service=WEB, address="10.0.0.2")
    assert result["msg"] == "service: there is no service tcp 192.0.2.1:80: add it first, with ipvs_service"


def test_tunnel_options_are_removed_with_the_tunnel(run: Run) -> None:
    run("ipvs_service", **WEB)
    one = {"service": WEB, "address": "10.0.0.1"}
    gue = {"forward_method": "tunnel", "tunnel_type": "gue", "tunnel_port": 6080, "tunnel_flags": ["remcsum"]}
    result = run("ipvs_destination", **one, **gue)
    assert {option: result["destination"][option] for option in gue} == gue
    result = run("ipvs_destination", **one, tunnel_type="gre")
    assert result["destination"]["tunnel_port"] is None
    assert result["destination"]["tunnel_flags"] == []
    run("ipvs_destination", **one, **gue)
    result = run("ipvs_destination", **one, forward_method="masquerade")
    assert result["destination"]["tunnel_type"] is None
    assert result["destination"]["tunnel_port"] is None
    assert result["destination"]["tunnel_flags"] == []


def test_ipv6_is_canonical(run: Run) -> None:
    long = {"protocol": "tcp", "address": "2001:0DB8:0:0::1", "port": 443}
    result = run("ipvs_service", **long, persistence_timeout=60, destinations=[{"address": "2001:db8:1:0:0:0:0:1"}])
    assert result["service"]["address"] == "2001:db8::1"
    assert result["service"]["family"] == "ipv6"
    assert result["service"]["persistence_netmask"] == "128"
    assert addresses(result) == ["2001:db8:1::1"]
    assert not run("ipvs_service", **{**long, "address": "2001:db8::1"})["changed"]


def test_info(run: Run, kernel: MemoryKernel) -> None:
    result = run("ipvs_service", **WEB, destinations=REAL)
    kernel.daemons.append(SyncDaemon("master", "eth1", 0, 1472, b"\xe0\0\0\x51", 8848, 1))
    info = run("ipvs_info")
    assert not info["changed"]
    assert info["services"] == [result["service"]]
    assert info["timeouts"] == {"tcp": 900, "tcp_fin": 120, "udp": 300}
    assert info["sync_daemons"][0]["group"] == "224.0.0.81"
    assert info["version"] == "1.2.1"
    assert info["connection_table_size"] == 4096


@pytest.mark.parametrize("name", MODULES)
def test_documented_values_are_returned(name: str, run: Run) -> None:
    module = importlib.import_module(f"ansible_collections.lvs.director.plugins.modules.{name}")
    documented = yaml.safe_load(module.RETURN)
    run("ipvs_service", **WEB, destinations=REAL)
    arguments = {
        "ipvs_service": WEB,
        "ipvs_destination": {"service": WEB, "address": "10.0.0.1"},
        "ipvs_info": {"gather_subset": ["services", "text", "timeouts", "sync_daemons"]},
    }
    result = run(name, **arguments[name])
    assert set(documented) == set(result) - {"changed", "diff", "invocation"}
    if name == "ipvs_info":
        services = documented["services"]["contains"]
        assert set(services) == set(result["services"][0])
        assert set(services["stats"]["contains"]) == set(result["services"][0]["stats"])
        assert set(services["destinations"]["contains"]) == set(result["services"][0]["destinations"][0])
        assert set(documented["timeouts"]["contains"]) == set(result["timeouts"])


GUE = {"address": "10.0.0.9", "forward_method": "tunnel", "tunnel_type": "gue"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scheduler": "tset"}, 'Cannot edit service tcp 192.0.2.1:80: scheduler "tset" is not known to the kernel: '
                                "no module ip_vs_tset"),
        ({"scheduler": "a" * 16}, "scheduler: 'aaaaaaaaaaaaaaaa' is not a name of 1 to 15 letters, digits, and _ . -"),
        ({"scheduler": "r/r"}, "scheduler: 'r/r' is not a name of 1 to 15 letters, digits, and _ . -"),
        ({"scheduler": ""}, "scheduler: '' is not a name of 1 to 15 letters, digits, and _ . -"),
        ({"persistence_engine": "spi", "persistence_timeout": 60},
         'Cannot edit service tcp 192.0.2.1:80: persistence engine "spi" is not known to the kernel: '
         "no module ip_vs_pe_spi"),
        ({"scheduler_flags": ["mh-port"]}, "scheduler_flags: mh-port belongs to scheduler mh, the service's is fo"),
        ({"one_packet": True}, "one_packet: one-packet scheduling is only for UDP, not for tcp"),
        ({"persistence_netmask": "24"},
         "persistence_netmask: the service is not persistent: give persistence_timeout too"),
        ({"persistence_netmask": "33", "persistence_timeout": 60},
         "persistence_netmask: '33' is neither a netmask like 255.255.255.0 nor a prefix length from 0 to 32"),
        ({"persistence_timeout": 2678401}, "persistence_timeout: 2678401 is not in the range 0 to 2678400 seconds"),
        ({"address": "192.0.2.256"}, "address: '192.0.2.256' is not an IPv4 or IPv6 address"),
        ({"address": "www.example.com"}, "address: 'www.example.com' is not an IPv4 or IPv6 address. "
         "Names are not resolved, because the table would change with DNS: give an address"),
        ({"family": "ipv6"}, "family: 192.0.2.1 is ipv4, not ipv6"),
        ({"port": 65536}, "port: 65536 is not in the range 0 to 65535"),
        ({"port": 0}, "port: 0 stands for all ports and needs a persistent service: give persistence_timeout too"),
        ({"exclusive_destinations": True},
         "exclusive_destinations: give destinations too; an empty list removes them all"),
        ({"destinations": [{"address": "10.0.0.1", "lower_threshold": 9}]},
         "destinations[0] (10.0.0.1).lower_threshold: lower_threshold 9 is above upper_threshold 4"),
        ({"destinations": [{"address": "10.0.0.1", "upper_threshold": 0}]},
         "destinations[0] (10.0.0.1).lower_threshold: "
         "lower_threshold 1 needs an upper_threshold, and 0 is no limit: give upper_threshold too"),
        ({"destinations": [{"address": "10.0.0.3"}, {"address": "10.0.0.4"}, {"address": "10.0.0.3", "port": 80}]},
         "destinations[2] (10.0.0.3:80): 10.0.0.3:80 is listed already, as destinations[0]"),
        ({"destinations": [{"address": "10.0.0.1", "weight": -1}]},
         "destinations[0] (10.0.0.1).weight: -1 is not in the range 0 to 2147483647"),
        ({"destinations": [{"address": "10.0.0.3", "port": 8080}]},
         "destinations[0] (10.0.0.3:8080).port: 8080 differs from the service's port 80, but forward_method direct does not rewrite "
         "ports: leave port out, or use masquerade"),
        ({"destinations": [{"address": "2001:db8::9", "forward_method": "masquerade"}]},
         "destinations[0] (2001:db8::9).address: 2001:db8::9 is ipv6 and the service is ipv4: only forward_method tunnel can cross "
         "families, not masquerade"),
        ({"destinations": [{"address": "224.0.0.1"}]},
         "destinations[0] (224.0.0.1).address: 224.0.0.1 is a multicast address, a real server cannot have it"),
        ({"destinations": [{"address": "0.0.0.0"}]},
         "destinations[0] (0.0.0.0).address: 0.0.0.0 is the unspecified address, a real server cannot have it"),
        ({"destinations": [{"address": "255.255.255.255"}]},
         "destinations[0] (255.255.255.255).address: 255.255.255.255 is the broadcast address, a real server cannot have it"),
        ({"destinations": [{"address": "fe80::1", "forward_method": "tunnel"}]},
         "destinations[0] (fe80::1).address: fe80::1 is a link-local address, a real server cannot have it"),
        ({"destinations": [{"address": "ff02::1", "forward_method": "tunnel"}]},
         "destinations[0] (ff02::1).address: ff02::1 is a multicast address, a real server cannot have it"),
        ({"destinations": [{"address": "::ffff:10.0.0.1", "forward_method": "tunnel"}]},
         "destinations[0] (::ffff:10.0.0.1).address: ::ffff:10.0.0.1 is an IPv4-mapped address, a real server cannot have it"),
        ({"destinations": [GUE]},
         "destinations[0] (10.0.0.9).tunnel_port: tunnel_type gue needs the UDP port at the other end of the tunnel"),
        ({"destinations": [{**GUE, "tunnel_type": "gre", "tunnel_port": 6080}]},
         "destinations[0] (10.0.0.9).tunnel_port: only tunnel_type gue has a port, not gre"),
        ({"destinations": [{**GUE, "tunnel_type": "gre", "tunnel_flags": ["remcsum"]}]},
         "destinations[0] (10.0.0.9).tunnel_flags: only tunnel_type gue knows remcsum, not gre"),
        ({"destinations": [{**GUE, "tunnel_type": "ipip", "tunnel_flags": ["csum"]}]},
         "destinations[0] (10.0.0.9).tunnel_flags: tunnel_type ipip has no checksum"),
        ({"destinations": [{**GUE, "tunnel_port": 6080, "tunnel_flags": ["csum", "remcsum"]}]},
         "destinations[0] (10.0.0.9).tunnel_flags: csum and remcsum exclude each other"),
        ({"destinations": [{"address": "10.0.0.1", "tunnel_type": "gre"}]},
         "destinations[0] (10.0.0.1).tunnel_type: only forward_method tunnel has tunnels, not masquerade"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("check", [True, False])
def test_refused_before_anything_is_touched(run: Run, kernel: MemoryKernel, arguments: dict[str, Any], message: str, check: bool) -> None:
    run("ipvs_service", **WEB, scheduler="fo", destinations=REAL)
    before = (dict(kernel.services), {key: list(value) for key, value in kernel.destinations.items()})
    kernel.steps.clear()
    result = run("ipvs_service", check=check, **{**WEB, **arguments})
    assert result["failed"]
    assert result["msg"] == message
    assert not kernel.steps
    assert (kernel.services, kernel.destinations) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "one of the following is required: address, fwmark"),
        ({"address": "192.0.2.1"}, "parameters are required together: protocol, address, port"),
        ({**WEB, "fwmark": 1}, "parameters are mutually exclusive: address|fwmark"),
        ({"fwmark": 0}, "fwmark: 0 is not in the range 1 to 4294967295"),
        ({"fwmark": 2**32}, "fwmark: 4294967296 is not in the range 1 to 4294967295"),
    ],
)
def test_a_service_has_one_kind_of_name(run: Run, arguments: dict[str, Any], message: str) -> None:
    assert message in run("ipvs_service", **arguments)["msg"]
    assert message in run("ipvs_destination", address="10.0.0.1", service=arguments)["msg"]


def test_mixed_families_and_a_sync_daemon(run: Run, kernel: MemoryKernel) -> None:
    kernel.daemons.append(SyncDaemon("backup", "eth1", 0, 1472, b"\xe0\0\0\x51", 8848, 1))
    mixed = [{"address": "2001:db8::9", "forward_method": "tunnel"}]
    result = run("ipvs_service", check=True, **WEB, destinations=mixed)
    assert result["msg"] == (
        "Cannot add destination [2001:db8::9]:80 to service tcp 192.0.2.1:80: its family is not the service's, which "
        "the kernel does not allow while a sync daemon runs (backup)"
    )
    kernel.daemons.clear()
    assert run("ipvs_service", **WEB, destinations=mixed)["changed"]


def test_a_refused_step_is_undone(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_service", **WEB, scheduler="fo", destinations=REAL)
    before = kernel.read_table()
    kernel.refuse = lambda step: errno.ENOMEM if isinstance(step, AddDestination) and step.destination.key.address[3] == 3 else 0
    wanted = [{"address": f"10.0.0.{number}", "forward_method": "masquerade"} for number in (2, 4, 3, 1)]
    result = run("ipvs_service", **WEB, scheduler="rr", destinations=wanted)
    assert result["msg"] == (
        "Cannot add destination 10.0.0.3:80 to service tcp 192.0.2.1:80: Cannot allocate memory (ENOMEM). The earlier changes were undone"
    )
    assert kernel.read_table() == before


def test_a_failed_undo_is_reported(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_service", **WEB, scheduler="fo", destinations=REAL)
    kernel.refuse = lambda step: errno.ENOMEM if isinstance(step, AddDestination) else 0
    result = run("ipvs_service", **WEB, scheduler="rr", destinations=[REAL[1], REAL[0]])
    assert "The earlier changes could not be undone: Cannot add destination 10.0.0.2:80" in result["msg"]


def test_a_concurrent_change_is_noticed(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_service", **WEB, destinations=REAL)

    def meanwhile(step: object) -> None:
        for present in kernel.destinations.values():
            present[0] = present[0]._replace(weight=77)

    kernel.meanwhile = meanwhile
    result = run("ipvs_service", **WEB, scheduler="rr")
    assert result["failed"]
    assert "destination 10.0.0.1:80 has weight 77 instead of 1" in result["msg"]
    assert "Something else is changing the table" in result["msg"]


def test_no_pyroute2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError("No module named 'pyroute2'")

    monkeypatch.setattr(_client, "NetlinkKernel", missing)
    monkeypatch.setattr(respawn, "probe_interpreters_for_module", lambda interpreters, name: None)
    result = run("ipvs_info")
    assert "pyroute2" in result["msg"]
    assert "python3-pyroute2" in result["msg"]
    assert result["failed"]


def test_no_ip_vs(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(_netlink, "PROC_TABLE", str(tmp_path / "ip_vs"))
    monkeypatch.setattr(_client, "NetlinkKernel", _netlink.NetlinkSocket)
    result = run("ipvs_info")
    assert "the kernel module ip_vs is not loaded" in result["msg"]
    assert "modprobe ip_vs" in result["msg"]


def test_not_root(run: Run, kernel: MemoryKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel.refuse = lambda step: errno.EPERM
    result = run("ipvs_service", **WEB)
    assert "run the task as root (become: true)" in result["msg"]


def test_errors_close_the_socket(run: Run, kernel: MemoryKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_options: object) -> None:
        raise IpvsUnavailableError("gone")

    monkeypatch.setattr(kernel, "read_table", fail)
    assert run("ipvs_info")["msg"] == "gone"
    assert kernel.closed


def test_some_services_and_parts(run: Run, kernel: MemoryKernel) -> None:
    limits = {"weight": 2, "upper_threshold": 4, "lower_threshold": 1}
    run("ipvs_service", **WEB, scheduler="rr", destinations=[{"address": f"10.0.0.{number}", **limits} for number in (1, 2, 3)])
    run("ipvs_service", **{**WEB, "port": 81})
    (key,) = (key for key in kernel.services if key.port == 80)
    loads = {1: 4, 2: 3, 3: 0}
    kernel.counters.update({(key, each.key): DestinationCounters(loads[each.key.address[3]]) for each in kernel.destinations[key]})
    everything = run("ipvs_info")
    assert "text" not in everything
    found = run("ipvs_info", services=[WEB, {**WEB, "port": 99}], gather_subset=["services", "text"])
    assert found["services"] == [each for each in everything["services"] if each["port"] == 80]
    assert {each["address"][-1]: each["full"] for each in found["services"][0]["destinations"]} == {"1": True, "2": None, "3": False}
    assert set(everything) - set(found) == {"timeouts", "sync_daemons"}
    assert sorted(found["text"][1:]) == [
        "  -> 10.0.0.1:80 direct weight 2 upper_threshold 4 lower_threshold 1 connections 4+0 FULL",
        "  -> 10.0.0.2:80 direct weight 2 upper_threshold 4 lower_threshold 1 connections 3+0 maybe full",
        "  -> 10.0.0.3:80 direct weight 2 upper_threshold 4 lower_threshold 1 connections 0+0",
    ]
    assert "services[0]" in run("ipvs_info", services=[{"address": "192.0.2.1"}])["msg"]
