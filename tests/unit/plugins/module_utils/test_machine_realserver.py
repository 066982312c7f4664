# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a real server, without a machine. The scenario ``forwarding`` tests that it works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import realserver_record
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import ARP, Found, Link, Request, Tunnel, Wanted
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_plan import plan
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_record import Record
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_wanted import wanted
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError, IpvsUnavailableError

BARE = Found(
    {"lo": Link(""), "eth0": Link("")},
    frozenset(),
    frozenset(),
    {"all/arp_ignore": "0", "all/arp_announce": "0"},
)
GUE = Tunnel("gue", "192.0.2.11", 6080)


VIPS = ("198.51.100.3", "2001:DB8::3")


def request(*tunnels: Tunnel, vips: tuple[str, ...] = VIPS, interface: str = "ipvs-vip") -> Request:
    return Request(interface, vips, tunnels)


def want(asked: Request, found: Found = BARE) -> Wanted:
    return wanted(asked, found.links)


def after(target: Wanted, record: Record, found: Found = BARE) -> Found:
    """The machine after a run, as it would be read."""
    return Found(
        {**{name: link for name, link in found.links.items() if name not in record.links}, **target.links},
        target.addresses,
        target.ports,
        {**found.settings, **{name: values[0] for name, values in target.settings.items()}},
        target.segments or None,
    )


def made(target: Wanted) -> Record:
    return Record(None, frozenset(target.links), target.addresses, target.ports, dict.fromkeys(ARP, "0"))


def texts(target: Wanted, found: Found, record: Record) -> list[str]:
    return [change.text for change in plan(target, found, record)]


# -- the request -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tunnel_type", "address", "kinds"),
    [
        ("ipip", "192.0.2.11", {"ipip", "sit"}),
        ("ipip", "2001:db8::11", {"ip6tnl"}),
        ("gre", "192.0.2.11", {"gre"}),
        ("gre", "2001:db8::11", {"ip6gre"}),
    ],
)
def test_interfaces_match_inner_and_outer_families(tunnel_type: str, address: str, kinds: set[str]) -> None:
    target = want(request(Tunnel(tunnel_type, address)))
    assert {link.kind for name, link in target.links.items() if name != "ipvs-vip"} == kinds


def test_interfaces_that_carry_ipv4_have_its_addresses_and_loose_rp_filter() -> None:
    target = want(request(GUE))
    assert {name for name in target.settings if name.endswith("rp_filter")} == {"ipvs-ipip/rp_filter"}
    assert target.addresses == {("ipvs-vip", "198.51.100.3/32"), ("ipvs-vip", "2001:db8::3/128"), ("ipvs-ipip", "198.51.100.3/32")}


def test_only_families_in_use_get_an_interface() -> None:
    assert set(want(request(GUE, vips=("2001:db8::3",))).links) == {"ipvs-vip", "ipvs-sit"}


def test_the_loopback_interface_is_not_made() -> None:
    target = want(request(interface="lo"))
    assert target.links == {}
    assert {interface for interface, _address in target.addresses} == {"lo"}


def test_a_second_address_gets_its_own_interface() -> None:
    first, second = (Tunnel("gre", address) for address in ("192.0.2.11", "192.0.2.12"))
    target = want(request(first))
    both = want(request(second, first), after(target, Record()))
    assert {name: link.local for name, link in both.links.items() if link.local} == {"ipvs-gre": "192.0.2.11", "ipvs-gre1": "192.0.2.12"}


def test_ipip_and_gue_share_their_interfaces_with_the_mtu_of_either() -> None:
    target = want(request(Tunnel("ipip", "192.0.2.11"), GUE._replace(mtu=1400)))
    assert target.links["ipvs-ipip"].mtu == 1400
    assert target.ports == {(4, 6080)}


