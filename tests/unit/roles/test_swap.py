# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the role replaces a scheduler under its services, its prediction, and each outcome."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from . import programs

STEP = (
    "replace the kernel module ip_vs_test (source new); 2 virtual service(s) use its scheduler 'test' (tcp 10.211.55.3:21, "
    "fwmark 7), and use 'fo' meanwhile"
)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """A machine on which another build is installed than the one that two services use."""
    module = programs.load("load")
    (tmp_path / "table").write_text("TCP  0AD33703:0015 test\n  -> 0A630103:0015 Masq 1 0 0\nFWM  00000007 test\nTCP  0AD33703:0050 rr\n")
    monkeypatch.setattr(module, "TABLE", tmp_path / "table")
    monkeypatch.setattr(module, "UNFINISHED", tmp_path / "unfinished")
    monkeypatch.setattr(module, "EARLIER", tmp_path / "earlier" / "modules.json")
    monkeypatch.setattr(module, "loaded", lambda _name: "old")
    monkeypatch.setattr(module, "installed", lambda _name, _kernel: "new")
    monkeypatch.setattr(module, "users", lambda _name: 2)
    return module


def converge(load: ModuleType, **more: Any) -> Any:
    return load.converge({"name": "ip_vs_test", "kernel": "6.1", "fallback": "fo", "rebuilt": False, "check": False, **more})


def test_a_scheduler_in_use_is_left_to_the_swap(load: ModuleType) -> None:
    assert converge(load) == {"steps": [], "swap": [STEP], "pending": ""}


def test_a_dry_run_says_so_before_the_new_one_is_built(load: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "installed", lambda _name, _kernel: "old")
    assert converge(load, check=True, rebuilt=True)["swap"] == [STEP.replace("source new", "source of the build to come")]


def test_without_a_fallback_it_waits(load: ModuleType) -> None:
    answer = converge(load, fallback="")
    assert not answer["swap"]
    assert "2 virtual service(s) use its scheduler 'test' (tcp 10.211.55.3:21, fwmark 7)" in answer["pending"]
    assert "ipvs_director_fallback_scheduler, which is empty" in answer["pending"]


def test_a_swap_that_was_killed_is_finished(load: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "loaded", lambda _name: "new")
    assert converge(load) == {"steps": [], "swap": [], "pending": ""}
    load.UNFINISHED.touch()
    assert converge(load)["swap"] == ["give services the scheduler 'test' again"]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (0, {"steps": ["the step", "said"], "pending": ""}),
        (3, {"steps": [], "pending": "said"}),
        (1, {"steps": [], "error": "said"}),
    ],
)
def test_how_it_ends(tmp_path: Path, status: int, answer: dict[str, Any]) -> None:
    program = tmp_path / "restore"
    program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/arguments; echo said; exit {status}\n')
    program.chmod(0o755)
    request = {"program": str(program), "scheduler": "test", "fallback": "fo", "steps": ["the step"], "check": True}
    swap = programs.load("swap").swap
    assert swap(request) == {"steps": ["the step"], "pending": ""}
    assert not (tmp_path / "arguments").exists()
    assert swap({**request, "check": False}) == answer
    assert (tmp_path / "arguments").read_text() == "swap --scheduler=test --fallback=fo\n"


def test_without_the_program_the_tag_is_named(tmp_path: Path) -> None:
    request = {"program": str(tmp_path / "restore"), "scheduler": "test", "fallback": "fo", "steps": [], "check": False}
    assert "which the tag ipvs_director_boot installs" in programs.load("swap").swap(request)["error"]
