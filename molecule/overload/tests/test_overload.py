# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The experiment, with real connections through the director that the playbook deployed.

What is done is in plugins/module_utils/_selftest/scenario.py, what the kernel promises then in expected.py beside it; here
each promise is a test. Every step also fails if a connection was greeted by another server than
the one for which the director counts it, or if one that shall live does not answer any more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Record, Walk
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import story

from experiment.agent import Agent
from experiment.director import Director
from experiment.service import services
from lab import Lab

testinfra_hosts = ["ansible://director"]

SERVICES = services()
STEPS = [step.name for step in story(SERVICES["test"])]


@pytest.fixture(scope="module")
def director(host: Any) -> Director:
    return Director(host.check_output, Path(os.environ["MOLECULE_INVENTORY_FILE"]))


@pytest.fixture(scope="module")
def client() -> Iterator[Agent]:
    lab = Lab(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "lab"))
    with Agent(lab["client"].popen) as agent:
        yield agent


@pytest.fixture(scope="module")
def walks(director: Director, client: Agent) -> dict[str, dict[str, Record]]:
    """Both schedulers' walks, side by side, so that they wait together."""
    test, fo = SERVICES["test"], SERVICES["fo"]
    records: dict[str, dict[str, Record]] = {"test": {}, "fo": {}}
    with Walk(test, director, client) as test_walk, Walk(fo, director, client) as fo_walk:
        for test_step, fo_step in zip(story(test), story(fo), strict=True):
            records["test"][test_step.name] = test_walk.take(test_step)
            records["fo"][fo_step.name] = fo_walk.take(fo_step)
    return records


def kept(record: Record) -> None:
    assert not record.broken, "\n".join(record.broken)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scheduler", ["test", "fo"])
def test_step(walks: dict[str, dict[str, Record]], scheduler: str, step: str) -> None:
    kept(walks[scheduler][step])


@pytest.mark.parametrize("step", STEPS)
def test_the_control_agrees(walks: dict[str, dict[str, Record]], step: str) -> None:
    """The same servers chosen and refused, the same table."""
    assert walks["test"][step].seen() == walks["fo"][step].seen()


# fo looks at weights: an order is promised for `test` alone.
def test_the_order_given_is_the_order_used(walks: dict[str, dict[str, Record]], director: Director, client: Agent) -> None:
    given = SERVICES["test"]
    reversed_ = replace(given, destinations=given.destinations[::-1])
    director.arrange(reversed_)
    try:
        with Walk(reversed_, director, client) as walk:
            for step in story(reversed_)[: STEPS.index("fail over") + 1]:
                kept(walk.take(step))
    finally:
        director.arrange(given)
