# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.checkout import ROOT
from tools.results import Result
from tools.run_tests import ALONE, LEFT_OUT, RUN_LIMIT, SCENARIOS, Part, Run, lanes_of, summary
from tools.scenarios import found

PASS = Result("a", "passed")
FAIL = Result("b", "failed", "because")


@pytest.mark.parametrize(
    ("status", "recorded", "passed", "failed"),
    [
        (0, [PASS, PASS], 2, 0),
        (1, [PASS, FAIL], 1, 1),
        # the recorded results count, not the command's exit status
        (0, [PASS, FAIL], 1, 1),
        # a command that broke after its tests
        (2, [PASS], 1, 1),
        # nothing was tested
        (0, [], 0, 1),
        (0, [Result("c", "skipped")], 0, 1),
        # a command that broke before its tests
        (127, [], 0, 1),
    ],
)
def test_a_part_passes_only_if_it_tested_and_all_was_well(status: int, recorded: list[Result], passed: int, failed: int) -> None:
    part = Part("unit", [])
    part.judge(status, recorded)
    assert (part.tally.passed, part.tally.failed) == (passed, failed)


def test_the_last_line_is_the_plain_sum() -> None:
    good, bad = Part("lint", []), Part("unit", [])
    good.judge(0, [PASS, PASS])
    bad.judge(1, [PASS, FAIL])
    lines = summary([good, bad], 61.4)
    assert lines[-1] == "3 passed, 1 failed"
    assert "failed in unit: b: because" in lines


def recording(outcome: str, *, status: int = 0, name: str = "x") -> list[str]:
    code = f"from tools.results import *; record(Result('{name}', '{outcome}')); print('did {name}'); raise SystemExit({status})"
    return [sys.executable, "-c", code]


def test_parts_run_even_if_others_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lanes = [
        [Part("first", recording("failed", status=1)), Part("second", recording("passed", name="y"))],
        [Part("third", ["false"]), Part("fourth", recording("passed", name="z"))],
    ]
    Run(lanes, tmp_path).all()
    tallies = {part.name: str(part.tally) for lane in lanes for part in lane}
    assert tallies == {
        "first": "0 passed, 1 failed",
        "second": "1 passed, 0 failed",
        "third": "0 passed, 1 failed",
        "fourth": "1 passed, 0 failed",
    }
    assert "second      | did y" in capsys.readouterr().out
    assert (tmp_path / "logs" / "fourth.log").read_text() == "did z\n"


def test_the_last_part_starts_after_all_lanes(tmp_path: Path) -> None:
    def after(seconds: float, name: str) -> list[str]:
        return ["sh", "-c", f"sleep {seconds}; touch {tmp_path / name}; exit 1"]

    last = Part("last", ["ls", str(tmp_path / "slow"), str(tmp_path / "slower")])
    Run([[Part("slow", after(0.2, "slow"))], [Part("slower", after(0.6, "slower"))]], tmp_path, [last]).all()
    assert (tmp_path / "logs" / "last.log").read_text().split() == [str(tmp_path / "slow"), str(tmp_path / "slower")]


def test_a_part_that_cannot_run_fails(tmp_path: Path) -> None:
    lane = [Part("first", ["there-is-no-such-command"]), Part("second", recording("passed"))]
    with pytest.raises(FileNotFoundError):
        Run([lane], tmp_path).all()
    assert [part.tally.failed for part in lane] == [1, 1]


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """A shell that runs a command in the background has it ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """A part ends with everything that it started, unlike make's shells, and the next part does not start."""
    started = tmp_path / "started"
    lane = [Part("first", ["sh", "-c", f"(echo $$ > {started}; exec sleep 60); true"]), Part("second", ["touch", str(tmp_path / "second")])]
    run = Run([lane], tmp_path)

    def interrupt() -> None:
        end = time.monotonic() + 20
        while not started.exists() and time.monotonic() < end:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run.all()
    assert time.monotonic() - began < 30
    assert started.exists()
    assert not (tmp_path / "second").exists()


HANGS = """
import threading

def test_good(): pass

def test_hangs_on_purpose():
    threading.Event().wait()

def test_after(): pass
"""
HANGS_AFTER_A_FAILURE = """
import threading
import pytest

@pytest.fixture
def port():
    yield 21
    threading.Event().wait()

def test_hangs_on_purpose(port): assert port == 22
"""


@pytest.mark.parametrize("source", [HANGS, HANGS_AFTER_A_FAILURE])
@pytest.mark.parametrize(("test_limit", "part_limit"), [(1, 60), (600, 4)])
def test_a_hanging_test_fails_and_is_named(source: str, test_limit: int, part_limit: int, tmp_path: Path) -> None:
    """By pytest's limit, which shows where it hangs; or, if that does not come first, by the limit of the part."""
    (tmp_path / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pytest.ini"), "--rootdir", str(tmp_path), "-p", "tools.pytest_results"]
    command += ["-p", "no:cacheprovider", "-o", f"faulthandler_timeout={test_limit}", str(tmp_path)]
    part = Part("unit", command, limit=part_limit)
    began = time.monotonic()
    Run([[part]], tmp_path, grace=5).all()
    assert time.monotonic() - began < 30
    assert Result("test_it.py::test_hangs_on_purpose", "failed", "did not end") in part.results
    assert part.tally.passed == (source is HANGS)
    if test_limit == 1:
        assert 'test_it.py", line' in (tmp_path / "logs" / "unit.log").read_text()
    else:
        assert Result("unit", "failed", "did not end within 4 s") in part.results


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("trap '' TERM; echo begun; while :; do sleep 1; done", "did not end within 1 s"),
        ("echo begun; sleep 60 & exit 0", "left processes behind that would not end"),
        ("echo begun; exec sleep 60 > /dev/null 2>&1", "did not end within 1 s"),
    ],
)
def test_a_hanging_part_is_killed(script: str, why: str, tmp_path: Path) -> None:
    lane = [Part("first", ["sh", "-c", script], limit=1), Part("second", recording("passed"))]
    began = time.monotonic()
    Run([lane], tmp_path, grace=1).all()
    assert time.monotonic() - began < 20
    assert lane[0].results == [Result("first", "failed", why)]
    assert str(lane[1].tally) == "1 passed, 0 failed"


def test_a_part_may_use_the_remaining_time(tmp_path: Path) -> None:
    lane = [Part("first", ["sleep", "60"]), Part("second", ["sleep", "60"])]
    Run([lane], tmp_path, limit=3, grace=1).all()
    assert [part.results[-1].detail for part in lane] == ["did not end within 2 s", "did not end within 0 s"]


def test_the_total_limit_is_well_below_the_90_minutes_of_ci() -> None:
    assert RUN_LIMIT <= 80 * 60
    assert all(part.limit > 0 for lane in lanes_of(SCENARIOS) for part in lane)


def test_results_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
    for _again in range(2):
        part = Part("only", recording("passed"))
        Run([[part]], tmp_path).all()
        assert part.tally.passed == 1


def test_every_scenario_is_run_somewhere() -> None:
    named = [name for lane in (*SCENARIOS, *LEFT_OUT, ALONE) for name in lane]
    assert sorted(named) == found()
    commands = [part.command[-1] for lane in lanes_of(SCENARIOS) for part in lane]
    assert {name for name in named if any(name in command for command in commands)} == {name for lane in SCENARIOS for name in lane}
