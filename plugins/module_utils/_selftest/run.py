# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Run the steps with real connections, and compare the results with the expected ones.

Two schedulers can run side by side: the one under test, and a control that must do the same.
"""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass, field
from typing import Any, Optional, Protocol

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Expected, Row
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import (
    Action,
    Close,
    Forget,
    Open,
    Reset,
    Service,
    Step,
    steps_of,
)

OPEN_LIMIT = 10.0
# Seconds until the director has seen an RST or FIN that the client sent.
ENDED_LIMIT = 5.0
# It keeps a connection for 10 s after an RST; for two minutes after a FIN in an earlier run.
FORGET_LIMIT = 130.0


@dataclass(frozen=True)
class Table:
    """The director's table: its rows in scheduling order, and as text."""

    text: str
    rows: tuple[Row, ...]


class Director(Protocol):
    """The operations that the experiment needs from a director."""

    def table(self, service: Service) -> Table:
        """Return the current table."""

    def set_weight(self, service: Service, address: str, weight: int) -> None:
        """Give a real server another weight."""


class Client(Protocol):
    """The client that opens the connections: ``client.Client``, in this process or on another machine."""

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        """Send a request, and return the answer."""


@dataclass(frozen=True)
class Connection:
    """An attempt to connect, and its outcome."""

    number: int
    expected: Optional[str]
    server: Optional[str]
    greeting: str
    error: str
    ms: int
    # SYNs after the first; Linux sends the second one after a second.
    retransmits: int = 0

    def broken(self) -> Optional[str]:
        """Describe the difference from the expected outcome, or return None."""
        seen = self.server or self.error or repr(self.greeting)
        if self.server != self.expected:
            return f"connection {self.number}: expected {self.expected or 'a refusal'}, got {seen}"
        if self.expected:
            return None
        if self.error != "ECONNREFUSED":
            return f"connection {self.number}: expected ECONNREFUSED, got {seen}"
        if self.retransmits:
            return f"connection {self.number} was refused after {1 + self.retransmits} SYNs and {self.ms} ms, not at once"
        return None


@dataclass(frozen=True)
class Record:
    """A step and its outcome."""

    step: Step
    connections: tuple[Connection, ...]
    expected: tuple[Row, ...]
    table: Table
    # The servers that take no new connection: overloaded, or of weight 0. As expected, not as observed: the kernel only shows this
    # by its choices.
    shut: frozenset[str]
    # The client's open connections by server.
    open_connections: dict[str, tuple[int, ...]]
    broken: tuple[str, ...]

    def seen(self) -> tuple[tuple[Optional[str], ...], tuple[Row, ...]]:
        """Return the part of the outcome that must be the same with both schedulers."""
        return tuple(connection.server for connection in self.connections), self.table.rows


class Watcher:
    """Receives the progress of a step; this base class ignores it."""

    def connected(self, connection: Connection) -> None:
        """An attempt to connect has ended."""

    def waiting(self, left: int, seconds: float) -> None:
        """The director still counts some ended connections.

        :param left: how many.
        :param seconds: how long this has taken up to now.
        """


