# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.results import Result, Tally, read, record


def test_a_tally_counts_outcomes_and_adds_up() -> None:
    first = Tally.of([Result("a", "passed"), Result("b", "failed"), Result("c", "passed"), Result("d", "skipped")])
    assert first == Tally(2, 1, 1)
    assert first + Tally(1, 0, 0) == Tally(3, 1, 1)


@pytest.mark.parametrize(
    ("tally", "line"),
    [(Tally(3, 0, 0), "3 passed, 0 failed"), (Tally(0, 2, 1), "0 passed, 2 failed, 1 skipped")],
)
def test_the_sum_is_printed(tally: Tally, line: str) -> None:
    assert str(tally) == line


def test_records_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results"
    monkeypatch.setenv("RESULTS_FILE", str(path))
    results = [Result("a", "passed"), Result("b", "failed", "two\nlines")]
    for result in results:
        record(result)
    assert read(path) == results


def test_an_unfinished_test_counts_as_failed(tmp_path: Path) -> None:
    path = tmp_path / "results"
    for name, outcome in (("a", "begun"), ("a", "passed"), ("b", "begun"), ("c", "failed")):
        record(Result(name, outcome), str(path))
    assert read(path) == [Result("a", "passed"), Result("c", "failed"), Result("b", "failed", "did not end")]


def test_without_a_file_nothing_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESULTS_FILE", raising=False)
    record(Result("a", "passed"))
    assert read(tmp_path / "results") == []


TESTS = """
import pytest

def test_good():
    from tools.results import Result, record
    record(Result("of a tool under test", "failed"))

@pytest.mark.parametrize("number", [1, 2])
def test_table(number): assert number == 1

@pytest.mark.skip(reason="no such thing here")
def test_skipped(): pass

@pytest.fixture
def breaks_after():
    yield
    raise RuntimeError("cannot clean up")

def test_breaks_after(breaks_after): pass

@pytest.fixture
def breaks_before(): raise RuntimeError("cannot set up")

def test_breaks_before(breaks_before): pass
"""


def test_pytest_records_each_test_once_by_its_worst_phase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "test_broken.py").write_text("import there_is_no_such_module\n")
    monkeypatch.setenv("RESULTS_FILE", str(tmp_path / "results"))
    command = [sys.executable, "-m", "pytest", "-p", "tools.pytest_results", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path]
    command.append("--continue-on-collection-errors")
    subprocess.run(command, cwd=tmp_path, check=False, stdout=subprocess.DEVNULL, timeout=60)
    assert {result.name: result.outcome for result in read(tmp_path / "results")} == {
        "test_broken.py": "failed",
        "test_it.py::test_good": "passed",
        "test_it.py::test_table[1]": "passed",
        "test_it.py::test_table[2]": "failed",
        "test_it.py::test_skipped": "skipped",
        "test_it.py::test_breaks_after": "failed",
        "test_it.py::test_breaks_before": "failed",
    }
    assert Tally.of(read(tmp_path / "results")) == Tally(2, 4, 1)
