# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What the kernel promises: which server gets the next connection, and what is counted where.

The rules are those of ip_vs_bind_dest() and ip_vs_unbind_dest(). A server becomes overloaded
when the connection just counted reaches its upper threshold, and stays so until all of its
connections, the inactive ones too, are fewer than its lower threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._selftest.service import Destination, Service
from ansible_collections.lvs.director.plugins.module_utils._selftest.table import Row


@dataclass
class Server:
    """A real server as the kernel must see it."""

    given: Destination
    weight: int
    active: int = 0
    inactive: int = 0
    overloaded: bool = False

    @property
    def shut(self) -> bool:
        """Whether it takes no new connection."""
        return self.overloaded or self.weight == 0


class Promise:
    """Holds for the scheduler `test`, and for `fo` where the weights fall in the order given."""

    def __init__(self, service: Service) -> None:
        self.servers = {destination.address: Server(destination, destination.weight) for destination in service.destinations}

    def open(self) -> Optional[str]:
        """Return the address of the server that must greet; none: the client is refused."""
        for address, server in self.servers.items():
            if not server.shut:
                server.active += 1
                upper = server.given.upper_threshold
                server.overloaded = bool(upper) and server.active + server.inactive >= upper
                return address
        return None

    def close(self, address: str) -> None:
        """A connection ends: the director keeps it as inactive for a while."""
        self.servers[address].active -= 1
        self.servers[address].inactive += 1

    def reset(self, address: str) -> None:
        """All of them end."""
        while self.servers[address].active:
            self.close(address)

    def forget(self, address: str) -> None:
        """The inactive connections' time is over."""
        server = self.servers[address]
        server.inactive = 0
        # Without a lower threshold the kernel takes three quarters of the upper one.
        lower = server.given.lower_threshold or server.given.upper_threshold * 3 / 4
        server.overloaded = server.overloaded and server.active >= lower

    def weigh(self, address: str, weight: int) -> None:
        """A server gets another weight."""
        self.servers[address].weight = weight

    def shut(self) -> frozenset[str]:
        """Return the servers that take no new connection."""
        return frozenset(address for address, server in self.servers.items() if server.shut)

    def rows(self) -> tuple[Row, ...]:
        """Return what the director's table must show."""
        return tuple(
            Row(
                address,
                server.given.upper_threshold,
                server.given.lower_threshold,
                server.active,
                server.inactive,
            )
            for address, server in self.servers.items()
        )
