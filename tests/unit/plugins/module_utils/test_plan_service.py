# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of steps: it leads to the state, touches only differences, and never leaves a service without a real server."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.desired import PlannedService
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    EditDestination,
    Step,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
)
from ansible_collections.lvs.director.plugins.module_utils._plan.order import transition
from hypothesis import given, settings

from contract.memory import MemoryKernel
from contract.strategies import real_address, two_entries

KEY = ServiceKey("ipv4", "tcp", b"\xc0\0\2\1", 80)
SERVICE = Service(KEY)


def destinations(text: str) -> tuple[Destination, ...]:
    """``"a b0"``: a with weight 1, then b with weight 0."""
    return tuple(
        Destination(DestinationKey(real_address("ipv4", ord(word[0])), 80), "masquerade", int(word[1:] or 1)) for word in text.split()
    )


def name(key: DestinationKey) -> str:
    return chr(key.address[3])


def words(plan: PlannedService) -> str:
    """The steps, as +a (add), -a (delete), =a0 (edit to weight 0); ``|`` between the phases."""

    def word(step: Step) -> str:
        if isinstance(step, DeleteDestination):
            return f"-{name(step.key)}"
        assert isinstance(step, (AddDestination, EditDestination))
        sign = "+" if isinstance(step, AddDestination) else "="
        weight = step.destination.weight
        return f"{sign}{name(step.destination.key)}{'' if weight == 1 else weight}"

    return " | ".join(" ".join(word(step) for step in phase) for phase in plan.phases).strip()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a b c", "a b c", "|"),
        ("", "a b c", "+c +b +a |"),
        ("a b c", "a b", "| -c"),
        ("a b c", "x a b c", "+x |"),
        ("a b c", "a b c x", "+x -c +c -b +b -a +a |"),  # only the head is there to add to
        ("a b c", "c a b", "-c +c |"),  # the one that moved, not the two that stayed
        ("a b c", "b a c", "-b +b |"),
        ("a b c", "c b a", "-b +b -c +c |"),
        ("a b", "a2 b", "=a2 |"),
        ("a b", "a0 b", "| =a0"),  # losing weight comes last
        ("a0 b", "a b0", "=a | =b0"),
        ("a", "b", "+b | -a"),  # the new one first
        ("a b0", "b a", "-b +b |"),
        # The only eligible one moves. Another that will be eligible comes first, although its place is elsewhere.
        ("z0 x", "y x0 z0", "+y -x +x -y +y | =x0"),
        ("b0 a", "a b", "=b -a +a |"),
        ("c0 b0 a", "b2 a c0", "=b2 -a +a -b +b2 |"),  # and moves when its own turn comes
    ],
)
def test_steps(before: str, after: str, expected: str) -> None:
    plan = transition(KEY, Entry(SERVICE, destinations(before)), Entry(SERVICE, destinations(after)))
    assert words(plan) == expected.strip()
    assert plan.interrupted is None


def test_the_only_interruption_is_reported() -> None:
    plan = transition(KEY, Entry(SERVICE, destinations("b0 a")), Entry(SERVICE, destinations("a b0")))
    assert words(plan) == "-a +a |"
    assert plan.interrupted == plan.after.destinations[0].key


def test_the_service_comes_first() -> None:
    plan = transition(KEY, None, Entry(SERVICE, destinations("a")))
    assert plan.phases[0][0] == AddService(SERVICE)


def eligible(kernel: MemoryKernel, key: ServiceKey) -> bool:
    return any(one.weight for one in kernel.destinations.get(key, []))


@settings(max_examples=400)
@given(states=two_entries())
def test_random_transitions(states: tuple[Entry | None, Entry | None]) -> None:
    before, after = states
    key = before.service.key if before else after.service.key if after else KEY
    kernel = MemoryKernel()
    for phase in transition(key, None, before).phases:
        assert kernel.apply(phase) is None
    plan = transition(key, before, after)
    always = eligible(kernel, key)
    kernel.meanwhile = lambda step: interruptions.append(step) if not eligible(kernel, key) else None
    interruptions: list[Step] = []
    for phase in plan.phases:
        assert kernel.apply(phase) is None
    observed = kernel.read_service(key)
    assert (observed.entry if observed else None) == after
    if always and eligible(kernel, key):
        # Never without an eligible server, unless the plan says so and no other server could have served.
        assert bool(interruptions) == (plan.interrupted is not None)
        if plan.interrupted is not None:
            assert after is not None
            assert len([one for one in after.destinations if one.weight]) == 1
    if before and after:
        stays = {one.key for one in before.destinations} & {one.key for one in after.destinations}
        deleted = [step.key for phase in plan.phases for step in phase if isinstance(step, DeleteDestination)]
        added = [step.destination.key for phase in plan.phases for step in phase if isinstance(step, AddDestination)]
        # A destination that stays is deleted only to be added in another place.
        assert all(deleted.count(one) <= added.count(one) for one in stays)
        if [one.key for one in before.destinations] == [one.key for one in after.destinations]:
            assert not deleted
            assert not added
