# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the hysteresis shows the recorded measurement, and that is as expected.

The scenario ``selftest`` measures it again on a director.
"""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Expected
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import PORT, loopback_service

from docs.hysteresis import steps
from tools.hysteresis_picture import DATA, DOCUMENT, probes, renewed

MEASURED = json.loads(DATA.read_text(encoding="utf-8"))


def test_the_guide_shows_the_picture() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(document, MEASURED) == document, "python3 -m tools.hysteresis_picture draws it anew"


def test_the_recording_is_as_expected() -> None:
    service = loopback_service("test", PORT)
    state = Expected(service)
    first = service.destinations[0].address
    expected = []
    for step in steps(service):
        if step.name == "down":
            state.close(first)
            state.forget(first)
        expected.append([state.open()])
    assert [step["chosen"] for step in MEASURED["steps"]] == expected
    assert [step["broken"] for step in MEASURED["steps"]] == [[]] * len(expected)


@pytest.mark.parametrize(
    ("direction", "held", "first"),
    [("up", 3, True), ("up", 4, False), ("down", 3, False), ("down", 1, False), ("down", 0, True)],
)
def test_text_of_the_picture(direction: str, held: int, first: bool) -> None:
    assert [one.first for one in probes(MEASURED) if (one.direction, one.held) == (direction, held)] == [first]
