# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tests inside the guests, about their kernels."""

from __future__ import annotations

import re
from typing import Any

testinfra_hosts = ["ansible://all"]

RULE = {"newest": r"Debian 7\.\d+\.\d+-", "released": r"Debian 6\.1\.1[0-7]\d-"}
TESTS = "test_traffic.py::test_edited_thresholds_of_a_server_in_use"


def run(host: Any, tests: str) -> str:
    """Run tests in a guest, and return pytest's last line."""
    said = host.run(
        "cd /root/guest && IPVS_KERNEL=netlink PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/root/guest "
        f"python3 -m pytest -q -p no:cacheprovider {tests}"
    )
    assert said.rc == 0, said.stdout[-4000:] + said.stderr[-1000:]
    return str(said.stdout.splitlines()[-1])


def test_the_kernels_are_the_expected_ones(host: Any) -> None:
    assert re.search(RULE[host.backend.get_hostname()], host.check_output("uname -v"))


def test_edited_thresholds_work_as_documented(host: Any) -> None:
    assert run(host, TESTS).startswith("1 passed in ")


def test_the_modules_keep_their_contract(host: Any) -> None:
    found = re.match(r"(\d+) passed in ", run(host, "contract"))
    assert found
    assert int(found[1]) >= 20


def test_connections_are_resynced_and_count_on_the_other_director(host: Any) -> None:
    assert run(host, "test_resync.py").startswith("2 passed in ")
