# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from tools import action_groups
from tools.lint import Linter, is_shell, linters


@pytest.mark.parametrize(
    "linter",
    [
        Linter("finds something", ["sh", "-c", "echo file:1: bad; exit 1"]),
        Linter("is not installed", ["there-is-no-such-linter"]),
        Linter("is given no file", ["true"], []),
        Linter("does not say that it looked", ["echo", "All passed, of 0 files"], looked_at=r"of [1-9]\d* files"),
    ],
    ids=lambda linter: linter.name,
)
def test_a_linter_fails_if_it(linter: Linter) -> None:
    good, output = linter.run()
    assert not good
    assert output


def test_a_linter_passes_if_it_checked_files_without_findings() -> None:
    assert Linter("x", ["echo", "looked at 3 files"], looked_at=r"at [1-9]\d* files").run() == (True, "looked at 3 files")


def test_every_linter_gets_files_or_proves_that_it_found_some() -> None:
    # These fail by themselves without files.
    by_themselves = {"action groups", "antsibull-changelog", "antsibull-docs"}
    assert [one.name for one in linters() if not one.files and not one.looked_at and one.name not in by_themselves] == []


@pytest.mark.parametrize(
    ("first_line", "shell"),
    [("#!/bin/sh", True), ("#!/usr/bin/env bash", True), ("#!/usr/bin/python", False), ("fish", False), ("", False)],
)
def test_shell_scripts_are_detected_by_their_first_line(tmp_path: Path, first_line: str, shell: bool) -> None:
    (tmp_path / "script").write_text(f"{first_line}\n:\n")
    assert is_shell(str(tmp_path / "script")) is shell


@pytest.mark.parametrize(
    ("modules", "group", "complaint"),
    [
        (["ipvs_a", "ipvs_b"], "[ipvs_b, ipvs_a]", ""),
        (["ipvs_a", "ipvs_b"], "[ipvs_a]", "module ipvs_b is not in action group"),
        (["ipvs_a"], "[ipvs_a, ipvs_b]", "has ipvs_b, no such module"),
        (["ipvs_a"], "[ipvs_a, ipvs_a]", "has ipvs_a 2 times"),
        ([], "[]", "no modules"),
    ],
)
def test_the_action_group_lists_the_modules(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    modules: list[str],
    group: str,
    complaint: str,
) -> None:
    (tmp_path / "plugins" / "modules").mkdir(parents=True)
    (tmp_path / "meta").mkdir()
    for name in modules:
        (tmp_path / "plugins" / "modules" / f"{name}.py").touch()
    (tmp_path / "meta" / "runtime.yml").write_text(f"action_groups: {{ipvs: {group}}}\n")
    monkeypatch.setattr(action_groups, "ROOT", tmp_path)
    assert action_groups.main() == (1 if complaint else 0)
    assert complaint in capsys.readouterr().out
