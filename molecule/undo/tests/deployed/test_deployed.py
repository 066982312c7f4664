# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""There is something to undo, and check mode has not touched it."""

from __future__ import annotations

from typing import Any

import pytest

testinfra_hosts = ["ansible://director"]


@pytest.fixture(scope="module")
def now(host: Any) -> str:
    host.check_output("sh /root/look.sh /root/now")
    return "/root/now"


@pytest.mark.parametrize("kind", ["table", "sysctls", "modules", "builds", "addresses", "rules", "units", "files", "contents"])
def test_the_role_changed_the_machine_and_check_mode_did_not(host: Any, now: str, kind: str) -> None:
    assert host.run(f"cmp /root/before/{kind} /root/deployed/{kind}").rc == 1
    host.check_output(f"diff /root/deployed/{kind} {now}/{kind}")


def test_the_changes_are_the_intended_ones(host: Any) -> None:
    differences = host.run("diff -r /root/before /root/deployed").stdout
    for line in (
        "> FWM  7 ",
        "> net.ipv4.ip_forward = 1",
        "> net.ipv4.conf.eth1.send_redirects = 0",
        "> net.ipv4.vs.sync_retries = 3",
        "> net.ipv6.conf.eth1.forwarding = 1",
        "> ip_vs_test",
        "> ip_vs_mh",
        "Timeout (tcp tcpfin udp): 900 120 250",
        "/etc/systemd/system/ipvs-director.service",
        "/etc/systemd/system/nftables.service.d/ipvs_director_fwmark.conf",
        "meta mark set 0x00000007",
        "/etc/systemd/network/20-lan.network.d/ipvs_director.conf",
        "/usr/src/ip_vs_test-",
    ):
        assert line in differences, line
