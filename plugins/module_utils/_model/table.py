# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Typed values of the table: services, destinations, counters.

Identity (``ServiceKey``, ``DestinationKey``), configuration (``Service``, ``Destination``) and counters are separate
types, so counters never take part in comparisons. Values are immutable and canonical: addresses as packed bytes (4 for IPv4,
16 for IPv6), enumerations as words, flags as the kernel's bits. A number without a word, e.g. protocol 51, is the text "51": this
collection never creates such entries, but must be able to read those of other programs.
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
    """Identity of a virtual service: protocol, address and port, or a firewall mark with a family."""

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
    def order(self) -> tuple[int, str, str, bytes, int]:
        """What to sort services by: by firewall mark, family, protocol, address and port."""
        return self.fwmark, self.family, self.protocol or "", self.address, self.port

    @property
    def foreign(self) -> bool:
        """Whether another program made it: this collection has no word for its protocol or family."""
        return self.family not in FAMILIES or not (self.fwmark or self.protocol in PROTOCOLS)


class DestinationKey(NamedTuple):
    """Identity of a destination within its service."""

    address: bytes
    port: int

    def __str__(self) -> str:
        return _with_port(self.address, self.port)


class Service(NamedTuple):
    """Configuration of a virtual service, with the defaults of ipvsadm(8)."""

    key: ServiceKey
    scheduler: str = "wlc"
    scheduler_flags: int = 0
    persistence_timeout: int = 0  # seconds; 0: not persistent
    persistence_netmask: str = ""  # IPv4: dotted, IPv6: prefix length; "": single addresses
    persistence_engine: str = ""
    one_packet: bool = False


def effective_weight(weight: int, share: int, *, quiescent: bool) -> int:
    """Return the weight in the kernel of a destination. A share of a weight is never 0."""
    return 0 if quiescent or not weight else max(1, weight * share // 100)


class Destination(NamedTuple):
    """Configuration of a destination, with the defaults of ipvsadm(8)."""

    key: DestinationKey
    forward_method: str = "direct"
    weight: int = 1
    upper_threshold: int = 0  # connections; 0: no limit
    lower_threshold: int = 0
    tunnel_type: str = "ipip"
    tunnel_port: int = 0
    tunnel_flags: int = 0
    # Quiescent: the kernel has weight 0, and ``weight`` is the one to come back with. See ``_persist.quiescent``.
    drained: bool = False  # by an operator
    held: bool = False  # by a failed health check
    share: int = 100  # percent of the weight in the kernel, while it comes back in steps

    @property
    def effective_weight(self) -> int:
        """The weight in the kernel."""
        return effective_weight(self.weight, self.share, quiescent=self.drained or self.held)

    @property
    def marked(self) -> bool:
        """Whether the kernel has another weight than ``weight``, which it cannot keep."""
        return self.drained or self.held or self.share != 100

    @property
    def foreign(self) -> bool:
        """Whether this collection has no word for its forwarding method or tunnel type."""
        return self.forward_method not in _METHODS or self.tunnel_type not in TUNNEL_TYPES


_METHODS = frozenset(FORWARD_METHOD_WORDS.values())


class Entry(NamedTuple):
    """A service with its destinations in scheduling order."""

    service: Service
    destinations: tuple[Destination, ...] = ()

    def destination(self, key: DestinationKey) -> Optional[Destination]:
        """Return the destination with that key, or None."""
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
    """Current connections and counters of a destination."""

    active_connections: int = 0
    inactive_connections: int = 0
    persistent_connections: int = 0
    stats: Stats = Stats()


def is_full(destination: Destination, counters: DestinationCounters) -> Optional[bool]:
    """Return whether the kernel considers a destination full; None if that depends on whether it was full before.

    The kernel marks a destination as full at its upper threshold, until it has fewer connections than its lower threshold (or than
    three quarters of the upper one, if it has no lower one).
    """
    upper, connections = destination.upper_threshold, counters.active_connections + counters.inactive_connections
    if not upper or connections == 0:
        return False
    if connections >= upper:
        return True
    free = connections < destination.lower_threshold if destination.lower_threshold else connections * 4 < upper * 3
    return False if free else None


class Observed(NamedTuple):
    """A service as read from the kernel: configuration and counters."""

    entry: Entry
    stats: Stats
    counters: dict[DestinationKey, DestinationCounters]


def full_netmask(family: str) -> str:
    """Return the netmask of a single client, the default of the kernel and ipvsadm."""
    return "255.255.255.255" if family == "ipv4" else "128"


def canonical_service(service: Service) -> Service:
    """Return the canonical form, which equal configurations share.

    A persistent service always has a netmask; any other service never has.
    """
    mask = (service.persistence_netmask or full_netmask(service.key.family)) if service.persistence_timeout else ""
    return service if mask == service.persistence_netmask else service._replace(persistence_netmask=mask)


def canonical_destination(destination: Destination) -> Destination:
    """Return the canonical form, which equal configurations share: tunnel options only for tunnels that use them."""
    if destination.forward_method == "tunnel":
        if destination.tunnel_type not in ("ipip", "gre"):
            return destination
        flags = destination.tunnel_flags & TUNNEL_FLAGS["csum"] if destination.tunnel_type == "gre" else 0
        return destination._replace(tunnel_port=0, tunnel_flags=flags)
    return destination._replace(tunnel_type="ipip", tunnel_port=0, tunnel_flags=0)


def scheduler_flag_words(scheduler: str, bits: int) -> list[str]:
    """Return the words for scheduler flags: the scheduler's own if it has any, otherwise flag-1 to flag-3."""
    words = []
    for bit in sorted({*SCHEDULER_FLAGS.values()}):
        if bits & bit:
            names = [word for word, value in SCHEDULER_FLAGS.items() if value == bit]
            words.append(next((word for word in names if word.startswith(f"{scheduler}-")), names[0]))
    return words
