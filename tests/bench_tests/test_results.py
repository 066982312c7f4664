# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.results import Limit, Report, Row, growth


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    # The machine became ten times as slow in between: the medians alone, 2 to 10, would say 0.2.
    row = Row("apply", 1000, ours=[1, 2, 30], peer=[1, 10, 20], bound=1.0)
    assert row.ratios == [1, 0.2, 1.5]
    assert row.ratio == 1


@pytest.mark.parametrize(("ours", "met"), [(1.49, True), (1.5, True), (1.51, False)])
def test_a_bound_is_met_up_to_itself(ours: float, met: bool) -> None:
    assert Row("noop", 1, [ours], [1], 1.5).met is met


def test_without_a_bound_there_is_nothing_to_miss() -> None:
    assert Row("apply", 1, [5], [1]).met


@pytest.mark.parametrize(("ours", "peer"), [([], []), ([1], []), ([1, 2], [1])])
def test_runs_without_a_partner_are_refused(ours: list[float], peer: list[float]) -> None:
    with pytest.raises(ValueError, match=r"apply \(1\)"):
        Row("apply", 1, ours, peer)


@pytest.mark.parametrize(("seconds", "exponent", "met"), [(100, 1.0, True), (10_000, 2.0, False), (150, 1.088, True), (250, 1.199, False)])
def test_growth_is_the_power_of_the_size(seconds: float, exponent: float, met: bool) -> None:
    found = growth(Row("apply", 1000, [1], [1]), Row("apply", 100_000, [seconds], [1]))
    assert found.value == pytest.approx(exponent, abs=0.001)
    assert found.met is met


def test_one_miss_of_any_kind_is_a_miss() -> None:
    good = [Row("apply", 1000, [1], [2], 1.0, grows=True), Row("apply", 100_000, [100], [200], 1.0, grows=True)]
    assert Report({}, good, [Limit("memory", 150, 200, "MiB")]).met
    assert not Report({}, [*good, Row("noop", 1, [3], [1], 1.5)]).met
    assert not Report({}, good, [Limit("memory", 250, 200, "MiB")]).met
    assert not Report({}, [good[0], Row("apply", 100_000, [10_000], [20_000], 1.0, grows=True)]).met


def test_the_written_results_have_every_run(tmp_path: Path) -> None:
    row = Row("apply", 1000, [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], 1.0, "x")
    report = Report({"kernel": "6.1"}, [row], [Limit("memory", 150.0, 200.0, "MiB")])
    report.write(tmp_path / "build" / "bench.json")
    written = json.loads((tmp_path / "build" / "bench.json").read_text())
    assert written["cases"] == [
        {"case": "apply", "size": 1000, "ours_s": [1.0, 2.0, 3.0], "peer_s": [2.0, 2.0, 2.0], "ratio": 1.0, "bound": 1.0, "note": "x"}
    ]
    assert written["limits"] == [{"name": "memory", "value": 150.0, "bound": 200.0, "unit": "MiB"}]
    assert written["machine"] == {"kernel": "6.1"}
    assert written["met"] is True


def test_each_row_of_the_table_shows_whether_its_bound_is_met() -> None:
    report = Report(
        {},
        [
            Row("apply", 100, [0.01234, 0.02, 0.03], [1, 1, 1]),
            Row("apply", 1000, [1, 2, 3], [2, 2, 2], 1.0, grows=True),
            Row("apply", 10_000, [31.25], [20], 1.0, grows=True),
            Row("loop", 100, [1], [40], 1 / 30, note="a tenth of it"),
        ],
        [Limit("memory", 150.4, 200, "MiB")],
    )
    assert report.table().splitlines() == [
        "case     size  runs  ours: median (range) s  peer: median (range) s        ratio (range)  at most",
        "apply     100     3     0.02 (0.0123..0.03)                1 (1..1)  0.02 (0.0123..0.03)",
        "apply   1,000     3                2 (1..3)                2 (2..2)         1 (0.5..1.5)        1  met",
        "apply  10,000     1                    31.2                      20                 1.56        1  MISSED",
        "loop      100     1                       1                      40                0.025   0.0333  met",
        "loop: a tenth of it",
        "memory: 150 MiB, at most 200: met",
        "apply: growth from 1,000 to 10,000: 1.19 power of the size, at most 1.15: MISSED",
    ]
