# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The experiment, with real connections through the director that the playbook deployed.

The steps are in plugins/module_utils/_selftest/scenario.py, the kernel's rules in expected.py beside it; each step is a test here.
A step also fails if the director counts a connection for another server than the one that greeted, or if a connection that should
live no longer answers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Record, Run
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import steps_of

from experiment.agent import Agent
from experiment.director import Director
from experiment.service import services
from lab import Lab

testinfra_hosts = ["ansible://director"]

SERVICES = services()
STEPS = [step.name for step in steps_of(SERVICES["test"])]


@pytest.fixture(scope="module")
def director(host: Any) -> Director:
    return Director(host.check_output, Path(os.environ["MOLECULE_INVENTORY_FILE"]))


@pytest.fixture(scope="module")
def client() -> Iterator[Agent]:
    lab = Lab(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "lab"))
    with Agent(lab["client"].popen) as agent:
        yield agent


@pytest.fixture(scope="module")
def runs(director: Director, client: Agent) -> dict[str, dict[str, Record]]:
    """Both schedulers' runs, side by side: they wait together."""
    test, fo = SERVICES["test"], SERVICES["fo"]
    records: dict[str, dict[str, Record]] = {"test": {}, "fo": {}}
    with Run(test, director, client) as test_run, Run(fo, director, client) as fo_run:
        for test_step, fo_step in zip(steps_of(test), steps_of(fo), strict=True):
            records["test"][test_step.name] = test_run.step(test_step)
            records["fo"][fo_step.name] = fo_run.step(fo_step)
    return records


def kept(record: Record) -> None:
    assert not record.broken, "\n".join(record.broken)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scheduler", ["test", "fo"])
def test_step(runs: dict[str, dict[str, Record]], scheduler: str, step: str) -> None:
    kept(runs[scheduler][step])


@pytest.mark.parametrize("step", STEPS)
def test_the_control_agrees(runs: dict[str, dict[str, Record]], step: str) -> None:
    """The same servers chosen and refused, the same table."""
    assert runs["test"][step].seen() == runs["fo"][step].seen()


# fo considers weights: only `test` follows the order.
def test_the_order_given_is_the_order_used(runs: dict[str, dict[str, Record]], director: Director, client: Agent) -> None:
    given = SERVICES["test"]
    reversed_ = replace(given, destinations=given.destinations[::-1])
    director.arrange(reversed_)
    try:
        with Run(reversed_, director, client) as run:
            for step in steps_of(reversed_)[: STEPS.index("fail over") + 1]:
                kept(run.step(step))
    finally:
        director.arrange(given)
