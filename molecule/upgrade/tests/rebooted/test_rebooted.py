# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the next boot, before any run: the state that 0.1.0 had set up is restored, and the director serves."""

from __future__ import annotations

import json
from typing import Any

import pytest

testinfra_hosts = ["ansible://director"]


def test_the_machine_has_booted(host: Any) -> None:
    assert host.run("cmp /root/before/boot /root/rebooted/boot").rc == 1
    assert host.check_output("systemctl is-system-running --wait") == "running"


def test_the_table_is_restored(host: Any) -> None:
    host.check_output("diff /root/before/table /root/rebooted/table")


@pytest.mark.parametrize("kind", ["timeouts", "addresses", "rules", "sysctls", "scheduler"])
def test_everything_else_is_restored(host: Any, kind: str) -> None:
    host.check_output(f"diff /root/after/{kind} /root/rebooted/{kind}")


def test_the_director_serves(host: Any) -> None:
    counts = json.loads(host.check_output("python3 /root/traffic.py 10.211.55.3 2001:db8:55::3 -- sleep 3"))
    assert counts["said"] > 10
    assert counts["opened"] > 10
    assert not counts["refused"]
    assert not counts["unanswered"]
