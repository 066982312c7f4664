# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a VM: everything the module ipvs_realserver sets up is needed. Traffic stops without any one of its steps.

And the code itself, where only a kernel can show the effect: refusing, undoing, removing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forwarding.combinations import WORKS, Kind, Way
from forwarding.laboratory import laboratory
from forwarding.measure import FWMARKS, MARKED_PORTS, Measure
from forwarding.neighbours import asked_as, hardware_address, who_has
from forwarding.network import REAL_SERVERS, VIPS, inside, ip, run
from forwarding.programs import Programs, Refused, wanted

IPIP, GRE = Way("tunnel", "ipip"), Way("tunnel", "gre")
TUNNELS = {"ipip": IPIP, "ip6tnl": Way("tunnel", "ipip", 4, 6), "gre": GRE, "ip6gre": Way("tunnel", "gre", 4, 6)}
NO_ANSWER = "no answer"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs(tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def measure(programs: Programs) -> Iterator[Measure]:
    with laboratory(programs) as one:
        yield one


def outcome(measure: Measure, way: Way, protocol: str = "udp") -> str:
    return measure.outcome(way, protocol, Kind())


@contextlib.contextmanager
def changed(namespace: str, setting: str, value: str) -> Iterator[None]:
    """A kernel's setting of a namespace, other than it was, for a while."""
    path = Path("/proc/sys/net", setting)
    with inside(namespace):
        before = path.read_text(encoding="ascii")
        path.write_text(value, encoding="ascii")
    yield
    with inside(namespace):
        path.write_text(before, encoding="ascii")


@contextlib.contextmanager
def without(programs: Programs, *lines: str) -> Iterator[None]:
    """A real server after some commands of ip(8); then another run of the program makes it good again."""
    ip("rs1", list(lines))
    yield
    assert programs.real_server("rs1") != []


def state(namespace: str) -> Any:
    """Interfaces, addresses, settings and GUE ports of a namespace, except those the tunnel modules create."""
    links = json.loads(run("ip", "-n", namespace, "-details", "-json", "address", "show"))
    settings = run("sysctl", "--all", "--pattern", r"\.(arp_|rp_filter)", namespace=namespace)
    ports = run("ip", "fou", "show", namespace=namespace)
    own = [link for link in links if link["ifname"] in ("lo", "eth0") or link["ifname"].startswith("ipvs-")]
    kept = [line for line in settings.splitlines() if any(f".{name}." in line for name in ("all", "default", "lo", "eth0"))]
    return own, kept, ports


# -- silence ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", VIPS)
def test_only_the_director_answers_for_the_virtual_addresses(measure: Measure, family: int) -> None:
    assert who_has(VIPS[family]) == {hardware_address("director")}


@pytest.fixture
def misled_client() -> Iterator[None]:
    """The client believes every ARP reply, and would keep sending to the wrong machine."""
    yield
    ip("client", ["neigh flush all"])


@pytest.mark.usefixtures("misled_client")
def test_without_arp_ignore_the_real_server_answers_too(measure: Measure) -> None:
    with changed("rs1", "ipv4/conf/all/arp_ignore", "0"):
        assert who_has(VIPS[4]) == {hardware_address("director"), hardware_address("rs1")}


def test_the_real_server_never_asks_as_the_virtual_address(measure: Measure) -> None:
    assert asked_as("rs1", VIPS[4]) == {REAL_SERVERS["rs1"][4]}


@pytest.mark.usefixtures("misled_client")
def test_without_arp_announce_the_real_server_asks_as_the_virtual_address(measure: Measure) -> None:
    with changed("rs1", "ipv4/conf/all/arp_announce", "0"):
        assert asked_as("rs1", VIPS[4]) == {VIPS[4]}


def test_the_virtual_address_is_never_the_source_of_its_own_connections(measure: Measure) -> None:
    """Of its IPv6 addresses, for a connection that it opens itself; IPv4 prefers those of the interface anyway."""
    for family, target in ((4, "192.0.2.1"), (6, "2001:db8:5::1"), (6, "2001:db8:c::10")):
        (route,) = json.loads(run("ip", "-n", "rs1", "-json", f"-{family}", "route", "get", target))
        assert route["prefsrc"] == REAL_SERVERS["rs1"][family]


# -- tunnels ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TUNNELS)
def test_the_tunnel_itself_is_needed(measure: Measure, programs: Programs, kind: str) -> None:
    # Its module may have added one that accepts anything; that one is down.
    with without(programs, f"link set ipvs-{kind} down"):
        assert outcome(measure, TUNNELS[kind]) != WORKS
    assert outcome(measure, TUNNELS[kind]) == WORKS


@pytest.mark.parametrize("kind", TUNNELS)
def test_rp_filter_is_loose(measure: Measure, kind: str) -> None:
    """The greater of two values counts, and all of them together are strict here: no 0 on the interface would help."""
    for value in ("0", "1"):
        with changed("rs1", f"ipv4/conf/ipvs-{kind}/rp_filter", value):
            assert outcome(measure, TUNNELS[kind]) == NO_ANSWER
    assert outcome(measure, TUNNELS[kind]) == WORKS


@pytest.mark.parametrize("kind", TUNNELS)
def test_rp_filter_needs_an_address_on_the_tunnel(measure: Measure, programs: Programs, kind: str) -> None:
    with without(programs, f"address del {VIPS[4]}/32 dev ipvs-{kind}"):
        assert outcome(measure, TUNNELS[kind]) == NO_ANSWER
    assert outcome(measure, TUNNELS[kind]) == WORKS


def test_both_sides_must_agree_about_checksums_of_gre(measure: Measure, programs: Programs) -> None:
    ways = [Way("tunnel", "gre", 4, real) for real in (4, 6)]
    for name in REAL_SERVERS:
        programs.real_server(name, wanted(name, tunnel_flags=["csum"]))
    for way in ways:
        assert outcome(measure, way) == NO_ANSWER
        assert measure.outcome(way, "udp", Kind(), tunnel_flags=["csum"]) == WORKS
    for name in REAL_SERVERS:
        programs.real_server(name)
    for way in ways:
        assert outcome(measure, way) == WORKS
        assert measure.outcome(way, "udp", Kind(), tunnel_flags=["csum"]) == NO_ANSWER


@pytest.mark.parametrize("flag", ["csum", "remcsum"])
@pytest.mark.parametrize("real", [4, 6])
def test_gue_accepts_any_checksum(measure: Measure, real: int, flag: str) -> None:
    assert measure.outcome(Way("tunnel", "gue", 4, real), "udp", Kind(), tunnel_flags=[flag]) == WORKS


# -- the longest packets ---------------------------------------------------------------------------------------------------

DEAF = """\
table inet deaf {
  chain input {
    type filter hook input priority filter;
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}
"""


@pytest.mark.parametrize(("way", "mtu"), [(IPIP, 1480), (Way("tunnel", "gre", 6, 6), 1456)])
def test_with_an_mtu_clients_need_no_icmp(measure: Measure, programs: Programs, way: Way, mtu: int) -> None:
    """Without it, the clients send one packet that is too long, and stall."""
    run("nft", DEAF, namespace="client")
    try:
        assert outcome(measure, way, "tcp") == f"long packets: {NO_ANSWER}"
        for name in REAL_SERVERS:
            programs.real_server(name, wanted(name, mtu=mtu))
        assert outcome(measure, way, "tcp") == WORKS
        for name in REAL_SERVERS:
            programs.real_server(name, wanted(name, mtu=mtu + 1))
        assert outcome(measure, way, "tcp") == f"long packets: {NO_ANSWER}"
    finally:
        run("nft", "delete table inet deaf", namespace="client")
        for name in REAL_SERVERS:
            programs.real_server(name)


# -- the programs ----------------------------------------------------------------------------------------------------------


def test_a_dry_run_predicts_a_run_and_leaves_nothing(measure: Measure, programs: Programs) -> None:
    run("ip", "netns", "add", "other")
    try:
        before = state("other")
        want = wanted("rs1")
        said = programs.real_server("other", want, check=True)
        assert state("other") == before
        assert programs.real_server("other", want) == said
        assert programs.real_server("other", want, check=True) == []
        less = {**want, "interface": "lo", "tunnels": want["tunnels"][:1]}
        assert programs.real_server("other", less, check=True) == programs.real_server("other", less) != []
        assert programs.real_server("other", less) == []
        said = programs.real_server("other", absent=True, check=True)
        assert programs.real_server("other", absent=True) == said != []
        assert state("other") == before
        assert not programs.record("other").exists()
    finally:
        run("ip", "netns", "del", "other")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("link add ipvs-vip type bridge", "Interface ipvs-vip exists"),
        ("link add mine type ipip local 192.0.2.11", "mine is one"),
        ("address add 198.51.100.3/24 dev lo", "lo has 198.51.100.3/24"),
    ],
)
def test_foreign_interfaces_and_addresses_are_left_alone(measure: Measure, programs: Programs, line: str, words: str) -> None:
    run("ip", "netns", "add", "other")
    try:
        ip("other", [line])
        before = state("other")
        for check in (True, False):
            with pytest.raises(Refused, match=words):
                programs.real_server("other", wanted("rs1"), check=check)
        assert state("other") == before
    finally:
        run("ip", "netns", "del", "other")


