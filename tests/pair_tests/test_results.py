# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pair.results import HEAD, Bounds, Row, record, table

FOUND: dict[str, Any] = {
    "talking": 8,
    "idle": 16,
    "lost": [],
    "new": 400,
    "new_lost": ["nat4-tcp: refused", "nat6-tcp: no answer within 20 s"],
    "new_gap": 3.3,
    "talking_gap": 5.7,
}
ROW = Row.of("link of the active cut", FOUND, "0 lost")


@pytest.mark.parametrize(
    ("bounds", "beyond"),
    [
        (Bounds(), []),
        (Bounds(new_lost=0.005, new_refused=1, gap=6.0), []),
        (Bounds(new_lost=0.0), ["2 of 400 new connections were lost"]),
        (Bounds(new_refused=0), ["1 of 400 new connections were refused"]),
        (Bounds(gap=5.0), ["a gap of 5.7 s"]),
        (Bounds(seconds=6.0), ["it has not come about"]),
    ],
)
def test_what_is_beyond_a_bound_is_named(bounds: Bounds, beyond: list[str]) -> None:
    assert ROW.beyond(bounds) == beyond


def test_a_lost_one_is_beyond_any_bound() -> None:
    assert Row.of("s", FOUND | {"lost": ["x"]}, "").beyond(Bounds()) == ["1 of 24 held connections were lost"]


def test_what_took_too_long_is_beyond_its_bound() -> None:
    row = Row.of("s", FOUND, "", seconds=6.2)
    assert row.beyond(Bounds(seconds=6.0)) == ["it took 6.2 s"]
    assert row.beyond(Bounds(seconds=6.5)) == []
    assert str(row).split()[:3] == ["s", "6.2", "s"]


def test_bounds_are_printed() -> None:
    assert str(Bounds(new_lost=0.005, gap=6)) == "0 lost, new <= 0.5%, gap <= 6 s"
    assert str(Bounds(new_lost=0.0, new_refused=0)) == "0 lost, new 0, refused 0"
    assert str(Bounds(seconds=6)) == "0 lost, <= 6 s"


def test_rows_are_kept_for_the_table(tmp_path: Path) -> None:
    path = tmp_path / "steps"
    assert table(path) == HEAD
    record(path, ROW)
    record(path, ROW)
    assert table(path) == f"{HEAD}\n{ROW}\n{ROW}"
    assert str(ROW).split() == [*"link of the active cut 0 of 24 2 of 400 3.3 s 5.7 s 0 lost".split()]
