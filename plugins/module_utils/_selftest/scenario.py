# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The experiment, step by step: the one definition that demo, scenario, picture and self-test share.

Numbers come from the service's thresholds and order. What must come of a step is not
said here: ``expected`` knows the kernel's rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from ansible_collections.lvs.director.plugins.module_utils._selftest.service import Service


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
    """Reset all connections of the server, to be rid of them in ten seconds, not in minutes."""

    server: str


@dataclass(frozen=True)
class Forget:
    """Wait until the director has forgotten the inactive connections of these servers."""

    servers: tuple[str, ...]


@dataclass(frozen=True)
class Weigh:
    """Give the server another weight, with the collection's own module."""

    server: str
    weight: int


Action = Union[Open, Close, Reset, Forget, Weigh]


@dataclass(frozen=True)
class Step:
    """A step: its name, what it does in words, and what it does."""

    name: str
    says: str
    actions: tuple[Action, ...]


def story(service: Service) -> tuple[Step, ...]:
    """Return the steps, in their order, for a service with at least two destinations."""
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
            (Weigh(first.address, 0), Open(1)),
        ),
        Step(
            "weight back",
            f"It gets its weight {first.weight} again: it is chosen.",
            (Weigh(first.address, first.weight), Open(1)),
        ),
    )
