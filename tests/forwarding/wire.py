# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures packets at a real server, to see in which form the director sent them."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from typing import NamedTuple

from .combinations import GUE_PORT, Way
from .network import VIPS, inside

NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132, "ipip": 4, "ipv6": 41, "gre": 47}
_ETHERNET = {0x0800: 4, 0x86DD: 6}
_FRAGMENT = 44
_EVERYTHING = 3


class Form(NamedTuple):
    """The outer header of a packet."""

    destination: str
    protocol: int
    gue: bool = False


def form_of(frame: bytes) -> Form | None:
    """The form of an Ethernet frame; None if it is nothing that a director forwards."""
    version = _ETHERNET.get(int.from_bytes(frame[12:14], "big"))
    packet = frame[14:]
    if version == 4:
        destination, protocol, payload = packet[16:20], packet[9], packet[4 * (packet[0] & 15) :]
        first = not int.from_bytes(packet[6:8], "big") & 0x1FFF
    elif version == 6:
        destination, protocol, payload = packet[24:40], packet[6], packet[40:]
        first = True
        if protocol == _FRAGMENT:
            first = not int.from_bytes(payload[2:4], "big") >> 3
            protocol, payload = payload[0], payload[8:]
    else:
        return None
    # Later fragments do not carry the inner header.
    if not first or protocol not in NUMBERS.values():
        return None
    gue = protocol == NUMBERS["udp"] and int.from_bytes(payload[2:4], "big") == GUE_PORT
    return Form(str(ipaddress.ip_address(destination)), protocol, gue)


def expected(way: Way, protocol: str, real: str) -> Form:
    """The form in which a director sends to a real server."""
    if way.forward_method == "direct":
        return Form(VIPS[way.virtual], NUMBERS[protocol])
    if way.tunnel_type == "gue":
        return Form(real, NUMBERS["udp"], gue=True)
    if way.tunnel_type == "gre":
        return Form(real, NUMBERS["gre"])
    if way.tunnel_type == "ipip":
        return Form(real, NUMBERS["ipip" if way.virtual == 4 else "ipv6"])
    return Form(real, NUMBERS[protocol])


class Sniffer:
    """Captures the packets of a real server while it is open."""

    def __init__(self, namespace: str) -> None:
        with inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERYTHING))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self._socket.bind(("eth0", _EVERYTHING))

    def forms(self) -> set[Form]:
        """The forms of all that has arrived since last asked."""
        found = set()
        for frame, kind in self._frames():
            form = form_of(frame) if kind == socket.PACKET_HOST else None
            if form is not None:
                found.add(form)
        return found

    def _frames(self) -> Iterator[tuple[bytes, int]]:
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, address = self._socket.recvfrom(128, socket.MSG_DONTWAIT)
                yield frame, address[2]
