# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instances of each director of a group, from the variable that all of them share."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.director.plugins.filter.vrrp_instances import vrrp_instances
from ansible_collections.lvs.director.plugins.filter.vrrp_unknown_hosts import vrrp_unknown_hosts
from ansible_collections.lvs.director.plugins.module_utils._machine.vrrp_configuration import instances_of
from ansible_collections.lvs.director.plugins.modules.ipvs_vrrp import vrrp_module_spec

Values = dict[str, Any]

GROUP: Values = {"router_id": 51, "interface": "eth1", "peers": ["director-1", "director-2", "director-3"]}
VIPS: list[Values] = [{"address": "10.0.0.100/32", "interface": "eth1"}, {"address": "10.9.0.1/24", "interface": "eth-2"}]


def facts(*addresses: str, interface: str = "eth1") -> Values:
    """Return facts as Ansible has them: the first IPv4 address, then the others, and IPv6."""
    ipv4 = [{"address": address} for address in addresses if ":" not in address]
    ipv6 = [{"address": address, "scope": "link" if address.startswith("fe80") else "global"} for address in addresses if ":" in address]
    return {"ansible_facts": {interface: {"ipv4": ipv4[:1] and ipv4[0], "ipv4_secondaries": ipv4[1:], "ipv6": ipv6}}}


HOSTS: Values = {f"director-{number}": facts(f"10.0.0.{number}", "fe80::1", f"2001:db8::{number}") for number in (1, 2, 3)}


def short(instances: list[Values]) -> list[tuple[Any, ...]]:
    return [(each["router_id"], each["address"], each["peers"], each["priority"]) for each in instances]


def test_each_director_has_the_same_instance_with_its_own_priority() -> None:
    found = [vrrp_instances(GROUP, VIPS, name, HOSTS) for name in HOSTS]
    assert [short(each) for each in found] == [
        [(51, "10.0.0.1", ["10.0.0.2", "10.0.0.3"], 100)],
        [(51, "10.0.0.2", ["10.0.0.1", "10.0.0.3"], 90)],
        [(51, "10.0.0.3", ["10.0.0.1", "10.0.0.2"], 80)],
    ]
    assert found[0][0]["name"] == "ipvs_director_51"
    assert found[0][0]["vips"] == VIPS


def test_the_module_takes_what_the_filter_makes() -> None:
    group = {**GROUP, "advertisement_interval": 0.5, "preempt": True, "authentication": "none", "allow_fallback": False}
    (found,) = vrrp_instances(group, VIPS, "director-1", HOSTS)
    assert found.keys() <= vrrp_module_spec()["argument_spec"]["instances"]["options"].keys()
    (instance,) = instances_of([found])
    assert (instance.advertisement_interval, instance.preempt) == (0.5, True)


def test_two_sets_of_addresses_make_two_directors_active() -> None:
    vips = [{**VIPS[0], "router_id": 52}, VIPS[1], {**VIPS[0], "address": "10.0.0.101/32", "router_id": "52"}]
    first, second, third = (short(vrrp_instances(GROUP, vips, name, HOSTS)) for name in HOSTS)
    assert [(each[0], each[3]) for each in first] == [(52, 100), (51, 80)]
    assert [(each[0], each[3]) for each in second] == [(52, 90), (51, 100)]
    assert [(each[0], each[3]) for each in third] == [(52, 80), (51, 90)]
    assert [len(each["vips"]) for each in vrrp_instances(GROUP, vips, "director-1", HOSTS)] == [2, 1]
    assert all(set(vip) == {"address", "interface"} for each in vrrp_instances(GROUP, vips, "director-1", HOSTS) for vip in each["vips"])


def test_priorities_of_many_directors_fall_to_the_last_one() -> None:
    hosts = {f"d{number}": facts(f"10.0.1.{number}") for number in range(19)}
    group = {**GROUP, "peers": list(hosts)}
    found = [vrrp_instances(group, VIPS, name, hosts)[0]["priority"] for name in hosts]
    assert found == sorted(set(found), reverse=True)
    assert (found[0], found[9], found[-1]) == (100, 10, 1)


