# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables rules that ipvs_director_fwmarks comes to; that nft takes them is tested in the scenario ``forwarding``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_director as installed
import pytest

from forwarding.programs import load_program

program = load_program(Path(next(iter(installed.__path__))) / "files" / "fwmark.py")


def mark(**options: Any) -> dict[str, Any]:
    # As Ansible hands a list's entries on: without the options that are not given.
    return {"fwmark": 1, "addresses": ["198.51.100.3"], **options}


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ({}, ["ip daddr { 198.51.100.3/32 } meta mark set 1"]),
        ({"protocol": "udp"}, ["ip daddr { 198.51.100.3/32 } meta l4proto udp meta mark set 1"]),
        (
            {"protocol": "tcp", "ports": ["80", "8000-8099"], "fwmark": 4294967295},
            ["ip daddr { 198.51.100.3/32 } tcp dport { 80, 8000-8099 } meta mark set 4294967295"],
        ),
        (
            {"addresses": ["2001:DB8::3", "198.51.100.0/24", "2001:db8:1::/64"]},
            ["ip daddr { 198.51.100.0/24 } meta mark set 1", "ip6 daddr { 2001:db8::3/128, 2001:db8:1::/64 } meta mark set 1"],
        ),
    ],
)
def test_a_mark_is_a_rule_for_each_family(options: dict[str, Any], rules: list[str]) -> None:
    assert program.rules_of(0, mark(**options)) == rules


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fwmark": 0}, "0 is not a mark"),
        ({"fwmark": 1 << 32}, "is not a mark"),
        ({"addresses": []}, "names none"),
        ({"addresses": ["198.51.100.3/24"]}, "has host bits set"),
        ({"addresses": ["www.example.org"]}, "does not appear to be"),
        ({"ports": ["80"]}, "Say which"),
        *(({"protocol": "tcp", "ports": [port]}, "is no port") for port in ("0", "65536", "80-79", "http", "80,443", "1-2-3", "80 }")),
    ],
)
def test_what_is_impossible_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(program.CannotError, match=rf"^ipvs_director_fwmarks\[1\].*{words}"):
        program.table_of([mark(), mark(**options)])


def test_the_table_is_replaced_in_one_transaction() -> None:
    table = program.table_of([mark()])
    # To delete what is not there would be an error, so that it is made first.
    assert program.replacing(table) == f"table inet ipvs_director\ndelete table inet ipvs_director\n{table}"


def test_without_marks_there_is_nothing() -> None:
    assert program.replacing(program.table_of([])) == ""
