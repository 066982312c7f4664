# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of ansible-core under test: as documented, and with the newest patch release."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from controllers import versions
from controllers.versions import VERSIONS
from lab.errors import LabError
from tools.checkout import ROOT

SAID = """\
ansible-core (2.21.5)
Available versions: 2.21.5, 2.20.10, 2.20.9, 2.20.1, 2.20.0, 2.2.0
  INSTALLED: 2.20.11
"""


def answer(monkeypatch: pytest.MonkeyPatch, said: str, error: str = "") -> None:
    monkeypatch.setattr(versions.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, said, error))


def test_the_newest_patch_release_is_chosen_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, SAID)
    assert versions.newest(VERSIONS["2.20"]) == "2.20.10"


@pytest.mark.parametrize("said", ["", "Available versions: 2.21.5, 12.19.1, 2.19.0rc1, 2.1.9\n"])
def test_an_index_without_the_version_is_an_error(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    answer(monkeypatch, said, "WARNING: no route to host")
    with pytest.raises(LabError, match=r"no ansible-core 2\.19 for Python 3\.11; -m pip index versions said:\n[\s\S]*no route to host"):
        versions.newest(VERSIONS["2.19"])


def test_all_versions_or_the_named_ones() -> None:
    assert versions.wanted([]) == list(VERSIONS.values())
    assert versions.wanted(["2.20"]) == [VERSIONS["2.20"]]
    with pytest.raises(LabError, match=r"ansible-core 2\.4: there are 2\.19"):
        versions.wanted(["2.20", "2.4"])


def test_documented_versions_are_the_tested_ones() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [row] = re.findall(r"^\| controller \| (.*?) \|", readme, re.MULTILINE)
    told = [(version, python) for pair in row.split("; ") for version, python in re.findall(r"(\d\.\d+)\b(?=.*Python (\d\.\d+))", pair)]
    assert told == [(version.name, version.python) for version in VERSIONS.values()]
    oldest = next(iter(VERSIONS))
    assert yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"] == f">={oldest}.0"
    started = (ROOT / "docs" / "docsite" / "rst" / "guide_getting_started.rst").read_text(encoding="utf-8")
    assert f"ansible-core {oldest} or later" in started
