# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A director's connections as its kernel lists them, and how the tables of two differ."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

LISTING = "/proc/net/ip_vs_conn"
# Seconds. An entry with less left may be gone from one table a moment before it goes from the other.
LEAST = 12
LIVING = ("ESTABLISHED", "UDP")

Address = IPv4Address | IPv6Address


class Key(NamedTuple):
    """What one connection has for itself."""

    protocol: str
    client: Address
    port: int
    service: Address

    def __str__(self) -> str:
        return f"{self.protocol} {self.client} {self.port} to {self.service}"

    @classmethod
    def of(cls, protocol: str, client: str, port: int, service: str) -> Key:
        return cls(protocol, ip_address(client), port, ip_address(service))


class Entry(NamedTuple):
    """The rest of what the kernel says of it."""

    server: Address
    state: str
    expires: int

    @property
    def lives(self) -> bool:
        """Whether it takes packets, and for a while."""
        return self.state in LIVING and self.expires >= LEAST


class Difference(NamedTuple):
    """How a standby's table differs from what it should be."""

    missing: list[Key]
    stale: list[Key]

    def __str__(self) -> str:
        return f"missing {self._some(self.missing)}; stale {self._some(self.stale)}"

    @staticmethod
    def _some(keys: list[Key]) -> str:
        return f"{len(keys)} ({', '.join(map(str, keys[:3]))})" if keys else "none"


def parse(listing: str) -> dict[Key, Entry]:
    """The connections of a listing of LISTING; the line that has the names of the columns is none."""
    found = {}
    for line in listing.splitlines()[1:]:
        protocol, client, port, service, _port, server, _server_port, state, expires = line.split()[:9]
        found[Key(protocol.lower(), _address(client), int(port, 16), _address(service))] = Entry(_address(server), state, int(expires))
    return found


def _address(digits: str) -> Address:
    return IPv6Address(digits) if ":" in digits else IPv4Address(int(digits, 16))


def difference(active: dict[Key, Entry], standby: dict[Key, Entry], held: Iterable[Key]) -> Difference:
    """Compare a standby's table with what the clients hold, and with the table of the one that serves them."""
    wanted = {*held, *(key for key, entry in active.items() if entry.lives)}
    missing = [key for key in wanted if key not in standby or standby[key].state not in LIVING]
    stale = [key for key, entry in standby.items() if entry.lives and (key not in active or active[key].state != entry.state)]
    return Difference(sorted(missing, key=str), sorted(stale, key=str))
