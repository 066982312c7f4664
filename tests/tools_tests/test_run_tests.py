# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tools.results import Result
from tools.run_tests import LEFT_OUT, SCENARIOS, Part, Run, lanes_of, summary
from tools.scenarios import found

PASS = Result("a", "passed")
FAIL = Result("b", "failed", "because")


@pytest.mark.parametrize(
    ("status", "recorded", "passed", "failed"),
    [
        (0, [PASS, PASS], 2, 0),
        (1, [PASS, FAIL], 1, 1),
        # what was recorded counts, whatever the command says of itself
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


def test_parts_run_whatever_the_others_came_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_the_last_part_begins_when_all_lanes_have_ended(tmp_path: Path) -> None:
    def after(seconds: float, name: str) -> list[str]:
        return ["sh", "-c", f"sleep {seconds}; touch {tmp_path / name}; exit 1"]

    last = Part("last", ["ls", str(tmp_path / "slow"), str(tmp_path / "slower")])
    Run([[Part("slow", after(0.2, "slow"))], [Part("slower", after(0.6, "slower"))]], tmp_path, [last]).all()
    assert (tmp_path / "logs" / "last.log").read_text().split() == [str(tmp_path / "slow"), str(tmp_path / "slower")]


def test_a_part_that_could_not_be_run_has_failed(tmp_path: Path) -> None:
    lane = [Part("first", ["there-is-no-such-command"]), Part("second", recording("passed"))]
    with pytest.raises(FileNotFoundError):
        Run([lane], tmp_path).all()
    assert [part.tally.failed for part in lane] == [1, 1]


def test_a_run_that_is_ended_leaves_nothing_behind(tmp_path: Path) -> None:
    """A part ends with all it started, as make's shells do not, and the next part does not begin."""
    started = tmp_path / "started"
    lane = [Part("first", ["sh", "-c", f"(echo $$ > {started}; exec sleep 60); true"]), Part("second", ["touch", str(tmp_path / "second")])]
    run = Run([lane], tmp_path)

    def interrupt() -> None:
        while not started.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run.all()
    assert time.monotonic() - began < 30
    assert not (tmp_path / "second").exists()


def test_results_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
    for _again in range(2):
        part = Part("only", recording("passed"))
        Run([[part]], tmp_path).all()
        assert part.tally.passed == 1


def test_every_scenario_is_run_by_something() -> None:
    named = [name for lane in (*SCENARIOS, *LEFT_OUT) for name in lane]
    assert sorted(named) == found()
    commands = [part.command[-1] for lane in lanes_of(SCENARIOS) for part in lane]
    assert {name for name in named if any(name in command for command in commands)} == {name for lane in SCENARIOS for name in lane}