def test_a_failure_halfway_is_undone(measure: Measure, programs: Programs) -> None:
    run("ip", "netns", "add", "other")
    try:
        before = state("other")
        want = wanted("rs1")
        # No plan can know this: slightly too long, by the kernel's own header.
        want["tunnels"][-1]["mtu"] = 65535
        with pytest.raises(Refused, match=r"mtu 65535: .*The earlier changes were undone"):
            programs.real_server("other", want)
        assert state("other") == before
        assert not programs.record("other").exists()
    finally:
        run("ip", "netns", "del", "other")


# -- firewall marks --------------------------------------------------------------------------------------------------------


def test_marks_are_set_once_and_nothing_else_is_touched(measure: Measure, programs: Programs) -> None:
    run("nft", "add table inet mine", namespace="director")
    run("nft", "add chain inet mine input { type filter hook input priority 0; }", namespace="director")
    mine = run("nft", "list", "table", "inet", "mine", namespace="director")
    assert programs.mark(FWMARKS, MARKED_PORTS) == []
    marks = [{"fwmark": 7, "addresses": ["198.51.100.0/28", "2001:db8:c::3"], "ports": ["80", "8000-8099"], "protocol": "sctp"}]
    assert programs.mark_all(marks, check=True) == programs.mark_all(marks) == ["change table inet ipvs_director"]
    assert programs.mark_all(marks) == []
    run("nft", "add rule inet ipvs_director prerouting meta mark set 9", namespace="director")
    assert programs.mark_all(marks) == ["change table inet ipvs_director"]
    listed = run("nft", "list", "table", "inet", "ipvs_director", namespace="director")
    assert "ip daddr 198.51.100.0/28 sctp dport { 80, 8000-8099 } meta mark set 0x00000007" in listed
    assert "0x00000009" not in listed
    assert programs.mark_all([], check=True) == programs.mark_all([]) == ["delete table inet ipvs_director"]
    assert programs.mark_all([]) == []
    assert run("nft", "list", "ruleset", namespace="director") == mine
    assert measure.outcome(IPIP, "udp", Kind(fwmark=True)) == "connection refused"
    programs.mark(FWMARKS, MARKED_PORTS)
    assert measure.outcome(IPIP, "udp", Kind(fwmark=True)) == WORKS
