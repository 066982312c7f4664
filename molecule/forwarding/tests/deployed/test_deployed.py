# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a reboot, the machine itself has restored everything in converge.yml."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

testinfra_hosts = ["ansible://directors"]

TUNNELS = {"ipvs-ipip": "192.0.2.11", "ipvs-sit": "192.0.2.11", "ipvs-ip6tnl": "2001:db8:5::11", "ipvs-ip6gre": "2001:db8:5::11"}
RULE = "ip{} daddr {} tcp dport {{ 80, 443, 8000-8099 }} meta mark set 0x00000001"


@pytest.fixture(scope="module")
def links(host: Any) -> dict[str, Any]:
    return {each["ifname"]: each for each in json.loads(host.check_output("ip -details -json address show"))}


def addresses(link: dict[str, Any]) -> dict[str, Any]:
    return {f"{each['local']}/{each['prefixlen']}": each for each in link["addr_info"]}


@pytest.mark.parametrize("name", ["ipvs_realserver", "ipvs_director_fwmark"])
def test_the_service_ran_before_the_network(host: Any, name: str) -> None:
    assert host.check_output(f"systemctl is-active {name}.service") == "active"
    ended, began = (
        int(host.check_output(f"systemctl show --property {property_} --value {unit}"))
        for property_, unit in (("ExecMainExitTimestampMonotonic", f"{name}.service"), ("ActiveEnterTimestampMonotonic", "network.target"))
    )
    assert 0 < ended < began


def test_the_virtual_addresses_exist(links: dict[str, Any]) -> None:
    found = addresses(links["ipvs-vip"])
    assert links["ipvs-vip"]["linkinfo"]["info_kind"] == "dummy"
    assert found.keys() == {"198.51.100.3/32", "2001:db8:c::3/128"}
    assert found["2001:db8:c::3/128"]["preferred_life_time"] == 0


@pytest.mark.parametrize("name", TUNNELS)
def test_the_tunnels_exist(host: Any, links: dict[str, Any], name: str) -> None:
    assert links[name]["linkinfo"]["info_data"]["local"] == TUNNELS[name]
    assert "UP" in links[name]["flags"]
    if name != "ipvs-sit":
        assert "198.51.100.3/32" in addresses(links[name])
        assert host.check_output(f"cat /proc/sys/net/ipv4/conf/{name}/rp_filter") == "2"


def test_nothing_else_exists(links: dict[str, Any]) -> None:
    assert {name for name in links if name.startswith("ipvs-")} == {"ipvs-vip", *TUNNELS}


def test_options_of_a_tunnel_are_kept(links: dict[str, Any]) -> None:
    assert links["ipvs-ip6gre"]["mtu"] == 1400
    assert links["ipvs-ip6gre"]["linkinfo"]["info_data"]["icsum"] is True


def test_gue_is_received(host: Any) -> None:
    assert sorted(host.check_output("ip fou show").splitlines()) == ["port 6080 gue", "port 6081 gue -6"]


def test_the_machine_does_not_answer_arp_for_the_virtual_addresses(host: Any) -> None:
    assert host.check_output("cat /proc/sys/net/ipv4/conf/all/arp_ignore /proc/sys/net/ipv4/conf/all/arp_announce").split() == ["1", "2"]


def test_packets_are_marked(host: Any) -> None:
    said = host.check_output("nft list table inet ipvs_director")
    assert RULE.format("", "198.51.100.3") in said
    assert RULE.format("6", "2001:db8:c::3") in said


def test_tcp_clients_are_told_the_mss(host: Any) -> None:
    said = host.check_output("nft list table inet ipvs_realserver")
    # nftables of Debian 12 and of Debian 13 print the same flags in two ways.
    flags = r"tcp flags (syn / syn,rst|& \(syn \| rst\) == syn)"
    assert re.search(rf"ip saddr 198\.51\.100\.3 {flags} tcp option maxseg size set 1360\n", said)
    assert re.search(rf"ip6 saddr 2001:db8:c::3 {flags} tcp option maxseg size set 1340\n", said)


@pytest.mark.parametrize("command", ["start", "restart", "reload"])
def test_the_rules_survive_a_flush_by_debians_own(host: Any, command: str) -> None:
    """They begin with "flush ruleset"."""
    assert "flush ruleset" in host.check_output("cat /etc/nftables.conf")
    before = host.check_output("nft list table inet ipvs_director; nft list table inet ipvs_realserver")
    host.check_output(f"systemctl {command} nftables.service")
    assert host.check_output("nft list table inet ipvs_director; nft list table inet ipvs_realserver") == before
