# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation's samples of the demo and the self-test are what these print if everything goes as expected.

Milliseconds, seconds and the kernel's version depend on the machine; everything else is compared.
"""

from __future__ import annotations

import re
import types
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._program.resync_state import line_of
from ansible_collections.lvs.director.plugins.module_utils._selftest import run as _run
from ansible_collections.lvs.director.plugins.module_utils._selftest.director import render
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Expected
from ansible_collections.lvs.director.plugins.module_utils._selftest.report import Machine, report, step_result
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Run, Table, compare, paired_steps
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import CONTROL_PORT, PORT, Service, loopback_service
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Report

from docs.blocks import Block, blocks, pages
from experiment.screen import conclusion
from experiment.service import services

PRINTED = [block for page in pages() for block in blocks(page) if block.kind == "printed"]


class Machines:
    """Director and client of a kernel that behaves as expected."""

    def __init__(self, one: Service) -> None:
        self.kernel = Expected(one)
        self.holders: dict[str, str] = {}

    def table(self, one: Service) -> Table:
        rows = self.kernel.rows()
        return Table(render(one, rows), rows)

    def set_weight(self, _service: Service, address: str, weight: int) -> None:
        self.kernel.set_weight(address, weight)

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        if do == "check":
            return {"dead": []}
        if do == "open":
            address = self.kernel.open()
            if address is None:
                return {"error": "ECONNREFUSED", "ms": 1}
            self.holders[values["key"]] = address
            return {"greeting": f"220 lvs.director experiment [{address}]", "ms": 1}
        address = self.holders.pop(values["key"], None)
        if address:
            self.kernel.close(address)
        return {}

    def wait(self, _seconds: float) -> None:
        """Let time pass: ended connections are forgotten."""
        for address in self.kernel.servers:
            self.kernel.forget(address)


def steps_of(monkeypatch: pytest.MonkeyPatch, one: Service, beside: Service) -> list[dict[str, Any]]:
    """Return the steps of two services, as the self-test has them."""
    machines: list[Any] = [Machines(one), Machines(beside)]

    def wait(seconds: float) -> None:
        for each in machines:
            each.wait(seconds)

    monkeypatch.setattr(_run, "time", types.SimpleNamespace(monotonic=lambda: 0.0, sleep=wait))
    with Run(one, machines[0], machines[0]) as main, Run(beside, machines[1], machines[1]) as control:
        return [
            step_result(number, compare(main, step, control, control_step), beside.scheduler)
            for number, (step, control_step) in enumerate(paired_steps(one, beside), 1)
        ]


@pytest.fixture
def all_that_is_printed(monkeypatch: pytest.MonkeyPatch) -> str:
    demo = services()
    steps = steps_of(monkeypatch, demo["test"], demo["fo"])
    shown = [*(step["text"] for step in steps), conclusion(demo["test"], len(steps), "fo")]
    machine = Machine("director", "6.1.0-56-cloud-amd64", "test", None, "fo")
    steps = steps_of(monkeypatch, loopback_service("test", PORT), loopback_service("fo", CONTROL_PORT))
    production = {"untouched": True, "traces": [], "services": 2, "destinations": 8, "changed_meanwhile": [], "counted_meanwhile": []}
    resynced = line_of(Report("10.99.0.1", 226, 0, 0), 12)
    return "\n\n".join([resynced, *shown, report(machine, steps, production, 13)["text"]])


def comparable(text: str) -> str:
    return re.sub(r"\s+\d+ ms$|\(\d+ s\)$", "", text, flags=re.MULTILINE)


def test_printed_samples_are_found() -> None:
    assert PRINTED


@pytest.mark.parametrize("block", PRINTED, ids=str)
def test_printed_samples_are_printed(block: Block, all_that_is_printed: str) -> None:
    printed = comparable(all_that_is_printed)
    parts = [part.strip("\n") for part in re.split(r"^\.\.\.$", comparable(block.text), flags=re.MULTILINE)]
    places = [printed.find(part) for part in parts]
    assert -1 not in places, f"not printed: {parts[places.index(-1)]}"
    assert places == sorted(places)
