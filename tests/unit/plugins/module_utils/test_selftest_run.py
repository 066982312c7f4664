# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run must find every deviation: here the machines deviate in one way at a time."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Expected
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Run, Table
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Close, Destination, Open, Service, Step

from experiment import table

SERVICE = Service("192.0.2.1", 21, "test", (Destination("d", 21, 1, 2, 1), Destination("c", 21, 1, 2, 1)))
THREE = Step("three", "", (Open(3),))
FIVE = Step("five", "", (Open(5),))


class Machines:
    """Director and client of a kernel that behaves as expected, except for one deviation."""

    def __init__(self, **lie: Any) -> None:
        self.kernel = Expected(lie.get("kernel", SERVICE))
        self.lie = lie

    def table(self, service: Service) -> Table:
        rows = [f"-> {row.address}:{service.port} {row.upper} {row.lower} {row.active} {row.inactive}" for row in self.kernel.rows()]
        return table.parse("\n".join(rows).replace(*self.lie.get("table", ("", ""))))

    def ask(self, do: str, **_: Any) -> dict[str, Any]:
        if do == "check":
            return {"dead": self.lie.get("dead", [])}
        if do in ("reset", "close"):
            return self.lie.get(do, {})
        address = self.kernel.open()
        if address is None:
            return {"error": "ECONNREFUSED", "ms": 9, **self.lie.get("refusal", {})}
        greeting = f"220 lvs.director experiment [{address}]"
        return {"greeting": self.lie.get("greeting", greeting), "ms": 9}


def broken(step: Step, **lie: Any) -> str:
    machines: Any = Machines(**lie)
    with Run(SERVICE, machines, machines) as run:
        return "\n".join(run.step(step).broken)


@pytest.mark.parametrize("step", [THREE, FIVE])
def test_correct_behaviour_passes(step: Step) -> None:
    assert broken(step) == ""


@pytest.mark.parametrize(
    ("step", "lie", "message"),
    [
        pytest.param(
            THREE,
            {"kernel": Service("192.0.2.1", 21, "test", SERVICE.destinations[::-1])},
            "connection 1: expected d, got c",
            id="order",
        ),
        pytest.param(
            FIVE,
            {"kernel": Service("192.0.2.1", 21, "test", (SERVICE.destinations[0], Destination("c", 21, 1, 3, 1)))},
            "connection 5: expected a refusal, got c",
            id="threshold",
        ),
        pytest.param(
            THREE,
            {"greeting": "220 lvs.director experiment [c]"},
            "the director counts 1 active connections for c, and the client has 3 open that c greeted",
            id="greeting",
        ),
        pytest.param(THREE, {"greeting": "hello"}, "connection 1: expected d, got 'hello'", id="stranger"),
        pytest.param(
            THREE,
            {"table": ("-> c:21 2 1 1 0", "-> c:21 2 1 1 1")},
            "the table: expected c: thresholds 2/1, 1 active, 0 inactive, got c: thresholds 2/1, 1 active, 1 inactive",
            id="count",
        ),
        pytest.param(THREE, {"table": ("-> c:21 2 1 1 0", "")}, "the servers' order: expected", id="row"),
        pytest.param(THREE, {"dead": ["21/2"]}, "connection 21/2 is dead", id="dead"),
        pytest.param(
            FIVE,
            {"refusal": {"error": "ETIMEDOUT"}},
            "connection 5: expected ECONNREFUSED, got ETIMEDOUT",
            id="hang",
        ),
        pytest.param(
            FIVE,
            {"refusal": {"ms": 1041, "retransmits": 1}},
            "connection 5 was refused after 2 SYNs and 1041 ms, not at once",
            id="late",
        ),
    ],
)
def test_a_deviation_is_found(step: Step, lie: dict[str, Any], message: str) -> None:
    assert message in broken(step, **lie)


def test_a_connection_that_cannot_be_closed_ends_the_run() -> None:
    machines: Any = Machines(close={"error": "EPROTO"})
    with Run(SERVICE, machines, machines) as run:
        with pytest.raises(IpvsExperimentError, match=r"^close connection 1 of 192\.0\.2\.1:21: EPROTO$"):
            run.step(Step("closed", "", (Open(1), Close("d"))))