@dataclass
class Run:
    """A run of the experiment with one service, step by step."""

    service: Service
    director: Director
    client: Client
    watcher: Watcher = field(default_factory=Watcher)

    def __post_init__(self) -> None:
        self.expected = Expected(self.service)
        self.numbers = itertools.count(1)
        # The client's connections by server: open ones, and those whose server has closed its half.
        self.open: dict[str, list[int]] = {d.address: [] for d in self.service.destinations}
        self.closed: dict[str, list[int]] = {d.address: [] for d in self.service.destinations}
        self.weights = {d.address: d.weight for d in self.service.destinations}

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], *_: object) -> None:
        """Restore the earlier state, even after an incomplete run."""
        if kind and not issubclass(kind, Exception):
            return  # Interrupted: the machines are about to end.
        for destination in self.service.destinations:
            self._reset(destination.address)
            if self.weights[destination.address] != destination.weight:
                self._set_weight(destination.address, destination.weight)

    def step(self, step: Step) -> Record:
        """Run a step, and return the outcome.

        :raises IpvsExperimentError: the step cannot be carried out.
        """
        connections = [made for action in step.actions for made in self._act(action)]
        ends = any(isinstance(action, (Close, Reset)) for action in step.actions)
        table = self._settled(ENDED_LIMIT if ends else 0)
        broken = [text for made in connections if (text := made.broken())]
        broken += self._broken_rows(table)
        broken += self._broken_connections(table)
        return Record(
            step,
            tuple(connections),
            self.expected.rows(),
            table,
            self.expected.shut(),
            {server: tuple(numbers) for server, numbers in self.open.items()},
            tuple(broken),
        )

    def _act(self, action: Action) -> list[Connection]:
        if isinstance(action, Open):
            return [self._connect() for _turn in range(action.count)]
        if isinstance(action, Close):
            self._close(action.server)
        elif isinstance(action, Reset):
            self.expected.reset(action.server)
            self._reset(action.server)
        elif isinstance(action, Forget):
            for server in action.servers:
                self.expected.forget(server)
            self._forgotten(action.servers)
        else:
            self.expected.set_weight(action.server, action.weight)
            self._set_weight(action.server, action.weight)
        return []

    def _close(self, server: str) -> None:
        self.expected.close(server)
        for number in self.open[server][:1]:
            self._ask("close", number)
            self.open[server].remove(number)
            self.closed[server].append(number)

    def _connect(self) -> Connection:
        number = next(self.numbers)
        expected = self.expected.open()
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
        made = Connection(number, expected, server, greeting, answer.get("error", ""), answer["ms"], answer.get("retransmits", 0))
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

    def _set_weight(self, server: str, weight: int) -> None:
        self.weights[server] = weight
        self.director.set_weight(self.service, server, weight)

    def _key(self, number: int) -> str:
        return f"{self.service.port}/{number}"

    def _forgotten(self, servers: tuple[str, ...]) -> None:
        """Wait until the director counts only open connections for the servers."""
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
            if table.rows == self.expected.rows() or time.monotonic() > end:
                return table
            time.sleep(0.2)

    def _broken_rows(self, table: Table) -> list[str]:
        expected = self.expected.rows()
        order = [row.address for row in expected]
        if (seen := [row.address for row in table.rows]) != order:
            return [f"the servers' order: expected {order}, got {seen}"]
        return [f"the table: expected {right}, got {row}" for row, right in zip(table.rows, expected) if row != right]

    def _broken_connections(self, table: Table) -> list[str]:
        """Compare the active connections with the client's open ones, and check that those are alive."""
        broken = [
            f"the director counts {row.active} active connections for {row.address}, and the client "
            f"has {opened} open that {row.address} greeted"
            for row in table.rows
            if row.active != (opened := len(self.open.get(row.address, ())))
        ]
        keys = [self._key(number) for numbers in self.open.values() for number in numbers]
        dead = self.client.ask("check", keys=keys)["dead"]
        return broken + [f"connection {key} is dead" for key in dead]


@dataclass(frozen=True)
class Compared:
    """The outcome of a step with both schedulers, and all differences from the expected one."""

    record: Record
    control: Optional[Record]
    broken: tuple[str, ...]


def paired_steps(service: Service, control: Optional[Service]) -> list[tuple[Step, Optional[Step]]]:
    """Return the steps of the service, paired with those of the control."""
    steps = steps_of(service)
    return list(zip(steps, steps_of(control) if control else (None,) * len(steps)))


def compare(main: Run, step: Step, control: Optional[Run], control_step: Optional[Step]) -> Compared:
    """Run a step with both schedulers. They must make the same choices and refusals, and have the same table."""
    record = main.step(step)
    if control is None or control_step is None:
        return Compared(record, None, record.broken)
    other = control.step(control_step)
    name = control.service.scheduler
    broken = [*record.broken, *(f"{name}: {text}" for text in other.broken)]
    if record.seen() != other.seen():
        broken.append(f"{main.service.scheduler} and {name} did not do the same")
    return Compared(record, other, tuple(broken))
