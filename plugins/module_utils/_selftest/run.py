# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Walks the steps with real connections and puts what is seen beside what is promised."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass, field
from typing import Any, Optional, Protocol

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Promise
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Action, Close, Forget, Open, Reset, Step
from ansible_collections.lvs.director.plugins.module_utils._selftest.service import Service
from ansible_collections.lvs.director.plugins.module_utils._selftest.table import Row, Table

OPEN_LIMIT = 10.0
# The director sees an RST or FIN a moment after the client has sent it.
ENDED_LIMIT = 5.0
# It keeps a reset connection for 10 s; one that an earlier run closed with FIN, two minutes.
FORGET_LIMIT = 130.0


class Director(Protocol):
    """The director, as far as the experiment has to do with it."""

    def table(self, service: Service) -> Table:
        """Return the table, as it is now."""

    def weigh(self, service: Service, address: str, weight: int) -> None:
        """Give a real server another weight."""


class Client(Protocol):
    """Who opens the connections: _experiment_client, near or far."""

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        """Have something done, and return the answer."""


@dataclass(frozen=True)
class Connection:
    """A connection that was asked for, and what came of it."""

    number: int
    promised: Optional[str]
    server: Optional[str]
    greeting: str
    error: str
    ms: int
    # SYNs after the first one, which Linux sends after one second.
    retransmits: int = 0

    def broken(self) -> Optional[str]:
        """Return what is not as promised."""
        promised = self.promised or "a refusal"
        seen = self.server or self.error or repr(self.greeting)
        if self.server != self.promised:
            return f"connection {self.number} was promised {promised}, and got {seen}"
        if self.promised:
            return None
        if self.error != "ECONNREFUSED":
            return f"connection {self.number} was promised ECONNREFUSED, and got {seen}"
        if self.retransmits:
            return f"connection {self.number} was refused after {1 + self.retransmits} SYNs and {self.ms} ms, not at once"
        return None


@dataclass(frozen=True)
class Record:
    """A step, and what came of it."""

    step: Step
    connections: tuple[Connection, ...]
    promised: tuple[Row, ...]
    table: Table
    # Who takes no new connection now: overloaded, or of weight 0. Nothing in the kernel says so
    # but the choices it makes; this is the promise that those choices were compared with.
    shut: frozenset[str]
    # The connections that the client holds, by the server that greeted.
    held: dict[str, tuple[int, ...]]
    broken: tuple[str, ...]

    def seen(self) -> tuple[tuple[Optional[str], ...], tuple[Row, ...]]:
        """Return what two schedulers must agree about."""
        return tuple(connection.server for connection in self.connections), self.table.rows


class Watcher:
    """Hears of what happens while it happens; this one does not care."""

    def connected(self, connection: Connection) -> None:
        """A connection was opened, or was not."""

    def waiting(self, left: int, seconds: float) -> None:
        """So many ended connections are still counted, after so many seconds."""


