# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role has run again on both, and has found nothing to do."""

from __future__ import annotations

from pair.pair import Pair
from pair.results import Bounds, Row


def test_a_run_costs_nothing(pair: Pair) -> None:
    found = pair.peer.ask("end")
    bounds = Bounds(new_lost=0.0)
    row = Row.of("playbook run on both, nothing changed", found, str(bounds))
    pair.say(row)
    assert not row.beyond(bounds), [*found["lost"], *found["new_lost"]][:10]
    assert row.new > 100
