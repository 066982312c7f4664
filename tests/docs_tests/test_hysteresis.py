# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the hysteresis is drawn from what was measured, and what was measured is what is promised.

That a director of today does the same is tested in the scenario ``selftest``.
"""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Promise
from ansible_collections.lvs.director.plugins.module_utils._selftest.services import PORT, service

from docs.hysteresis import steps
from tools.hysteresis_picture import DATA, DOCUMENT, probes, renewed

MEASURED = json.loads(DATA.read_text(encoding="utf-8"))


def test_the_guide_shows_it() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(document, MEASURED) == document, "python3 -m tools.hysteresis_picture draws it anew"


def test_it_is_what_is_promised() -> None:
    one = service("test", PORT)
    promise = Promise(one)
    first = one.destinations[0].address
    promised = []
    for step in steps(one):
        if step.name == "down":
            promise.close(first)
            promise.forget(first)
        promised.append([promise.open()])
    assert [step["chosen"] for step in MEASURED["steps"]] == promised
    assert [step["broken"] for step in MEASURED["steps"]] == [[]] * len(promised)


@pytest.mark.parametrize(
    ("direction", "held", "first"),
    [("up", 3, True), ("up", 4, False), ("down", 3, False), ("down", 1, False), ("down", 0, True)],
)
def test_what_the_picture_says(direction: str, held: int, first: bool) -> None:
    assert [one.first for one in probes(MEASURED) if (one.direction, one.held) == (direction, held)] == [first]