@dataclass
class Walk:
    """The steps of one service, taken one by one."""

    service: Service
    director: Director
    client: Client
    watcher: Watcher = field(default_factory=Watcher)

    def __post_init__(self) -> None:
        self.promise = Promise(self.service)
        self.numbers = itertools.count(1)
        # What the client holds, by server: open connections, and halves that a close has left.
        self.open: dict[str, list[int]] = {d.address: [] for d in self.service.destinations}
        self.closed: dict[str, list[int]] = {d.address: [] for d in self.service.destinations}
        self.weights = {d.address: d.weight for d in self.service.destinations}

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], *_: object) -> None:
        """Leave nothing behind that a next walk would meet, however far this one came."""
        if kind and not issubclass(kind, Exception):
            return  # Interrupted: the machines are on their way out.
        for destination in self.service.destinations:
            self._reset(destination.address)
            if self.weights[destination.address] != destination.weight:
                self._weigh(destination.address, destination.weight)

    def take(self, step: Step) -> Record:
        """Take a step, and return what came of it.

        :raises IpvsExperimentError: it cannot be taken.
        """
        connections = [made for action in step.actions for made in self._act(action)]
        ends = any(isinstance(action, (Close, Reset)) for action in step.actions)
        table = self._settled(ENDED_LIMIT if ends else 0)
        broken = [said for made in connections if (said := made.broken())]
        broken += self._broken_rows(table)
        broken += self._broken_connections(table)
        return Record(
            step,
            tuple(connections),
            self.promise.rows(),
            table,
            self.promise.shut(),
            {server: tuple(numbers) for server, numbers in self.open.items()},
            tuple(broken),
        )

    def _act(self, action: Action) -> list[Connection]:
        if isinstance(action, Open):
            return [self._connect() for _turn in range(action.count)]
        if isinstance(action, Close):
            self._close(action.server)
        elif isinstance(action, Reset):
            self.promise.reset(action.server)
            self._reset(action.server)
        elif isinstance(action, Forget):
            for server in action.servers:
                self.promise.forget(server)
            self._forgotten(action.servers)
        else:
            self.promise.weigh(action.server, action.weight)
            self._weigh(action.server, action.weight)
        return []

    def _close(self, server: str) -> None:
        self.promise.close(server)
        for number in self.open[server][:1]:
            self._ask("close", number)
            self.open[server].remove(number)
            self.closed[server].append(number)

    def _connect(self) -> Connection:
        number = next(self.numbers)
        promised = self.promise.open()
        answer = self.client.ask(
            "open",
            key=self._key(number),
            address=self.service.address,
            port=self.service.port,
            limit=OPEN_LIMIT,
        )
        greeting = answer.get("greeting", "")
        named = re.search(r"\[(.+)\]$", greeting)
        server = named[1] if named else None
        if server in self.open:
            self.open[server].append(number)
        made = Connection(number, promised, server, greeting, answer.get("error", ""), answer["ms"], answer.get("retransmits", 0))
        self.watcher.connected(made)
        return made

    def _ask(self, do: str, number: int) -> None:
        answer = self.client.ask(do, key=self._key(number))
        if "error" in answer:
            raise IpvsExperimentError(f"{do} connection {number} of {self.service}: {answer['error']}")

    def _reset(self, server: str) -> None:
        for number in self.open[server] + self.closed[server]:
            self._ask("reset", number)
        self.open[server], self.closed[server] = [], []

    def _weigh(self, server: str, weight: int) -> None:
        self.weights[server] = weight
        self.director.weigh(self.service, server, weight)

    def _key(self, number: int) -> str:
        return f"{self.service.port}/{number}"

    def _forgotten(self, servers: tuple[str, ...]) -> None:
        """Wait until the director counts nothing for the servers but what is open."""
        start = time.monotonic()
        while (seconds := time.monotonic() - start) < FORGET_LIMIT:
            rows = self.director.table(self.service).rows
            left = sum(r.active + r.inactive - len(self.open[r.address]) for r in rows if r.address in servers)
            if left <= 0:
                return
            self.watcher.waiting(left, seconds)
            time.sleep(1)

    def _settled(self, limit: float) -> Table:
        end = time.monotonic() + limit
        while True:
            table = self.director.table(self.service)
            if table.rows == self.promise.rows() or time.monotonic() > end:
                return table
            time.sleep(0.2)

    def _broken_rows(self, table: Table) -> list[str]:
        promised = self.promise.rows()
        order = [row.address for row in promised]
        if (seen := [row.address for row in table.rows]) != order:
            return [f"the servers' order was promised to be {order}, and is {seen}"]
        return [f"the table was promised to say {right}, and says {row}" for row, right in zip(table.rows, promised) if row != right]

    def _broken_connections(self, table: Table) -> list[str]:
        """What the director counts as active is what the client holds, and all of it lives."""
        broken = [
            f"the director counts {row.active} active connections for {row.address}, and the client holds {held} that {row.address} greeted"
            for row in table.rows
            if row.active != (held := len(self.open.get(row.address, ())))
        ]
        keys = [self._key(number) for numbers in self.open.values() for number in numbers]
        dead = self.client.ask("check", keys=keys)["dead"]
        return broken + [f"connection {key} is dead" for key in dead]
