# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks of a service do to its destinations: a table of situations, and what holds in all of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._health.decide import FAILS, SORRY, UpTimes, decide, share_after
from ansible_collections.lvs.director.plugins.module_utils._model.health import Check, HealthRules
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, ServiceKey
from hypothesis import given
from hypothesis import strategies as st

SERVICE = ServiceKey("ipv4", "tcp", b"\xc0\x00\x02\x01", 80)
TCP = (Check("tcp"),)


def key(number: int) -> DestinationKey:
    return DestinationKey(bytes((10, 0, 0, number)), 80)


def server(number: int, marks: str = "") -> Destination:
    """h: held, d: drained, 0: weight 0."""
    return Destination(key(number), weight=0 if "0" in marks else 5, drained="d" in marks, held="h" in marks)


def rules(**values: Any) -> HealthRules:
    return HealthRules(SERVICE, **{"checks": TCP, **values})


def decided(
    states: dict[str, str], up: str, *, up_for: float = 0.0, rule: HealthRules | None = None
) -> tuple[list[int], list[int], list[int]]:
    """Return the numbers of what is held, released, and kept in although it fails.

    :param states: the marks of each destination, by number.
    :param up: + up, - down, ? not known, for each.
    """
    servers = [server(int(number), marks) for number, marks in states.items()]
    found = {each.key: sign == "+" for each, sign in zip(servers, up.ljust(len(servers), "?"), strict=True) if sign != "?"}
    decision = decide(rule or rules(), servers, found, {name: up_for for name, well in found.items() if well})
    return (
        [name.address[3] for name in decision.hold],
        [name.address[3] for name in decision.release],
        [name.address[3] for name in decision.kept],
    )


ALL = {"1": "", "2": "", "3": ""}
WITH_SORRY = {**ALL, "9": "h"}


@pytest.mark.parametrize(
    ("states", "up", "options", "expected"),
    [
        (ALL, "+++", {}, ([], [], [])),
        (ALL, "-++", {}, ([1], [], [])),
        ({**ALL, "1": "h"}, "-++", {}, ([], [], [])),
        # It comes back after its time, and not before.
        ({**ALL, "1": "h"}, "+++", {"up_for": 7.9}, ([], [], [])),
        ({**ALL, "1": "h"}, "+++", {"up_for": 8.0}, ([], [1], [])),
        # Nothing is known: as it is.
        (ALL, "???", {}, ([], [], [])),
        ({**ALL, "1": "h"}, "?++", {"up_for": 99.0}, ([], [], [])),
        # All fail: the first stays in.
        (ALL, "---", {}, ([2, 3], [], [1])),
        ({"1": "h", "2": "h", "3": ""}, "---", {}, ([], [], [3])),
        # The first one back ends that, without waiting.
        ({"1": "h", "2": "h", "3": ""}, "+--", {}, ([3], [1], [])),
        ({"1": "h", "2": "h", "3": ""}, "++-", {}, ([3], [1], [])),
        # min_available in numbers and percent.
        (ALL, "--+", {"rule": rules(min_available=2)}, ([2], [], [1])),
        (ALL, "--+", {"rule": rules(min_available=50, min_available_percent=True)}, ([2], [], [1])),
        (ALL, "-++", {"rule": rules(min_available=50, min_available_percent=True)}, ([1], [], [])),
        (ALL, "-++", {"rule": rules(min_available=9)}, ([], [], [1])),
        (ALL, "---", {"rule": rules(min_available=0)}, ([1, 2, 3], [], [])),
        # What has no weight of its own is marked, and does not count.
        ({"1": "d", "2": "", "3": ""}, "-++", {}, ([1], [], [])),
        ({"1": "", "2": "d", "3": "0"}, "-++", {}, ([], [], [1])),
        # The others were drained meanwhile.
        ({"1": "h", "2": "d", "3": "d"}, "-++", {}, ([], [1], [1])),
        # Not checked: never held, and held no more.
        (ALL, "-++", {"rule": rules(checks=())}, ([], [], [])),
        ({**ALL, "1": "h"}, "-++", {"rule": rules(destinations={key(1): ()})}, ([], [1], [])),
        (ALL, "---", {"rule": rules(destinations={key(3): ()})}, ([1, 2], [], [])),
        # A sorry server.
        ({**ALL, "9": ""}, "+++", {"rule": rules(sorry=frozenset({key(9)}))}, ([9], [], [])),
        (WITH_SORRY, "-++", {"rule": rules(sorry=frozenset({key(9)}))}, ([1], [], [])),
        (WITH_SORRY, "---", {"rule": rules(sorry=frozenset({key(9)}))}, ([1, 2, 3], [9], [])),
        ({"1": "h", "2": "h", "3": "h", "9": ""}, "+--", {"rule": rules(sorry=frozenset({key(9)}))}, ([], [], [])),
        (
            {"1": "h", "2": "h", "3": "h", "9": ""},
            "+--",
            {"rule": rules(sorry=frozenset({key(9)})), "up_for": 8.0},
            ([9], [1], []),
        ),
        # A sorry server that fails as well.
        (WITH_SORRY, "----", {"rule": rules(sorry=frozenset({key(9)}), destinations={key(9): TCP})}, ([2, 3], [], [1])),
    ],
)
def test_decisions(states: dict[str, str], up: str, options: dict[str, Any], expected: tuple[list[int], list[int], list[int]]) -> None:
    assert decided(states, up, **options) == expected


