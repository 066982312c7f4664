# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The expected behaviour of the kernel: which server gets the next connection, and how connections are counted.

The rules are those of ip_vs_bind_dest() and ip_vs_unbind_dest(). A server becomes overloaded when the connection just counted
reaches its upper threshold, and stays overloaded until all of its connections, inactive ones included, are fewer than its lower
threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Destination, Service


@dataclass(frozen=True)
class Row:
    """A line of the director's table: a real server with its thresholds and the connections counted for it."""

    address: str
    upper: int
    lower: int
    active: int
    inactive: int

    def __str__(self) -> str:
        return f"{self.address}: thresholds {self.upper}/{self.lower}, {self.active} active, {self.inactive} inactive"


@dataclass
class Server:
    """The expected state of a real server."""

    configured: Destination
    weight: int
    active: int = 0
    inactive: int = 0
    overloaded: bool = False

    @property
    def shut(self) -> bool:
        """Whether it takes no new connection."""
        return self.overloaded or self.weight == 0


class Expected:
    """The state of a service's real servers, for the scheduler `test`, and for `fo` if weights fall in list order."""

    def __init__(self, service: Service) -> None:
        self.servers = {destination.address: Server(destination, destination.weight) for destination in service.destinations}

    def open(self) -> Optional[str]:
        """Open a connection, and return the address of the server that must accept it; None if it must be refused."""
        for address, server in self.servers.items():
            if not server.shut:
                server.active += 1
                upper = server.configured.upper_threshold
                server.overloaded = bool(upper) and server.active + server.inactive >= upper
                return address
        return None

    def close(self, address: str) -> None:
        """End a connection: the director counts it as inactive for a while."""
        self.servers[address].active -= 1
        self.servers[address].inactive += 1

    def reset(self, address: str) -> None:
        """End all connections of a server."""
        while self.servers[address].active:
            self.close(address)

    def forget(self, address: str) -> None:
        """Let the inactive connections of a server expire."""
        server = self.servers[address]
        server.inactive = 0
        # Without a lower threshold, the kernel uses three quarters of the upper one.
        lower = server.configured.lower_threshold or server.configured.upper_threshold * 3 / 4
        server.overloaded = server.overloaded and server.active >= lower

    def set_weight(self, address: str, weight: int) -> None:
        """Give a server another weight."""
        self.servers[address].weight = weight

    def shut(self) -> frozenset[str]:
        """Return the servers that take no new connection."""
        return frozenset(address for address, server in self.servers.items() if server.shut)

    def rows(self) -> tuple[Row, ...]:
        """Return the expected rows of the director's table."""
        return tuple(
            Row(
                address,
                server.configured.upper_threshold,
                server.configured.lower_threshold,
                server.active,
                server.inactive,
            )
            for address, server in self.servers.items()
        )
