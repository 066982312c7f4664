# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sniffer distinguishes the forms in which a packet can arrive."""

from __future__ import annotations

import ipaddress
import struct

import pytest

from forwarding.combinations import WAYS, Way
from forwarding.network import REAL_SERVERS, VIPS
from forwarding.wire import Form, expected, form_of

RIP = REAL_SERVERS["rs1"]


def ipv4(protocol: int, destination: str, payload: bytes, offset: int = 0) -> bytes:
    header = struct.pack("!BBHHHBBH4s", 0x45, 0, 20 + len(payload), 1, offset, 64, protocol, 0, bytes(4))
    return bytes(12) + b"\x08\x00" + header + ipaddress.IPv4Address(destination).packed + payload


def ipv6(protocol: int, destination: str, payload: bytes) -> bytes:
    header = struct.pack("!IHBB16s", 6 << 28, len(payload), protocol, 64, bytes(16))
    return bytes(12) + b"\x86\xdd" + header + ipaddress.IPv6Address(destination).packed + payload


def ports(destination: int) -> bytes:
    return struct.pack("!HHI", 1234, destination, 0)


@pytest.mark.parametrize(
    ("frame", "form"),
    [
        (ipv4(6, VIPS[4], ports(8000)), Form(VIPS[4], 6)),
        (ipv4(17, RIP[4], ports(6080)), Form(RIP[4], 17, gue=True)),
        (ipv4(17, RIP[4], ports(8000)), Form(RIP[4], 17)),
        (ipv4(4, RIP[4], ports(6080)), Form(RIP[4], 4)),
        (ipv6(41, RIP[6], ports(0)), Form(RIP[6], 41)),
        (ipv6(44, RIP[6], bytes([17, 0, 0, 1, 0, 0, 0, 9]) + ports(6080)), Form(RIP[6], 17, gue=True)),
        # a later fragment; neighbour discovery; ARP
        (ipv6(44, RIP[6], bytes([17, 0, 5, 0xA8, 0, 0, 0, 9]) + ports(6080)), None),
        (ipv4(17, RIP[4], ports(6080), offset=185), None),
        (ipv6(58, RIP[6], bytes(8)), None),
        (bytes(12) + b"\x08\x06" + bytes(28), None),
    ],
)
def test_a_frame_has_the_form_of_its_outer_header(frame: bytes, form: Form | None) -> None:
    assert form_of(frame) == form


@pytest.mark.parametrize("protocol", ["tcp", "udp", "sctp"])
def test_every_encapsulation_is_recognised(protocol: str) -> None:
    forms = {expected(way, protocol, RIP[way.real]) for way in WAYS if way.tunnel_type or way.virtual == way.real}
    # GRE and GUE look the same for both families: their own headers name the payload.
    assert len(forms) == 2 * len({"masquerade", "direct", "gue", "gre"}) + len([way for way in WAYS if way.tunnel_type == "ipip"])
    assert expected(Way("tunnel", "ipip", 6, 4), protocol, RIP[4]) == Form(RIP[4], 41)
