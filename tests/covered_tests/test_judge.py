# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from covered import __main__ as command
from covered import data
from covered.judge import File, Share, table, total, verdicts

GOOD = File("plugins/good.py", Share(100, 100), Share(50, 50), "")


def outcomes(*files: File) -> list[str]:
    return [result.outcome for result in verdicts(files)]


def test_meeting_the_bounds_is_enough() -> None:
    assert outcomes(File("a", Share(95, 100), Share(90, 100), "1-5")) == ["passed", "passed"]


def test_one_line_below_fails() -> None:
    below = File("plugins/below.py", Share(89, 100), Share(50, 50), "1-11")
    assert outcomes(GOOD, below) == ["failed", "passed"]
    assert verdicts([GOOD, below])[0].detail == "94.5 %; below it are plugins/below.py"


def test_one_branch_below_fails_whatever_the_lines() -> None:
    below = File("plugins/below.py", Share(100, 100), Share(39, 50), "1->exit")
    assert outcomes(GOOD, below) == ["passed", "failed"]


def test_a_file_that_nobody_imported_counts() -> None:
    never = File("plugins/never.py", Share(0, 10), Share(0, 2), "1-10")
    assert outcomes(GOOD, never) == ["failed", "passed"]
    assert total([GOOD, never]) == (Share(100, 110), Share(50, 52))


def test_a_hundred_percent_is_never_rounded_up() -> None:
    assert str(Share(9999, 10000)) == "99.9 %"
    assert str(Share(3, 3)) == "100.0 %"
    assert str(Share(0, 0)) == "100.0 %"


def test_the_table_lists_missing_lines_and_branches_separately() -> None:
    assert table([GOOD, File("plugins/b.py", Share(1, 2), Share(1, 4), "2, 7->exit")]) == [
        "file               lines  branches  missing",
        "plugins/good.py  100.0 %   100.0 %",
        "plugins/b.py      50.0 %    25.0 %  2, 7->exit",
        "all               99.0 %    94.4 %  1 of 102 lines, 3 of 54 branches",
    ]


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The verdict of `python3 -m covered judge` for these shares and this report."""
    monkeypatch.setattr(data, "sources", list)
    monkeypatch.setattr("sys.argv", ["covered", "judge"])

    def _judged(shares: dict[str, list[Path]], missing: list[int]) -> int:
        summary = {"covered_lines": 20 - len(missing), "num_statements": 20, "covered_branches": 0, "num_branches": 0}
        lines = {"executed_lines": [line for line in range(1, 21) if line not in missing], "missing_lines": missing}
        report = {"files": {"plugins/a.py": {"summary": summary, "missing_branches": [], **lines}}}
        monkeypatch.setattr(data, "shares", lambda: shares)
        monkeypatch.setattr(data, "merged", lambda *_given: report)
        return command.main()

    return _judged


def test_enough_is_success(judged, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged({"the unit tests": [Path(__file__)]}, [7]) == 0
    assert "plugins/a.py   95.0 %   100.0 %  7" in capsys.readouterr().out


def test_too_little_is_failure(judged, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged({"the unit tests": [Path(__file__)]}, [7, 8]) == 1
    assert "failed: at least 95 % of the lines are run: 90.0 %; below it are plugins/a.py" in capsys.readouterr().out


def test_nothing_measured_is_failure(judged, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged({"the unit tests": []}, []) == 1
    assert "failed: what was measured: nothing was measured in the unit tests" in capsys.readouterr().out
