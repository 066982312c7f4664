# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_handover: what it gives to the program, and what it makes of the answer."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished
from ansible_collections.lvs.director.plugins.modules import ipvs_handover

from .conftest import Run

ANSWER = {
    "changed": True,
    "connections": 40,
    "missing": 1,
    "to": "10.99.0.2",
    "unanswered_seconds": 0.6,
    "lost": 0,
    "notes": ["other weights"],
    "text": "39 of 40 connections are known to 10.99.0.2.",
}


class Program:
    """Stands for ipvs-director: the lines that it was run with, and its answer."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.finished = Finished(0, json.dumps(ANSWER), "")

    def run(self, command: str, *words: str, timeout: float) -> Finished:
        assert timeout > 60
        self.lines.append(" ".join(words))
        return self.finished


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Program:
    made = Program()
    monkeypatch.setattr(ipvs_handover, "run", made.run)
    return made


def test_its_options_are_the_program_s(run: Run, program: Program) -> None:
    done = run("ipvs_handover")
    assert {name: done[name] for name in ANSWER} == ANSWER
    run("ipvs_handover", tolerance=3, timeout=20, check=True)
    assert program.lines == ["handover --json --tolerance=0 --timeout=60", "handover --json --tolerance=3 --timeout=20 --check"]


def test_a_refusal_is_the_program_s_own_words(run: Run, program: Program) -> None:
    program.finished = Finished(3, "", "ipvs-director: 10.99.0.2 lacks 3 of 40 connections\n")
    assert run("ipvs_handover")["msg"] == "10.99.0.2 lacks 3 of 40 connections"
