# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The typed values everything else speaks in: services, destinations, counters.

Identity (``ServiceKey``, ``DestinationKey``), configuration (``Service``, ``Destination``) and counters are separate
types; counters never take part in a comparison. All values are immutable, in one canonical form: addresses as packed
bytes (4 for IPv4, 16 for IPv6), enumerations as words, flag sets as the kernel's bits. A number for which there is no word,
such as protocol 51, is text: "51". Nothing here makes such an entry, but others may, and it must not keep anybody from reading.
"""

from __future__ import annotations

import socket
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.uapi import (
    FAMILIES,
    FORWARD_METHOD_WORDS,
    PROTOCOLS,
    SCHEDULER_FLAGS,
    TUNNEL_FLAGS,
    TUNNEL_TYPES,
)


def parse_address(text: str) -> bytes:
    """Return the packed form of an IPv4 or IPv6 address.

    :raises ValueError: the text is not an address (host names are not looked up).
    """
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return socket.inet_pton(family, text)
    except OSError as exc:
        raise ValueError(f"{text!r} is not an IPv4 or IPv6 address") from exc


def format_address(packed: bytes) -> str:
    """Return the canonical text of a packed address."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def address_family(packed: bytes) -> str:
    """Return ``ipv4`` or ``ipv6``."""
    return "ipv4" if len(packed) == 4 else "ipv6"


def is_multicast(packed: bytes) -> bool:
    """Return whether a packed address is that of a multicast group."""
    return 224 <= packed[0] <= 239 if len(packed) == 4 else packed[0] == 0xFF


def _with_port(address: bytes, port: int) -> str:
    text = format_address(address)
    return f"[{text}]:{port}" if len(address) == 16 else f"{text}:{port}"


class ServiceKey(NamedTuple):
    """What names a virtual service: protocol, address and port, or a firewall mark with a family."""

    family: str
    protocol: Optional[str] = None
    address: bytes = b""
    port: int = 0
    fwmark: int = 0

    def __str__(self) -> str:
        if self.fwmark:
            return f"fwmark {self.fwmark} ({self.family})"
        protocol = self.protocol if self.protocol in PROTOCOLS else f"protocol {self.protocol}"
        return f"{protocol} {_with_port(self.address, self.port)}"

    @property
    def foreign(self) -> bool:
        """Whether something else must have made it: its protocol or family is a number for which this collection has no word."""
        return self.family not in FAMILIES or not (self.fwmark or self.protocol in PROTOCOLS)


class DestinationKey(NamedTuple):
    """What names a destination inside its service."""

    address: bytes
    port: int

    def __str__(self) -> str:
        return _with_port(self.address, self.port)


class Service(NamedTuple):
    """How a virtual service is configured. The defaults are those of ipvsadm(8)."""

    key: ServiceKey
    scheduler: str = "wlc"
    scheduler_flags: int = 0
    persistence_timeout: int = 0  # seconds; 0: not persistent
    persistence_netmask: str = ""  # IPv4: dotted, IPv6: prefix length; "": single addresses
    persistence_engine: str = ""
    one_packet: bool = False


class Destination(NamedTuple):
    """How a destination is configured. The defaults are those of ipvsadm(8)."""

    key: DestinationKey
    forward_method: str = "direct"
    weight: int = 1
    upper_threshold: int = 0  # connections; 0: no limit
    lower_threshold: int = 0
    tunnel_type: str = "ipip"
    tunnel_port: int = 0
    tunnel_flags: int = 0

    @property
    def foreign(self) -> bool:
        """Whether its forwarding method or type of tunnel is a number for which this collection has no word."""
        return self.forward_method not in _METHODS or self.tunnel_type not in TUNNEL_TYPES


_METHODS = frozenset(FORWARD_METHOD_WORDS.values())


class Entry(NamedTuple):
    """A service with its destinations in the order in which the scheduler walks them."""

    service: Service
    destinations: tuple[Destination, ...] = ()

    def destination(self, key: DestinationKey) -> Optional[Destination]:
        """Return the destination of that name, or None."""
        return next((destination for destination in self.destinations if destination.key == key), None)


class Stats(NamedTuple):
    """Counters since the entry was added or zeroed, and the kernel's two-second estimates of the rates."""

    connections: int = 0
    incoming_packets: int = 0
    outgoing_packets: int = 0
    incoming_bytes: int = 0
    outgoing_bytes: int = 0
    connections_per_second: int = 0
    incoming_packets_per_second: int = 0
    outgoing_packets_per_second: int = 0
    incoming_bytes_per_second: int = 0
    outgoing_bytes_per_second: int = 0


class DestinationCounters(NamedTuple):
    """What a destination holds at the moment."""

    active_connections: int = 0
    inactive_connections: int = 0
    persistent_connections: int = 0
    stats: Stats = Stats()


class Observed(NamedTuple):
    """A service as read from the kernel: its configuration, and beside it the counters."""

    entry: Entry
    stats: Stats
    counters: dict[DestinationKey, DestinationCounters]


def full_netmask(family: str) -> str:
    """Return the netmask that tells single clients apart, the kernel's and ipvsadm's default."""
    return "255.255.255.255" if family == "ipv4" else "128"


def canonical_service(service: Service) -> Service:
    """Return the one form that equal configurations share.

    A service that is not persistent has no netmask worth comparing, and every other one has one.
    """
    mask = (service.persistence_netmask or full_netmask(service.key.family)) if service.persistence_timeout else ""
    return service if mask == service.persistence_netmask else service._replace(persistence_netmask=mask)


def canonical_destination(destination: Destination) -> Destination:
    """Return the one form that equal configurations share: tunnel options only where there is a tunnel that uses them."""
    if destination.forward_method == "tunnel":
        if destination.tunnel_type not in ("ipip", "gre"):
            return destination
        flags = destination.tunnel_flags & TUNNEL_FLAGS["csum"] if destination.tunnel_type == "gre" else 0
        return destination._replace(tunnel_port=0, tunnel_flags=flags)
    return destination._replace(tunnel_type="ipip", tunnel_port=0, tunnel_flags=0)


def scheduler_flag_words(scheduler: str, bits: int) -> list[str]:
    """Return the words for a service's scheduler flags: the scheduler's own where it has some, flag-1 to flag-3 elsewhere."""
    words = []
    for bit in sorted({*SCHEDULER_FLAGS.values()}):
        if bits & bit:
            names = [word for word, value in SCHEDULER_FLAGS.items() if value == bit]
            words.append(next((word for word in names if word.startswith(f"{scheduler}-")), names[0]))
    return words
