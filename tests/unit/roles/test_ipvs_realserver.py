# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's program plans for a machine, without one; that it then works is tested in the scenario ``forwarding``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_realserver as installed
import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._options.table import TABLE_SERVICE_SPEC

from forwarding.programs import load_program

ROLE = Path(next(iter(installed.__path__)))
program = load_program(ROLE / "files" / "realserver.py")

BARE = program.Found(
    {"lo": program.Link(""), "eth0": program.Link("")},
    frozenset(),
    frozenset(),
    {"all/arp_ignore": "0", "all/arp_announce": "0"},
)
GUE = {"tunnel_type": "gue", "address": "192.0.2.11", "tunnel_port": 6080}


VIPS = ("198.51.100.3", "2001:DB8::3")


def request(*tunnels: dict[str, Any], vips: tuple[str, ...] = VIPS, interface: str = "ipvs-vip") -> dict[str, Any]:
    return {"interface": interface, "vips": list(vips), "tunnels": list(tunnels)}


def after(want: Any, record: Any, found: Any = BARE) -> Any:
    """The machine after a run, as the program would read it."""
    return program.Found(
        {**{name: link for name, link in found.links.items() if name not in record.links}, **want.links},
        want.addresses,
        want.ports,
        {**found.settings, **{name: values[0] for name, values in want.settings.items()}},
        want.segments or None,
    )


def made(want: Any) -> Any:
    return program.Record(None, set(want.links), set(want.addresses), set(want.ports), dict.fromkeys(program.ARP, "0"))


def texts(want: Any, found: Any, record: Any) -> list[str]:
    return [step.text for step in program.plan(want, found, record)]


def specification() -> dict[str, Any]:
    content = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    options: dict[str, Any] = content["argument_specs"]["main"]["options"]
    return options


# -- what is wanted --------------------------------------------------------------------------------------------------------


def test_documented_defaults_are_the_defaults() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    assert {name: option["default"] for name, option in specification().items()} == defaults


def test_a_tunnel_is_told_in_the_words_of_a_destination() -> None:
    destination = TABLE_SERVICE_SPEC["destinations"]["options"]
    for name, option in specification()["ipvs_realserver_tunnels"]["options"].items():
        if name != "mtu":
            assert option["type"] == destination[name]["type"]
            assert sorted(option.get("choices", [])) == sorted(destination[name].get("choices", []))


@pytest.mark.parametrize(
    ("tunnel_type", "address", "kinds"),
    [
        ("ipip", "192.0.2.11", {"ipip", "sit"}),
        ("ipip", "2001:db8::11", {"ip6tnl"}),
        ("gre", "192.0.2.11", {"gre"}),
        ("gre", "2001:db8::11", {"ip6gre"}),
    ],
)
def test_interfaces_are_those_for_the_families_inside_and_outside(tunnel_type: str, address: str, kinds: set[str]) -> None:
    want = program.wanted(request({"tunnel_type": tunnel_type, "address": address}), BARE)
    assert {link.kind for name, link in want.links.items() if name != "ipvs-vip"} == kinds


def test_what_carries_ipv4_has_the_ipv4_addresses_and_is_loose() -> None:
    want = program.wanted(request(GUE), BARE)
    assert {name for name in want.settings if name.endswith("rp_filter")} == {"ipvs-ipip/rp_filter"}
    assert want.addresses == {("ipvs-vip", "198.51.100.3/32"), ("ipvs-vip", "2001:db8::3/128"), ("ipvs-ipip", "198.51.100.3/32")}


def test_only_families_that_there_are_get_an_interface() -> None:
    assert set(program.wanted(request(GUE, vips=("2001:db8::3",)), BARE).links) == {"ipvs-vip", "ipvs-sit"}


def test_the_loopback_interface_is_not_made() -> None:
    want = program.wanted(request(interface="lo"), BARE)
    assert want.links == {}
    assert {interface for interface, _address in want.addresses} == {"lo"}


def test_a_second_address_gets_an_interface_of_its_own_and_the_first_keeps_its_name() -> None:
    first, second = ({"tunnel_type": "gre", "address": address} for address in ("192.0.2.11", "192.0.2.12"))
    want = program.wanted(request(first), BARE)
    both = program.wanted(request(second, first), after(want, program.Record()))
    assert {name: link.local for name, link in both.links.items() if link.local} == {"ipvs-gre": "192.0.2.11", "ipvs-gre1": "192.0.2.12"}


def test_ipip_and_gue_share_their_interfaces_with_the_mtu_of_either() -> None:
    want = program.wanted(request({"tunnel_type": "ipip", "address": "192.0.2.11"}, {**GUE, "mtu": 1400}), BARE)
    assert want.links["ipvs-ipip"].mtu == 1400
    assert want.ports == {(4, 6080)}


