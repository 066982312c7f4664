# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table shows the measurements, no less and no more."""

from __future__ import annotations

from typing import Any

import pytest

from forwarding.combinations import KINDS, PROTOCOLS, WAYS, WORKS, Kind, Way
from forwarding.table import BEGIN, END, cell, column, parsed, renewed, series, split
from tools.forwarding_table import DOCUMENT

EMPTY = f"before\n{BEGIN}{END}after\n"
IPIP = Way("tunnel", "ipip", 6, 4)


def measured(kernel: str, **other: str) -> dict[str, Any]:
    """Everything works except the given outcomes, by protocol, for IPIP from IPv6 to IPv4 and every kind of service."""
    results = [
        {"way": list(way), "protocol": protocol, "kind": list(kind), "outcome": other.get(protocol, WORKS) if way == IPIP else WORKS}
        for way in WAYS
        for protocol in PROTOCOLS
        for kind in KINDS
    ]
    return {"kernel": kernel, "results": results}


def outcomes(problems: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    return {**{(protocol, kind.name): WORKS for protocol in PROTOCOLS for kind in KINDS}, **problems}


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        ({}, "TCP, UDP, SCTP"),
        (
            {("udp", Kind(fwmark=True).name): "no answer", ("udp", Kind(persistent=True).name): "one client, several servers"},
            "TCP, SCTP; not UDP: address, persistent: one client, several servers; firewall mark: no answer",
        ),
        (dict.fromkeys([(protocol, kind.name) for protocol in PROTOCOLS for kind in KINDS], "no answer"), "no: no answer"),
    ],
)
def test_a_protocol_is_named_if_every_kind_of_service_works(problems: dict[tuple[str, str], str], text: str) -> None:
    assert cell(outcomes(problems)) == text


def test_a_table_is_read_as_it_was_written() -> None:
    before, after = measured("6.1.0-56-cloud-amd64", sctp="no answer"), measured("6.12.118+deb13-cloud-amd64")
    columns = parsed(split(renewed(EMPTY, [after, before]))[1])
    assert columns == {"Linux 6.1": column(before), "Linux 6.12": column(after)}
    assert list(columns) == ["Linux 6.1", "Linux 6.12"]
    assert columns["Linux 6.1"][IPIP].startswith("TCP, UDP; not SCTP: address: no answer")


def test_an_update_keeps_other_columns_and_the_text() -> None:
    document = renewed(renewed(EMPTY, [measured("6.1.0-56-cloud-amd64", udp="no answer")]), [measured("6.12.118+deb13-cloud-amd64")])
    assert document.startswith(f"before\n{BEGIN}")
    assert document.endswith(f"{END}after\n")
    assert "not UDP" in parsed(split(document)[1])["Linux 6.1"][IPIP]


def test_kernels_without_measurements_have_no_column() -> None:
    part = measured("6.1.0-56-cloud-amd64")
    del part["results"][7]
    with pytest.raises(KeyError):
        column(part)


def test_updates_of_a_kernel_share_a_column() -> None:
    assert series("6.1.0-56-cloud-amd64") == series("6.1.0-57-amd64") == "Linux 6.1"


def test_the_document_has_every_row() -> None:
    columns = parsed(split(DOCUMENT.read_text(encoding="utf-8"))[1])
    assert set(columns) >= {"Linux 6.1", "Linux 6.12"}
    assert all(list(one) == list(WAYS) for one in columns.values())
