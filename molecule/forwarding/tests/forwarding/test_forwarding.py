# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What works in the guest is what docs/forwarding.md says of its kernel, and nothing of it works by chance."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from forwarding.combinations import WAYS, Way
from forwarding.table import column, parsed, series, split
from tools.forwarding_table import DOCUMENT, MEASURED

testinfra_hosts = ["ansible://directors"]

IN_GUEST = "cd /root/guest && PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=. python3"


@pytest.fixture(scope="module")
def measured(host: Any) -> dict[str, Any]:
    said = host.run(f"{IN_GUEST} -m forwarding .")
    assert said.rc == 0, said.stderr[-4000:]
    MEASURED.mkdir(parents=True, exist_ok=True)
    (MEASURED / f"{host.backend.get_hostname()}.json").write_text(said.stdout, encoding="utf-8")
    result: dict[str, Any] = json.loads(said.stdout)
    return result


@pytest.fixture(scope="module")
def documented(measured: dict[str, Any]) -> dict[Way, str]:
    columns = parsed(split(DOCUMENT.read_text(encoding="utf-8"))[1])
    name = series(measured["kernel"])
    assert name in columns, f"{DOCUMENT} has no column {name}: python3 -m tools.forwarding_table writes what was measured"
    return columns[name]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.name} {way.virtual}-{way.real}")
def test_it_works_as_the_table_says(measured: dict[str, Any], documented: dict[Way, str], way: Way) -> None:
    assert column(measured)[way] == documented[way], "python3 -m tools.forwarding_table writes what was measured"


def test_each_part_is_needed(host: Any) -> None:
    """guest/test_parts.py, and it is all there."""
    done = host.run(f"{IN_GUEST} -m pytest -q -p no:cacheprovider test_parts.py")
    counted = re.search(r"^(\d+) passed in ", done.stdout, re.MULTILINE)
    assert done.rc == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert counted
    assert int(counted[1]) >= 30
