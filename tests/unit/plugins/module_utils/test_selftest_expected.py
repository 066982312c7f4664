# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expected numbers, against those measured on a current kernel, written out by hand."""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Expected
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import (
    Close,
    Destination,
    Forget,
    Open,
    Reset,
    Service,
    SetWeight,
    steps_of,
)

SERVICE = Service(
    "192.0.2.1",
    21,
    "test",
    tuple(Destination(name, 21, 1, 4, 1) for name in ("d", "c", "b", "a")),
)

# After each step: active/inactive of each server, and the servers of the new connections.
MEASURED = {
    "fresh": ("0/0 0/0 0/0 0/0", ""),
    "first full": ("4/0 0/0 0/0 0/0", "dddd"),
    "fail over": ("4/0 2/0 0/0 0/0", "cc"),
    "hysteresis": ("3/1 3/0 0/0 0/0", "c"),
    "all full": ("3/1 4/0 4/0 4/0", "cbbbbaaaa"),
    "refused": ("3/1 4/0 4/0 4/0", "-"),
    "reset": ("0/4 4/0 4/0 4/0", "-"),
    "recovered": ("1/0 4/0 4/0 4/0", "d"),
    "weight 0": ("1/0 4/0 4/0 4/0", "-"),
    "weight back": ("2/0 4/0 4/0 4/0", "d"),
}


def expected(service: Service) -> dict[str, tuple[str, str]]:
    state = Expected(service)
    after = {}
    for step in steps_of(service):
        given = ""
        for action in step.actions:
            match action:
                case Open(count):
                    given += "".join(state.open() or "-" for _turn in range(count))
                case Close(server):
                    state.close(server)
                case Reset(server):
                    state.reset(server)
                case Forget(servers):
                    for server in servers:
                        state.forget(server)
                case SetWeight(server, weight):
                    state.set_weight(server, weight)
        after[step.name] = (" ".join(f"{row.active}/{row.inactive}" for row in state.rows()), given)
    return after


def test_the_expected_numbers_are_the_measured_ones() -> None:
    assert expected(SERVICE) == MEASURED


def test_without_a_lower_threshold_three_quarters_of_the_upper_one_count() -> None:
    state = Expected(Service("192.0.2.1", 21, "test", (Destination("d", 21, 1, 4, 0),)))
    assert [state.open() for _turn in range(5)] == ["d", "d", "d", "d", None]
    state.close("d")
    state.forget("d")
    assert state.open() is None
    state.close("d")
    state.forget("d")
    assert state.open() == "d"


def test_without_an_upper_threshold_a_server_is_never_full() -> None:
    state = Expected(Service("192.0.2.1", 21, "test", (Destination("d", 21, 1, 0, 0),)))
    assert {state.open() for _turn in range(50)} == {"d"}
