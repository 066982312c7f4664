# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises against the numbers measured on a kernel of today, written out by hand."""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Promise
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Close, Forget, Open, Reset, Weigh, story
from ansible_collections.lvs.director.plugins.module_utils._selftest.service import Destination, Service

SERVICE = Service(
    "192.0.2.1",
    21,
    "test",
    tuple(Destination(name, 21, 1, 4, 1) for name in ("d", "c", "b", "a")),
)

# After each step: active/inactive of each server, and who was given the new connections.
EXPECTED = {
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


def promised(service: Service) -> dict[str, tuple[str, str]]:
    promise = Promise(service)
    after = {}
    for step in story(service):
        given = ""
        for action in step.actions:
            match action:
                case Open(count):
                    given += "".join(promise.open() or "-" for _turn in range(count))
                case Close(server):
                    promise.close(server)
                case Reset(server):
                    promise.reset(server)
                case Forget(servers):
                    for server in servers:
                        promise.forget(server)
                case Weigh(server, weight):
                    promise.weigh(server, weight)
        after[step.name] = (" ".join(f"{row.active}/{row.inactive}" for row in promise.rows()), given)
    return after


def test_the_promises_are_the_measured_numbers() -> None:
    assert promised(SERVICE) == EXPECTED


def test_without_a_lower_threshold_three_quarters_of_the_upper_one_count() -> None:
    promise = Promise(Service("192.0.2.1", 21, "test", (Destination("d", 21, 1, 4, 0),)))
    assert [promise.open() for _turn in range(5)] == ["d", "d", "d", "d", None]
    promise.close("d")
    promise.forget("d")
    assert promise.open() is None
    promise.close("d")
    promise.forget("d")
    assert promise.open() == "d"


def test_without_an_upper_threshold_a_server_is_never_full() -> None:
    promise = Promise(Service("192.0.2.1", 21, "test", (Destination("d", 21, 1, 0, 0),)))
    assert {promise.open() for _turn in range(50)} == {"d"}
