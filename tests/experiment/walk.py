# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks the steps with real connections and puts what is seen beside what is promised."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass, field

from experiment.agent import Agent
from experiment.director import Director
from experiment.errors import ExperimentError
from experiment.promise import Promise
from experiment.service import Service
from experiment.steps import Action, Close, Forget, Open, Reset, Step, Weigh
from experiment.table import Row, Table

# A refused client must not need a second SYN, which Linux sends after one second.
AT_ONCE_MS = 1000
OPEN_LIMIT = 10.0
# The director sees an RST or FIN a moment after the client has sent it.
ENDED_LIMIT = 5.0
# It keeps a reset connection for 10 s; one that an earlier run closed with FIN, two minutes.
FORGET_LIMIT = 130.0


@dataclass(frozen=True)
class Connection:
    number: int
    promised: str | None
    server: str | None
    greeting: str
    error: str
    ms: int

    def broken(self) -> str | None:
        promised = self.promised or "a refusal"
        seen = self.server or self.error or repr(self.greeting)
        if self.server != self.promised:
            return f"connection {self.number} was promised {promised}, and got {seen}"
        if self.promised:
            return None
        if self.error != "ECONNREFUSED":
            return f"connection {self.number} was promised ECONNREFUSED, and got {seen}"
        if self.ms >= AT_ONCE_MS:
            return f"connection {self.number} was refused after {self.ms} ms, not at once"
        return None


@dataclass(frozen=True)
class Record:
    """A step, and what came of it."""

    step: Step
    connections: tuple[Connection, ...]
    table: Table
    # Who takes no new connection now: overloaded, or of weight 0. Nothing in the kernel says so
    # but the choices it makes; this is the promise that those choices were compared with.
    shut: frozenset[str]
    # The connections that the client holds, by the server that greeted.
    held: dict[str, tuple[int, ...]]
    broken: tuple[str, ...]

    def seen(self) -> tuple[tuple[str | None, ...], tuple[Row, ...]]:
        """What two schedulers must agree about."""
        return tuple(connection.server for connection in self.connections), self.table.rows


class Watcher:
    """Hears of what happens while it happens; this one does not care."""

    def connected(self, connection: Connection) -> None: ...

    def waiting(self, left: int, seconds: float) -> None: ...


@dataclass
class Walk:
    service: Service
    director: Director
    client: Agent
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

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave nothing behind that a next walk would meet, however far this one came."""
        if kind and not issubclass(kind, Exception):
            return  # Interrupted: the machines are on their way out.
        for destination in self.service.destinations:
            self.reset(destination.address)
            if self.weights[destination.address] != destination.weight:
                self.weigh(destination.address, destination.weight)

    def take(self, step: Step) -> Record:
        connections = [made for action in step.actions for made in self.act(action)]
        ends = any(isinstance(action, (Close, Reset)) for action in step.actions)
        table = self.settled(ENDED_LIMIT if ends else 0)
        broken = [said for made in connections if (said := made.broken())]
        broken += self.broken_rows(table)
        broken += self.broken_connections(table)
        return Record(
            step,
            tuple(connections),
            table,
            self.promise.shut(),
            {server: tuple(numbers) for server, numbers in self.open.items()},
            tuple(broken),
        )

    def act(self, action: Action) -> list[Connection]:
        match action:
            case Open(count):
                return [self.connect() for _turn in range(count)]
            case Close(server):
                self.promise.close(server)
                for number in self.open[server][:1]:
                    self.ask("close", number)
                    self.open[server].remove(number)
                    self.closed[server].append(number)
            case Reset(server):
                self.promise.reset(server)
                self.reset(server)
            case Forget(servers):
                for server in servers:
                    self.promise.forget(server)
                self.forgotten(servers)
            case Weigh(server, weight):
                self.promise.weigh(server, weight)
                self.weigh(server, weight)
        return []

    def connect(self) -> Connection:
        number = next(self.numbers)
        promised = self.promise.open()
        answer = self.client.ask(
            "open",
            key=self.key(number),
            address=self.service.address,
            port=self.service.port,
            limit=OPEN_LIMIT,
        )
        greeting = answer.get("greeting", "")
        named = re.search(r"\[(.+)\]$", greeting)
        server = named[1] if named else None
        if server in self.open:
            self.open[server].append(number)
        made = Connection(number, promised, server, greeting, answer.get("error", ""), answer["ms"])
        self.watcher.connected(made)
        return made

    def ask(self, do: str, number: int) -> None:
        answer = self.client.ask(do, key=self.key(number))
        if "error" in answer:
            raise ExperimentError(f"{do} connection {number} of {self.service}: {answer['error']}")

    def reset(self, server: str) -> None:
        for number in self.open[server] + self.closed[server]:
            self.ask("reset", number)
        self.open[server], self.closed[server] = [], []

    def weigh(self, server: str, weight: int) -> None:
        self.weights[server] = weight
        self.director.weigh(self.service, server, weight)

    def key(self, number: int) -> str:
        return f"{self.service.port}/{number}"

    def forgotten(self, servers: tuple[str, ...]) -> None:
        """Wait until the director counts nothing for the servers but what is open."""
        start = time.monotonic()
        while (seconds := time.monotonic() - start) < FORGET_LIMIT:
            rows = self.director.table(self.service).rows
            left = sum(r.active + r.inactive - len(self.open[r.address]) for r in rows if r.address in servers)
            if left <= 0:
                return
            self.watcher.waiting(left, seconds)
            time.sleep(1)

    def settled(self, limit: float) -> Table:
        end = time.monotonic() + limit
        while True:
            table = self.director.table(self.service)
            if table.rows == self.promise.rows() or time.monotonic() > end:
                return table
            time.sleep(0.2)

    def broken_rows(self, table: Table) -> list[str]:
        promised = self.promise.rows()
        order = [row.address for row in promised]
        if (seen := [row.address for row in table.rows]) != order:
            return [f"the servers' order was promised to be {order}, and is {seen}"]
        return [
            f"the table was promised to say {right}, and says {row}"
            for row, right in zip(table.rows, promised, strict=True)
            if row != right
        ]

    def broken_connections(self, table: Table) -> list[str]:
        """What the director counts as active is what the client holds, and all of it lives."""
        broken = [
            f"the director counts {row.active} active connections for {row.address}, and the client holds {held} that {row.address} greeted"
            for row in table.rows
            if row.active != (held := len(self.open.get(row.address, ())))
        ]
        keys = [self.key(number) for numbers in self.open.values() for number in numbers]
        dead = self.client.ask("check", keys=keys)["dead"]
        return broken + [f"connection {key} is dead" for key in dead]
