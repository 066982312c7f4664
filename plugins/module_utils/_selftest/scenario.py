# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The steps of the experiment, shared by the demo, the scenario, the picture and the self-test.

The numbers follow from the service's thresholds and the order of its destinations. ``expected`` knows the kernel's rules, and computes
the outcome of each step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

# The services of examples/overload.yml, moved from 10.211.55.0/24 to loopback's network.
NETWORK = "127.211.55.0/24"
ADDRESS = "127.211.55.3"
SERVERS = tuple(f"127.211.55.{last}" for last in (253, 252, 251, 250))
PORT, CONTROL_PORT = 21, 2121
UPPER_THRESHOLD, LOWER_THRESHOLD = 4, 1


@dataclass(frozen=True)
class Destination:
    """A real server of the service."""

    address: str
    port: int
    weight: int
    upper_threshold: int
    lower_threshold: int

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Service:
    """The virtual service under test."""

    address: str
    port: int
    scheduler: str
    # In scheduling order, as everywhere in this collection.
    destinations: tuple[Destination, ...]

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


def loopback_service(scheduler: str, port: int) -> Service:
    """Return the self-test's service for a scheduler.

    ``test`` only considers the order, so all weights are equal; other schedulers need weights that fall in list order.
    """
    weights = [1] * len(SERVERS) if scheduler == "test" else list(range(len(SERVERS), 0, -1))
    return Service(
        ADDRESS,
        port,
        scheduler,
        tuple(Destination(server, port, weight, UPPER_THRESHOLD, LOWER_THRESHOLD) for server, weight in zip(SERVERS, weights)),
    )


@dataclass(frozen=True)
class Open:
    """Open this many connections, one after the other, and keep them."""

    count: int


@dataclass(frozen=True)
class Close:
    """Close the server's oldest connection."""

    server: str


@dataclass(frozen=True)
class Reset:
    """Reset all connections of the server: the director forgets them after ten seconds instead of two minutes."""

    server: str


@dataclass(frozen=True)
class Forget:
    """Wait until the director has forgotten the inactive connections of these servers."""

    servers: tuple[str, ...]


@dataclass(frozen=True)
class SetWeight:
    """Give the server another weight, with the collection's own module."""

    server: str
    weight: int


Action = Union[Open, Close, Reset, Forget, SetWeight]


@dataclass(frozen=True)
class Step:
    """A step: its name, its description for people, and its actions."""

    name: str
    description: str
    actions: tuple[Action, ...]


def steps_of(service: Service) -> tuple[Step, ...]:
    """Return the steps in order, for a service with at least two destinations."""
    first, second, *others = service.destinations
    left = second.upper_threshold - 3 + sum(other.upper_threshold for other in others)
    return (
        Step(
            "fresh",
            "A fresh table. The servers stand in the order given, in which they are tried.",
            (Forget(tuple(destination.address for destination in service.destinations)),),
        ),
        Step(
            "first full",
            f"{first.upper_threshold} connections, one by one: the first server takes them, and is full.",
            (Open(first.upper_threshold),),
        ),
        Step(
            "fail over",
            "2 more: the next server takes over.",
            (Open(2),),
        ),
        Step(
            "hysteresis",
            f"The first connection is closed, one more is opened. The first server has fewer than {first.upper_threshold}"
            f" now,\nbut stays overloaded until it has fewer than {first.lower_threshold}: still the next server.",
            (Close(first.address), Open(1)),
        ),
        Step(
            "all full",
            f"{left} more: every server is full.",
            (Open(left),),
        ),
        Step(
            "refused",
            "One more is refused at once, and disturbs none of the others.",
            (Open(1),),
        ),
        Step(
            "reset",
            "All connections of the first server are reset. The director still counts them, as inactive:\none more is refused.",
            (Reset(first.address), Open(1)),
        ),
        Step(
            "recovered",
            "The director has forgotten them: the first server takes connections again.",
            (Forget((first.address,)), Open(1)),
        ),
        Step(
            "weight 0",
            "The first server, the only one with room, gets weight 0: it is not chosen.",
            (SetWeight(first.address, 0), Open(1)),
        ),
        Step(
            "weight back",
            f"It gets its weight {first.weight} again: it is chosen.",
            (SetWeight(first.address, first.weight), Open(1)),
        ),
    )