@pytest.mark.parametrize(
    ("tunnels", "vips", "words"),
    [
        ([], ["198.51.100.3/24"], r"vips\[0\].* is a network"),
        ([], ["www.example.org"], r"vips\[0\].*not an IP address"),
        ([], ["5"], r"vips\[0\]: '5' is not"),
        ([Tunnel("gre", "5")], ["198.51.100.3"], r"tunnels\[0\].address: '5' is not"),
        (
            [Tunnel("gre", "192.0.2.11", tunnel_flags=("nocsum", "csum"))],
            ["198.51.100.3"],
            r"tunnels\[0\].tunnel_flags: csum and nocsum exclude",
        ),
        ([Tunnel("gue", "192.0.2.11")], ["198.51.100.3"], r"tunnels\[0\].tunnel_port"),
        ([GUE._replace(tunnel_type="ipip")], ["198.51.100.3"], r"tunnels\[0\].tunnel_port"),
        ([GUE._replace(tunnel_port=65536)], ["198.51.100.3"], r"tunnels\[0\].tunnel_port"),
        ([GUE._replace(mtu=575)], ["198.51.100.3"], r"tunnels\[0\].mtu: 575 .*576 to"),
        ([GUE._replace(mtu=1279)], ["198.51.100.3", "2001:db8::3"], r"tunnels\[0\].mtu: 1279 .*1280 to"),
        ([GUE._replace(mtu=1400), GUE._replace(tunnel_port=6081, mtu=1300)], ["198.51.100.3"], r"tunnels\[1\].*mtu 1400"),
        (
            [Tunnel("gre", "192.0.2.11"), Tunnel("gre", "192.0.2.11", tunnel_flags=("csum",))],
            ["198.51.100.3"],
            r"tunnels\[1\].tunnel_flags: an earlier",
        ),
    ],
)
def test_impossible_values_are_refused(tunnels: list[Tunnel], vips: list[str], words: str) -> None:
    with pytest.raises(IpvsInputError, match=words):
        want(request(*tunnels, vips=tuple(vips)))


def test_segments_fit_into_the_narrowest_tunnel_with_their_headers() -> None:
    target = want(request(GUE._replace(mtu=1400), Tunnel("gre", "192.0.2.11", mtu=1450)))
    assert target.segments == {"198.51.100.3": 1360, "2001:db8::3": 1340}


# -- the plan --------------------------------------------------------------------------------------------------------------


def test_arp_settings_come_first_and_addresses_last() -> None:
    planned = texts(want(request(GUE)), BARE, Record())
    assert planned[:2] == ["net/ipv4/conf/all/arp_ignore: 0 -> 1", "net/ipv4/conf/all/arp_announce: 0 -> 2"]
    assert [each.startswith("add ") and " to " in each for each in planned] == [False] * (len(planned) - 3) + [True] * 3


def test_removal_is_in_reverse_order() -> None:
    target = want(request(GUE, interface="lo"))
    planned = texts(Wanted(), after(target, Record()), made(target))
    assert planned[:2] == ["remove 198.51.100.3/32 from lo", "remove 2001:db8::3/128 from lo"]
    assert planned[-2:] == ["net/ipv4/conf/all/arp_announce: 2 -> 0", "net/ipv4/conf/all/arp_ignore: 1 -> 0"]


@pytest.mark.parametrize("mtu", [None, 1400])
def test_a_matching_machine_needs_no_changes(mtu: int | None) -> None:
    target = want(request(GUE._replace(mtu=mtu)))
    assert texts(target, after(target, Record()), made(target)) == []


def test_stricter_arp_settings_are_good_enough() -> None:
    found = BARE._replace(settings={"all/arp_ignore": "2", "all/arp_announce": "2"})
    assert not [text for text in texts(want(request(), found), found, Record()) if "arp" in text]


def test_only_recorded_entries_are_removed() -> None:
    target = want(request(GUE))
    found = after(target, Record())
    record = made(target)._replace(links=frozenset(["ipvs-sit"]), addresses=frozenset(), ports=frozenset(), before={})
    assert texts(Wanted(), found, record) == ["remove interface ipvs-sit"]


