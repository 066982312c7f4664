# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real servers while a step runs: the director's table as it was read last, and what has happened since."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Expected
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Connection, Record
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Action, Close, Forget, Reset, Service, SetWeight, Step

NEXT, READY, FULL, OVERLOADED, WEIGHT_0 = "next", "ready", "full", "overloaded", "weight 0"


@dataclass(frozen=True)
class Line:
    """A real server: its place in the order, its connections, and whether it takes another one."""

    place: int
    address: str
    upper: int
    active: int
    inactive: int
    state: str
    # The open connections that it greeted.
    greeted: tuple[int, ...]


class Board:
    def __init__(self, service: Service) -> None:
        self.kernel = Expected(service)
        self.greeted: dict[str, tuple[int, ...]] = dict.fromkeys(self.kernel.servers, ())
        self.later: list[Action] = []

    def begin(self, step: Step) -> None:
        """End what the client ends. Director and real servers take a while for the rest of the step."""
        self.later = []
        for action in step.actions:
            if isinstance(action, Close | Reset):
                count = 1 if isinstance(action, Close) else len(self.greeted[action.server])
                for _number in self.greeted[action.server][:count]:
                    self.kernel.close(action.server)
                self.greeted[action.server] = self.greeted[action.server][count:]
            else:
                self.later.append(action)

    def _catch_up(self) -> None:
        for action in self.later:
            if isinstance(action, Forget):
                for address in action.servers:
                    self.kernel.forget(address)
            elif isinstance(action, SetWeight):
                self.kernel.set_weight(action.server, action.weight)
        self.later = []

    def connected(self, connection: Connection) -> None:
        """Count an attempt for the server that greeted, whichever was expected to."""
        self._catch_up()
        if connection.server in self.kernel.servers:
            server = self.kernel.servers[connection.server]
            server.active += 1
            upper = server.configured.upper_threshold
            server.overloaded |= bool(upper) and server.active + server.inactive >= upper
            self.greeted[connection.server] += (connection.number,)

    def read(self, record: Record) -> None:
        """Show what the director counts at the end of a step."""
        self._catch_up()
        for row in record.table.rows:
            server = self.kernel.servers[row.address]
            server.active, server.inactive = row.active, row.inactive
            server.overloaded = row.address in record.shut and server.weight > 0
        self.greeted = {address: record.open_connections.get(address, ()) for address in self.greeted}

    def lines(self) -> list[Line]:
        """Return the real servers in the order in which they are tried."""
        found: list[Line] = []
        chosen = next((address for address, server in self.kernel.servers.items() if not server.shut), "")
        for place, (address, server) in enumerate(self.kernel.servers.items(), 1):
            upper = server.configured.upper_threshold
            if server.weight == 0:
                state = WEIGHT_0
            elif server.overloaded:
                state = FULL if server.active + server.inactive >= upper else OVERLOADED
            else:
                state = NEXT if address == chosen else READY
            found.append(Line(place, address, upper, server.active, server.inactive, state, self.greeted[address]))
        return found
