# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends ARP and IPv6 neighbour requests to the whole switch, and listens to those of others."""

from __future__ import annotations

import ipaddress
import json
import socket
import struct
import time

from .network import CLIENT, inside, run

PATIENCE = 0.7
"""Seconds to wait for replies."""

_ARP = 0x0806
_HEADER = struct.Struct("!HHBBH")
_REQUEST, _REPLY = 1, 2
_SOLICITATION, _ADVERTISEMENT = 135, 136


def hardware_address(namespace: str) -> str:
    (link,) = json.loads(run("ip", "-n", namespace, "-json", "link", "show", "dev", "eth0"))
    return str(link["address"])


def who_has(address: str) -> set[str]:
    """The hardware addresses in the replies to the client's request for an address."""
    return _who_has_ipv6(address) if ":" in address else _who_has_ipv4(address)


def _who_has_ipv4(address: str) -> set[str]:
    with inside("client"):
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP))
        one.bind(("eth0", _ARP))
    with one:
        own = one.getsockname()[4]
        request = _HEADER.pack(1, 0x0800, 6, 4, _REQUEST) + own + socket.inet_aton(CLIENT[4]) + bytes(6) + socket.inet_aton(address)
        one.send(b"\xff" * 6 + own + _ARP.to_bytes(2, "big") + request)
        return {
            _text(packet[8:14])
            for packet in (frame[14:] for frame in _received(one))
            if packet[6:8] == _REPLY.to_bytes(2, "big") and packet[14:18] == socket.inet_aton(address)
        }


def _who_has_ipv6(address: str) -> set[str]:
    packed = ipaddress.IPv6Address(address).packed
    with inside("client"):
        one = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        one.bind((CLIENT[6], 0))
        index = socket.if_nametoindex("eth0")
    with one:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        source = bytes([1, 1]) + bytes.fromhex(hardware_address("client").replace(":", ""))
        group = str(ipaddress.IPv6Address(b"\xff\x02" + bytes(9) + b"\x01\xff" + packed[13:]))
        one.sendto(bytes([_SOLICITATION, *bytes(7)]) + packed + source, (group, 0, 0, index))
        # Type, flags and target, then the only option: kind, length and hardware address.
        return {
            _text(packet[26:32]) for packet in _received(one) if packet[0] == _ADVERTISEMENT and packet[8:24] == packed and packet[24] == 2
        }


def asked_as(namespace: str, source: str) -> set[str]:
    """The sender address of a machine's own request for the client's hardware address."""
    with inside("client"):
        listening = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP))
        listening.bind(("eth0", _ARP))
    with listening:
        run("ip", "-n", namespace, "neigh", "flush", "to", CLIENT[4])
        with inside(namespace):
            sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sending:
            sending.bind((source, 0))
            sending.sendto(b"", (CLIENT[4], 9))
        mac = hardware_address(namespace)
        return {
            socket.inet_ntoa(packet[14:18])
            for packet in (frame[14:] for frame in _received(listening))
            if packet[6:8] == _REQUEST.to_bytes(2, "big") and _text(packet[8:14]) == mac and packet[24:28] == socket.inet_aton(CLIENT[4])
        }


def _received(one: socket.socket) -> list[bytes]:
    deadline = time.monotonic() + PATIENCE
    frames = []
    while (left := deadline - time.monotonic()) > 0:
        one.settimeout(left)
        try:
            frames.append(one.recv(2048))
        except TimeoutError:
            break
    return frames


def _text(mac: bytes) -> str:
    return mac.hex(":")
