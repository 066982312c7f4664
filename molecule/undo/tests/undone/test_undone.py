# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine is in its state before the role."""

from __future__ import annotations

from typing import Any

import pytest

testinfra_hosts = ["ansible://director"]


@pytest.fixture(scope="module")
def now(host: Any) -> str:
    host.check_output("sh /root/look.sh /root/now")
    return "/root/now"


@pytest.mark.parametrize("kind", ["table", "sysctls", "modules", "builds", "addresses", "rules", "units", "failed", "files", "contents"])
def test_everything_is_as_before(host: Any, now: str, kind: str) -> None:
    host.check_output(f"diff /root/before/{kind} {now}/{kind}")


def test_the_other_service_kept_counting(host: Any) -> None:
    """It was never deleted, not even for a moment: its counters are still there, and it serves clients."""
    table = host.check_output("cat /root/now/table")
    assert "TCP  127.0.0.9:80 " in table
    service = next(line.split() for line in table.splitlines() if line.startswith("TCP  127.0.0.9:80 "))
    assert service[2] == "1"
    assert "SSH-" in host.check_output("bash -c 'head -c 4 </dev/tcp/127.0.0.9/80'")
