# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients, the table, the files and the units after the upgrade."""

from __future__ import annotations

import json
from typing import Any

import pytest

testinfra_hosts = ["ansible://director"]

UNITS = ("ipvs-director.service", "ipvs-director-network.service")
EARLIER_PROGRAM = "/usr/local/sbin/ipvs-director-restore"


def test_no_connection_was_lost_or_refused(host: Any, capsys: pytest.CaptureFixture[str]) -> None:
    counts_or_error = host.check_output("cat /root/traffic.json || journalctl --no-pager -u traffic")
    assert host.run("systemctl is-failed traffic").rc, counts_or_error
    counts = json.loads(counts_or_error)
    with capsys.disabled():
        print(f"\nduring the upgrade: {counts}")
    assert counts["said"] > 500
    assert counts["opened"] > 500
    assert counts["refused"] == 0
    assert counts["unanswered"] == 0
    # A client whose SYN was dropped sends it again after one, three and seven seconds.
    assert counts["slowest"] < 6


def test_the_table_is_as_before(host: Any) -> None:
    assert host.check_output("grep -c '10.99.1.3:21.*10.99.1.2:21.*10.99.1.1:21' /root/before/table") == "3"
    host.check_output("diff /root/before/table /root/after/table")


@pytest.mark.parametrize("kind", ["timeouts", "addresses", "sysctls", "boot"])
def test_everything_else_is_as_before(host: Any, kind: str) -> None:
    host.check_output(f"diff /root/before/{kind} /root/after/{kind}")


def test_packets_are_marked_as_before(host: Any) -> None:
    rules = host.check_output("cat /root/after/rules")
    for part in ("10.211.55.4", "443", "8000-8099", "0x00000007"):
        assert part in rules


def test_the_earlier_program_is_gone(host: Any) -> None:
    assert EARLIER_PROGRAM not in host.check_output("cat /root/after/files")
    # The program of today knows its name, to remove it.
    assert host.run(f"grep -r --exclude-dir=ipvs-director {EARLIER_PROGRAM} /etc /usr/local").stdout == ""


def test_the_new_program_finds_no_difference(host: Any) -> None:
    host.check_output("ipvs-director version")
    host.check_output("ipvs-director diff")


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_keep_their_names_and_run_the_new_program(host: Any, unit: str) -> None:
    assert host.check_output(f"systemctl is-enabled {unit}") == "enabled"
    assert host.check_output(f"systemctl is-active {unit}") == "active"
    assert "path=/usr/local/sbin/ipvs-director " in host.check_output(f"systemctl show --property=ExecStart {unit}")


def test_the_units_can_be_started_again(host: Any) -> None:
    host.check_output(f"systemctl restart {' '.join(UNITS)}")
    assert host.check_output("systemctl list-units --failed --no-legend --no-pager") == ""
    assert "Restored 3 of 3 services, of which 3 needed no change." in host.check_output(
        "journalctl --no-pager --output=cat -u ipvs-director.service --since=-1min"
    )
