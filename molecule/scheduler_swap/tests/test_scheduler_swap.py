# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients, the module and the table after the swap; and the clients would have noticed a refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

testinfra_hosts = ["ansible://director"]

SERVICES = "10.211.55.3 2001:db8:55::3"


def tell(capsys: pytest.CaptureFixture[str], when: str, counts: dict[str, Any]) -> None:
    """Into the log, also where all is well: how many were tried and how many failed."""
    with capsys.disabled():
        print(f"\n{when}: {counts['opened'] + counts['refused']} connections tried, {counts['refused']} refused; {counts}")


def test_no_connection_was_lost_or_refused(host: Any, capsys: pytest.CaptureFixture[str]) -> None:
    said = host.check_output("cat /root/traffic.json || journalctl --no-pager -u traffic")
    counts = json.loads(said)
    tell(capsys, "while the scheduler was replaced", counts)
    assert host.run("systemctl is-failed traffic").rc, said
    assert counts["said"] > 500
    assert counts["opened"] > 500
    assert counts["refused"] == 0
    assert counts["unanswered"] == 0
    # Clients that connected at the wrong moment had to resend their first packet, once.
    assert counts["slowest"] < 6


def test_the_new_build_is_loaded(host: Any) -> None:
    assert host.check_output("modinfo -F description ip_vs_test").startswith("changed")
    assert host.check_output("cat /sys/module/ip_vs_test/srcversion") == host.check_output("modinfo -F srcversion ip_vs_test")


def test_the_table_is_as_before(host: Any) -> None:
    before = host.check_output("cat /root/before.txt")
    assert before.count(" test") == 2
    assert before == host.check_output("cat /root/after.txt")


def test_nothing_is_left_of_the_replacement(host: Any) -> None:
    assert "lvs_director" not in host.check_output("nft list tables")
    assert host.run("ls /run/lvs.director").stdout == ""


def test_the_observer_would_have_seen_refusals(host: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The same change of schedulers without suppression. If nobody were refused here, the counts above would prove nothing."""
    change = "".join(
        f"ipvsadm --edit-service --tcp-service {service}:21 --scheduler {scheduler}; "
        for service in ("10.211.55.3", "[2001:db8:55::3]")
        for scheduler in ("fo", "test")
    )
    many = f"sh -c 'for time in $(seq 40); do {change} done'"
    counts = json.loads(host.check_output(f"python3 /root/traffic.py {SERVICES} -- {many}"))
    tell(capsys, "with nothing held back", counts)
    assert counts["refused"] > 0