@pytest.mark.parametrize(
    ("group", "hosts", "expected"),
    [
        # Its own first of all, by variable.
        ({"address": "10.7.0.1"}, {}, ("10.7.0.1", ["10.0.0.2", "10.0.0.3"], 100)),
        # Another one's, by variable of its own.
        ({}, {"director-2": {"ipvs_director_vrrp": {"address": "10.7.0.2"}}}, ("10.0.0.1", ["10.7.0.2", "10.0.0.3"], 100)),
        (
            {},
            {"director-2": {"ipvs_director_vrrp": {"interface": "ens3"}, **facts("10.8.0.2", interface="ens3")}},
            ("10.0.0.1", ["10.8.0.2", "10.0.0.3"], 100),
        ),
        # Addresses in place of names.
        ({"peers": ["10.0.0.3", "10.0.0.1"]}, {}, ("10.0.0.1", ["10.0.0.3"], 90)),
        ({"peers": ["10.0.0.3", "director-1"]}, {}, ("10.0.0.1", ["10.0.0.3"], 90)),
        ({"peers": ["director-2"], "priority": 7}, {}, ("10.0.0.1", ["10.0.0.2"], 7)),
        ({"priority": 7}, {}, ("10.0.0.1", ["10.0.0.2", "10.0.0.3"], 7)),
        # The family of what is given, else IPv4 where there is one.
        ({"address": "2001:DB8::1"}, {}, ("2001:db8::1", ["2001:db8::2", "2001:db8::3"], 100)),
        ({"peers": ["director-1", "2001:db8::9"]}, {}, ("2001:db8::1", ["2001:db8::9"], 100)),
        ({}, {name: facts("fe80::1", f"2001:db8::a{name[-1]}") for name in HOSTS}, ("2001:db8::a1", ["2001:db8::a2", "2001:db8::a3"], 100)),
        # A virtual address is nobody's own, wherever it is at the moment.
        (
            {},
            {"director-1": facts("10.0.0.100", "10.0.0.1"), "director-2": facts("10.9.0.1", "10.0.0.2")},
            ("10.0.0.1", ["10.0.0.2", "10.0.0.3"], 100),
        ),
    ],
)
def test_where_addresses_come_from(group: Values, hosts: Values, expected: tuple[Any, ...]) -> None:
    (found,) = short(vrrp_instances({**GROUP, **group}, VIPS, "director-1", {**HOSTS, **hosts}))
    assert found[1:] == expected


def test_the_name_of_an_interface_is_a_key_of_facts() -> None:
    hosts = {name: facts(f"10.0.0.{name[-1]}", interface="br_lan_1") for name in HOSTS}
    (found,) = vrrp_instances({**GROUP, "interface": "br-lan:1"}, VIPS, "director-1", hosts)
    assert (found["interface"], found["address"]) == ("br-lan:1", "10.0.0.1")


@pytest.mark.parametrize(
    ("group", "hosts", "message"),
    [
        (
            {},
            {"director-2": {}},
            "ipvs_director_vrrp.peers: the IPv4 address of director-2 is not known: neither ipvs_director_vrrp.address of that host, nor "
            "facts of its interface eth1. Set ipvs_director_vrrp.address in the inventory, or list the address itself",
        ),
        ({"address": "2001:db8::1"}, {"director-3": facts("10.0.0.3")}, "the IPv6 address of director-3 is not known"),
        ({"peers": ["director-2"]}, {}, "director-1 is not in it, so its priority is not known. List all directors, in the same order"),
        ({"peers": ["director-1", "director-9"]}, {}, "peers[1]: 'director-9' is neither a host of the inventory nor an IP address"),
        ({}, {"director-2": facts("10.0.0.1")}, "peers[1]: director-1 and director-2 have the same address, 10.0.0.1"),
        ({"address": "eth1"}, {}, "ipvs_director_vrrp.address: 'eth1' of director-1 is not an IPv4 or IPv6 address"),
    ],
)
def test_what_is_not_known_is_named(group: Values, hosts: Values, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as failed:
        vrrp_instances({**GROUP, **group}, VIPS, "director-1", {**HOSTS, **hosts})
    assert message in str(failed.value)


def test_without_addresses_there_is_nothing_to_share() -> None:
    with pytest.raises(AnsibleFilterError, match="ipvs_director_vips is empty, so there is nothing to take over"):
        vrrp_instances(GROUP, [], "director-1", HOSTS)
    for each in (vrrp_instances, vrrp_unknown_hosts):
        with pytest.raises(AnsibleFilterError, match=r"ipvs_director_vips\[0\].address: 'x' is not an IP address"):
            each(GROUP, [{"address": "x", "interface": "eth1"}], "director-1", HOSTS)


def test_whose_facts_are_missing() -> None:
    assert vrrp_unknown_hosts(GROUP, VIPS, "director-1", HOSTS) == []
    assert vrrp_unknown_hosts(GROUP, VIPS, "director-1", {name: {} for name in HOSTS}) == list(HOSTS)
    hosts = {**HOSTS, "director-1": {}, "director-2": {"ipvs_director_vrrp": {"address": "10.0.0.2"}}, "director-3": facts("10.0.0.100")}
    assert vrrp_unknown_hosts({**GROUP, "address": "10.0.0.1"}, VIPS, "director-1", hosts) == ["director-3"]
    # An address needs no facts.
    assert vrrp_unknown_hosts({**GROUP, "peers": ["10.0.0.2"]}, VIPS, "director-1", HOSTS) == []