def test_reasons() -> None:
    decision = decide(rules(sorry=frozenset({key(9)})), [server(1), server(2), server(9)], {key(1): False, key(2): True}, {})
    assert decision.hold == {key(1): FAILS, key(9): SORRY}


@given(
    servers=st.lists(st.tuples(st.sampled_from(["", "h", "d", "0", "hd", "h0"]), st.sampled_from("+-?")), min_size=1, max_size=6),
    least=st.integers(0, 4),
    percent=st.booleans(),
    up_for=st.sampled_from([0.0, 8.0]),
    sorry=st.booleans(),
)
def test_whatever_happens(servers: list[tuple[str, str]], least: int, percent: bool, up_for: float, sorry: bool) -> None:
    table = [server(number, marks) for number, (marks, _sign) in enumerate(servers)]
    up = {each.key: sign == "+" for each, (_marks, sign) in zip(table, servers, strict=True) if sign != "?"}
    rule = rules(
        min_available=least * 25 if percent else least,
        min_available_percent=percent,
        sorry=frozenset({key(0)}) if sorry else frozenset(),
        destinations={key(0): TCP},
    )
    ages = {name: up_for for name, well in up.items() if well}
    decision = decide(rule, table, up, ages)
    after = [each._replace(held=(each.held or each.key in decision.hold) and each.key not in decision.release) for each in table]
    # It is final: the next round finds nothing to do.
    again = decide(rule, after, up, ages)
    assert not again.hold
    assert not again.release
    assert again.kept == decision.kept
    # Never fewer than there must be, as far as there are as many.
    ordinary = [each for each in after if each.key not in rule.sorry]
    possible = [each for each in ordinary if each.weight and not each.drained]
    in_service = [each for each in after if each.effective_weight]
    assert len(in_service) >= min(decision.least, len(possible))
    # A failing destination is in service only if nothing better could be.
    if decision.kept:
        assert not [each for each in possible if each.held and up.get(each.key)]
    # What fails is held; what is not known stays as it was, unless too few were left, or it is a sorry server.
    for before, now in zip(table, after, strict=True):
        if before.key in up and not up[before.key]:
            assert now.held or before.key in decision.kept
        elif before.key not in up and before.key not in rule.sorry:
            assert not now.held or before.held


def test_up_times() -> None:
    times = UpTimes()
    assert times.see("a", {key(1): True, key(2): False}, 10.0) == {key(1): 0.0}
    assert times.see("b", {key(1): True}, 12.0) == {key(1): 0.0}
    assert times.see("a", {key(1): True, key(2): True}, 13.0) == {key(1): 3.0, key(2): 0.0}
    assert times.see("a", {}, 14.0) == {}
    assert times.see("a", {key(1): True}, 15.0) == {key(1): 0.0}


def test_shares() -> None:
    assert [share_after(30.0, seconds) for seconds in (-5.0, 0.0, 3.3, 3.4, 15.0, 29.9, 30.0, 1e9)] == [10, 10, 10, 20, 50, 90, 100, 100]
    assert share_after(0.0, 0.0) == 100
