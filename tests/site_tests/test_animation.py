# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The animation of the README in a real browser: each moment has its texts, and none of them is cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browser.chromium import Chromium
from tools.overload_picture import ANIMATION

# Moments in seconds, and some of what is visible then.
MOMENTS = [
    (1.0, {"Step 1 of 10: fresh", "next", "ready"}),
    (10.7, {"Step 3 of 10: fail over", "full", "next", "connection 6   220 lvs.director experiment [10.211.55.252]"}),
    (21.0, {"Step 5 of 10: all full", "connection 15   220 lvs.director experiment [10.211.55.250]"}),
    (25.6, {"Step 6 of 10: refused", "connection 17   ECONNREFUSED", "full"}),
    (35.8, {"Step 9 of 10: weight 0", "weight 0", "connection 20   ECONNREFUSED"}),
    (42.0, {"Step 10 of 10: weight back", "connection 21   220 lvs.director experiment [10.211.55.253]", "as expected; fo agrees"}),
]

VISIBLE = """[...document.querySelectorAll('text')].filter(text => getComputedStyle(text).visibility === 'visible')"""
OUTSIDE = """
[...document.querySelectorAll('text')].filter(text => {
  const box = text.getBBox(), all = document.documentElement.viewBox.baseVal;
  return box.x < 0 || box.y < 0 || box.x + box.width > all.width || box.y + box.height > all.height;
}).map(text => text.textContent)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as chromium:
        chromium.resize(900, 460)
        chromium.open(ANIMATION)
        yield chromium


@pytest.mark.parametrize(("seconds", "texts"), MOMENTS)
def test_a_moment(browser: Chromium, seconds: float, texts: set[str]) -> None:
    browser.run(f"document.getAnimations().forEach(each => {{ each.pause(); each.currentTime = {seconds * 1000}; }})")
    shown = browser.run(f"{VISIBLE}.map(text => text.textContent)")
    assert texts <= set(shown)
    for word in ("Step ", "connection "):
        assert len([text for text in shown if text.startswith(word)]) <= 1


def test_nothing_is_cut_off(browser: Chromium) -> None:
    assert browser.run(OUTSIDE) == []


def test_whoever_prefers_no_motion_sees_the_next_server_take_over(browser: Chromium) -> None:
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    try:
        assert browser.run("document.getAnimations().length") == 0
        assert "Step 3 of 10: fail over" in browser.run(f"{VISIBLE}.map(text => text.textContent)")
    finally:
        browser.ask("Emulation.setEmulatedMedia", features=[])
