# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import sanity
from tools.results import Result

CASES = {
    "pep8": "",
    "pylint": '<failure message="3 errors:" type="failure">a.py:1</failure>',
    "pslint": "<skipped>No tests applicable.</skipped>",
    "shellcheck": "<skipped>Skipping because shellcheck is missing.</skipped>",
}


def test_a_test_that_did_not_run_fails(tmp_path: Path) -> None:
    for name, inner in CASES.items():
        case = f'<testcase classname="sanity" name="{name}">{inner}</testcase>'
        (tmp_path / f"{name}.xml").write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    assert sanity.read_results(tmp_path) == [
        Result("sanity pep8", "passed"),
        Result("sanity pylint", "failed", "3 errors:"),
        Result("sanity shellcheck", "failed", "did not run: Skipping because shellcheck is missing."),
    ]


def test_the_copy_has_the_files_of_git_and_a_new_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "copy"
    (copy / "left_from_before").mkdir(parents=True)
    monkeypatch.setattr(sanity, "COPY", copy)
    sanity.make_copy()
    assert (copy / "galaxy.yml").is_file()
    assert not (copy / "left_from_before").exists()
    assert not (copy / ".venv").exists()
    top = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=copy, check=True, capture_output=True, text=True).stdout.strip()
    assert Path(top) == copy


def test_pip_version_is_detected() -> None:
    assert [part.isdigit() for part in sanity.pip_version().split(".")] in ([True, True], [True, True, True])


def test_pip_settings_from_all_sources_are_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\ncert = /from/file.pem\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_TIMEOUT", "77")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/from/environment.pem")
    monkeypatch.delenv("PIP_CERT", raising=False)
    settings = sanity.pip_settings()
    assert settings["index-url"] == "https://mirror.example/simple"
    assert settings["timeout"] == "77"
    assert settings["cert"] == "/from/file.pem"