@pytest.mark.parametrize(
    ("tunnels", "vips", "words"),
    [
        ([], ["198.51.100.3/24"], r"vips\[0\].* whole network"),
        ([], ["www.example.org"], r"vips\[0\].*no IP address"),
        ([{"tunnel_type": "gue", "address": "192.0.2.11"}], ["198.51.100.3"], r"tunnels\[0\].tunnel_port"),
        ([{**GUE, "tunnel_type": "ipip"}], ["198.51.100.3"], r"tunnels\[0\].tunnel_port"),
        ([{**GUE, "tunnel_port": 65536}], ["198.51.100.3"], r"tunnels\[0\].tunnel_port"),
        ([{**GUE, "mtu": 575}], ["198.51.100.3"], r"tunnels\[0\].mtu: 575 .*576 to"),
        ([{**GUE, "mtu": 1279}], ["198.51.100.3", "2001:db8::3"], r"tunnels\[0\].mtu: 1279 .*1280 to"),
        ([{**GUE, "mtu": 1400}, {**GUE, "tunnel_port": 6081, "mtu": 1300}], ["198.51.100.3"], r"tunnels\[1\].*mtu 1400"),
        (
            [{"tunnel_type": "gre", "address": "192.0.2.11"}, {"tunnel_type": "gre", "address": "192.0.2.11", "tunnel_flags": ["csum"]}],
            ["198.51.100.3"],
            r"tunnels\[1\].*other tunnel_flags",
        ),
    ],
)
def test_what_is_impossible_is_refused(tunnels: list[dict[str, Any]], vips: list[str], words: str) -> None:
    with pytest.raises(program.CannotError, match=words):
        program.wanted(request(*tunnels, vips=tuple(vips)), BARE)


def test_segments_fit_into_the_narrowest_tunnel_with_their_headers() -> None:
    want = program.wanted(request({**GUE, "mtu": 1400}, {"tunnel_type": "gre", "address": "192.0.2.11", "mtu": 1450}), BARE)
    assert want.segments == {"198.51.100.3": 1360, "2001:db8::3": 1340}


# -- the plan --------------------------------------------------------------------------------------------------------------


def test_silence_comes_first_and_addresses_come_last() -> None:
    said = texts(program.wanted(request(GUE), BARE), BARE, program.Record())
    assert said[:2] == ["net/ipv4/conf/all/arp_ignore: 0 -> 1", "net/ipv4/conf/all/arp_announce: 0 -> 2"]
    assert [each.startswith("add ") and " to " in each for each in said] == [False] * (len(said) - 3) + [True] * 3


def test_it_goes_in_the_other_order() -> None:
    want = program.wanted(request(GUE, interface="lo"), BARE)
    said = texts(program.Wanted(), after(want, program.Record()), made(want))
    assert said[:2] == ["remove 198.51.100.3/32 from lo", "remove 2001:db8::3/128 from lo"]
    assert said[-2:] == ["net/ipv4/conf/all/arp_announce: 2 -> 0", "net/ipv4/conf/all/arp_ignore: 1 -> 0"]


@pytest.mark.parametrize("mtu", [None, 1400])
def test_what_is_there_needs_nothing(mtu: int | None) -> None:
    want = program.wanted(request({**GUE, "mtu": mtu}), BARE)
    assert texts(want, after(want, program.Record()), made(want)) == []


def test_stricter_silence_will_do() -> None:
    found = replace(BARE, settings={"all/arp_ignore": "2", "all/arp_announce": "2"})
    assert not [text for text in texts(program.wanted(request(), found), found, program.Record()) if "arp" in text]


def test_only_what_was_made_is_removed() -> None:
    want = program.wanted(request(GUE), BARE)
    found = after(want, program.Record())
    record = replace(made(want), links={"ipvs-sit"}, addresses=set(), ports=set(), settings={})
    assert texts(program.Wanted(), found, record) == ["remove interface ipvs-sit"]


def test_a_setting_that_somebody_has_changed_since_is_left_alone() -> None:
    want = program.wanted(request(), BARE)
    there = after(want, program.Record())
    found = replace(there, settings={**there.settings, "all/arp_ignore": "8"})
    assert not [text for text in texts(program.Wanted(), found, made(want)) if "arp_ignore" in text]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"up": False}, "set ipvs-gre up"),
        ({"mtu": 1476}, "mtu of ipvs-gre: 1476 -> 1400"),
        ({"csum": True}, "ipvs-gre: without checksums"),
    ],
)
def test_an_interface_that_is_otherwise_is_put_right(change: dict[str, Any], text: str) -> None:
    want = program.wanted(request({"tunnel_type": "gre", "address": "192.0.2.11", "mtu": 1400}), BARE)
    there = after(want, program.Record())
    found = replace(there, links={**there.links, "ipvs-gre": replace(there.links["ipvs-gre"], **change)})
    assert texts(want, found, made(want)) == [text]


def test_every_step_that_adds_can_be_undone() -> None:
    want = program.wanted(request(GUE), BARE)
    loose = [step for step in program.plan(want, BARE, program.Record()) if not step.undo]
    # That one goes with its interface.
    assert [step.text for step in loose] == ["net/ipv4/conf/ipvs-ipip/rp_filter -> 2"]


def test_the_table_of_segments_goes_with_the_mtu() -> None:
    narrow, want = (program.wanted(request({**GUE, "mtu": mtu}), BARE) for mtu in (1400, None))
    assert texts(want, after(narrow, program.Record()), made(want)) == ["delete table inet ipvs_realserver"]


# -- the record ------------------------------------------------------------------------------------------------------------


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = replace(made(program.wanted(request(GUE), BARE)), wanted=request(GUE))
    record.save(path)
    assert program.Record.load(path) == record
    assert [each.name for each in tmp_path.iterdir()] == ["record.json"]
    assert json.loads(path.read_text(encoding="utf-8"))["wanted"] == request(GUE)


def test_an_empty_record_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    program.Record(request()).save(path)
    program.Record().save(path)
    assert not path.exists()
    assert program.Record.load(path) == program.Record()
