# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Announcements of addresses by other machines: gratuitous ARP, and unsolicited neighbour advertisements of IPv6."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

_ETH_P_ARP = 0x0806
_PACKET_OUTGOING = 4
_ARP_IPV4 = struct.pack("!HHBB", 1, 0x0800, 6, 4)
_ARP_SIZE = 28
_ICMP6_FILTER = 1
_ADVERTISEMENT = 136
_ADVERTISEMENT_SIZE = 24


class Announcements:
    """Hears who announces an address.

    :param interfaces: those on which to listen for ARP.
    :raises IpvsUnavailableError: this is not root.
    """

    def __init__(self, interfaces: Iterable[str]) -> None:
        self._sockets: list[socket.socket] = []
        try:
            for interface in interfaces:
                arp = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ARP))
                self._sockets.append(arp)
                arp.bind((interface, _ETH_P_ARP))
            # Without IPv6 in the kernel there is nothing to hear of it.
            with contextlib.suppress(FileNotFoundError):
                icmp = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
                self._sockets.append(icmp)
                icmp.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, _only(_ADVERTISEMENT))
        except OSError as exc:
            self.close()
            raise IpvsUnavailableError(f"Cannot listen for announcements of addresses: {exc.strerror or exc}") from exc

    def close(self) -> None:
        """Close all sockets."""
        for each in self._sockets:
            each.close()

    def hear(self, patience: float) -> Iterator[bytes]:
        """Yield the addresses that other machines have announced.

        :param patience: seconds to wait for the first one.
        """
        for each in select.select(self._sockets, [], [], patience)[0]:
            data, source = each.recvfrom(2048)
            if each.family == socket.AF_INET6:
                address = of_advertisement(data)
            else:
                address = None if source[2] == _PACKET_OUTGOING else of_arp(data)
            if address is not None:
                yield address


def of_arp(data: bytes) -> Optional[bytes]:
    """Return the sender's address of an ARP packet; None if it is not about IPv4 over Ethernet."""
    return data[14:18] if len(data) >= _ARP_SIZE and data[:6] == _ARP_IPV4 else None


def of_advertisement(data: bytes) -> Optional[bytes]:
    """Return the target of a neighbour advertisement (RFC 4861, section 4.4)."""
    return data[8:24] if len(data) >= _ADVERTISEMENT_SIZE and data[0] == _ADVERTISEMENT else None


def _only(kind: int) -> bytes:
    """Return an ICMPv6 filter that passes a single type: a set bit blocks."""
    words = [0xFFFFFFFF] * 8
    words[kind >> 5] &= ~(1 << (kind & 31)) & 0xFFFFFFFF
    return struct.pack("=8I", *words)
