# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest's results are those in docs/forwarding.md for its kernel, and nothing works by chance."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from forwarding.combinations import WAYS, Way
from forwarding.table import column, parsed, series, split
from lab import Lab
from tools.forwarding_table import DOCUMENT, MEASURED

testinfra_hosts = ["ansible://directors"]

PYTHON = "PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=. python3"
JOB = f"""\
cd /root/guest
{PYTHON} -m forwarding >measured.json 2>measured.log
{PYTHON} -m pytest -q -p no:cacheprovider test_parts.py >parts.log 2>&1
"""


@pytest.fixture(scope="session")
def jobs() -> dict[str, subprocess.Popen[str]]:
    """The work of all guests, at the same time."""
    lab = Lab(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "lab"))
    return {vm.name: vm.popen(JOB, stdin=subprocess.DEVNULL) for vm in lab}


@pytest.fixture(scope="module")
def name(host: Any, jobs: dict[str, subprocess.Popen[str]]) -> str:
    """The guest's name; its work is done."""
    name = str(host.backend.get_hostname())
    jobs[name].communicate()
    return name


@pytest.fixture(scope="module")
def measured(host: Any, name: str) -> dict[str, Any]:
    said = str(host.check_output("cat /root/guest/measured.json"))
    assert said, host.check_output("tail -n 40 /root/guest/measured.log")
    MEASURED.mkdir(parents=True, exist_ok=True)
    (MEASURED / f"{name}.json").write_text(said, encoding="utf-8")
    result: dict[str, Any] = json.loads(said)
    return result


@pytest.fixture(scope="module")
def documented(measured: dict[str, Any]) -> dict[Way, str]:
    columns = parsed(split(DOCUMENT.read_text(encoding="utf-8"))[1])
    name = series(measured["kernel"])
    assert name in columns, f"{DOCUMENT} has no column {name}: python3 -m tools.forwarding_table writes the results"
    return columns[name]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.name} {way.virtual}-{way.real}")
def test_forwarding_works_as_documented(measured: dict[str, Any], documented: dict[Way, str], way: Way) -> None:
    assert column(measured)[way] == documented[way], "python3 -m tools.forwarding_table writes the results"


@pytest.mark.usefixtures("name")
def test_each_part_is_needed(host: Any) -> None:
    """guest/test_parts.py, and it is all there."""
    said = host.check_output("cat /root/guest/parts.log")
    counted = re.search(r"^(\d+) passed in ", said, re.MULTILINE)
    assert counted, said[-4000:]
    assert int(counted[1]) >= 30