def test_a_setting_changed_by_others_is_left_alone() -> None:
    target = want(request())
    whole = after(target, Record())
    found = whole._replace(settings={**whole.settings, "all/arp_ignore": "8"})
    assert not [text for text in texts(Wanted(), found, made(target)) if "arp_ignore" in text]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"up": False}, "set ipvs-gre up"),
        ({"mtu": 1476}, "mtu of ipvs-gre: 1476 -> 1400"),
        ({"csum": True}, "ipvs-gre: without checksums"),
    ],
)
def test_a_differing_interface_is_corrected(change: dict[str, Any], text: str) -> None:
    target = want(request(Tunnel("gre", "192.0.2.11", mtu=1400)))
    whole = after(target, Record())
    found = whole._replace(links={**whole.links, "ipvs-gre": whole.links["ipvs-gre"]._replace(**change)})
    assert texts(target, found, made(target)) == [text]


def test_every_addition_can_be_undone() -> None:
    target = want(request(GUE))
    final = [change for change in plan(target, BARE, Record()) if not change.undo]
    # That one goes with its interface.
    assert [change.text for change in final] == ["net/ipv4/conf/ipvs-ipip/rp_filter -> 2"]


def test_the_table_of_segments_goes_with_the_mtu() -> None:
    narrow, target = (want(request(GUE._replace(mtu=mtu))) for mtu in (1400, None))
    assert texts(target, after(narrow, Record()), made(target)) == ["delete table inet ipvs_realserver"]


# -- names -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "a#b", "sixteen_letters_"])
def test_a_name_that_no_interface_can_have_is_refused(name: str) -> None:
    with pytest.raises(IpvsInputError, match=r"interface: .* is not a name of 1 to 15 letters"):
        want(request(interface=name))


# -- the record ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "record.json"
    path.parent.mkdir()
    monkeypatch.setattr(realserver_record, "PATH", str(path))
    return path


def test_a_record_is_read_as_it_was_written(path: Path) -> None:
    record = made(want(request(GUE)))._replace(request=request(GUE))
    realserver_record.save(record)
    assert realserver_record.load() == record
    assert [each.name for each in path.parent.iterdir()] == ["record.json"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_record_is_no_file(path: Path) -> None:
    realserver_record.save(Record(request()))
    realserver_record.save(Record())
    assert not path.parent.exists()
    assert realserver_record.load() == Record()


def test_the_record_of_0_1_0_is_read(path: Path) -> None:
    tunnel = {"tunnel_type": "gre", "address": "192.0.2.11", "tunnel_port": None, "tunnel_flags": "nocsum", "mtu": 0}
    content = {
        "wanted": {"interface": "lo", "vips": ["198.51.100.3"], "tunnels": [tunnel, {"tunnel_type": "ipip", "address": "192.0.2.11"}]},
        "made": {"links": ["ipvs-gre"], "addresses": [["lo", "198.51.100.3/32"]], "ports": [[4, 6080]]},
        "before": {"all/arp_ignore": "0"},
    }
    path.write_text(json.dumps(content))
    assert realserver_record.load() == Record(
        Request("lo", ("198.51.100.3",), (Tunnel("gre", "192.0.2.11", tunnel_flags=("nocsum",), mtu=0), Tunnel("ipip", "192.0.2.11"))),
        frozenset(["ipvs-gre"]),
        frozenset([("lo", "198.51.100.3/32")]),
        frozenset([(4, 6080)]),
        {"all/arp_ignore": "0"},
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        "\x00\x00",
        '{"wanted": 5, "made": {}, "before": {}}',
        '{"wanted": null, "made": {"links": "ab", "addresses": [], "ports": []}, "before": {}}',
        '{"wanted": null, "made": {"links": [], "addresses": [["lo"]], "ports": []}, "before": {}}',
        '{"wanted": null, "made": {"links": [], "addresses": [], "ports": [[4, "x"]]}, "before": {}}',
        '{"wanted": null, "made": {"links": [], "addresses": [], "ports": []}, "before": []}',
    ],
)
def test_a_damaged_record_is_a_clear_error(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(IpvsUnavailableError, match=r"record.json is damaged.*Restore the file; or remove it"):
        realserver_record.load()
