# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the reboot and before any run, everything is restored."""

from __future__ import annotations

import re
from typing import Any

import pytest

testinfra_hosts = ["ansible://director"]

LOOK = "ipvsadm --list --numeric"
ALL = f"{LOOK} --nosort --thresholds; {LOOK} --nosort --tun-info; {LOOK} --nosort --persistent-conn; {LOOK} --timeout; {LOOK} --daemon"


@pytest.fixture(scope="module", autouse=True)
def booted(host: Any) -> None:
    assert host.check_output("cat /root/before.boot") != host.check_output("cat /proc/sys/kernel/random/boot_id")
    assert host.check_output("systemctl is-system-running --wait") == "running"


def in_parts(listings: str) -> list[str]:
    """Sorted services with their destinations in listed order; the kernel lists services in no particular order."""
    parts: list[str] = []
    for line in listings.splitlines():
        if line.startswith("  -> "):
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return sorted(parts)


def test_the_kernel_has_the_table_of_before(host: Any) -> None:
    before = host.check_output("cat /root/before.txt")
    assert before.index("10.99.1.3:21") < before.index("10.99.1.2:21") < before.index("10.99.1.4:21") < before.index("10.99.1.1:21")
    assert re.search(r"10\.99\.1\.2:21 +4000 +3000 ", before)
    assert "FWM  7" in before
    assert "UDP  [2001:db8:55::3]:53" in before
    assert "Timeout (tcp tcpfin udp): 1200 120 250" in before
    assert "master sync daemon (mcast=eth1, syncid=7" in before
    assert in_parts(host.check_output(ALL)) == in_parts(before)


def test_the_virtual_addresses_are_on_their_interface(host: Any) -> None:
    addresses = host.check_output("ip -oneline address show dev eth1")
    assert " inet 10.211.55.3/32 " in addresses
    assert " inet6 2001:db8:55::3/128 " in addresses


@pytest.mark.parametrize(
    ("name", "value"),
    [("net.ipv4.ip_forward", "1"), ("net.ipv4.conf.eth1.send_redirects", "0"), ("net.ipv4.vs.sync_threshold", "4\t60")],
)
def test_the_kernels_parameters(host: Any, name: str, value: str) -> None:
    assert host.check_output(f"sysctl -n {name}") == value


def moment(host: Any, unit: str, what: str = "ActiveEnter") -> int:
    """Microseconds from the boot to when a unit became active, or (InactiveExit) began to."""
    microseconds = int(host.check_output(f"systemctl show --value --property={what}TimestampMonotonic {unit}"))
    assert microseconds, f"{unit} was not started"
    return microseconds


def test_the_table_was_restored_before_the_interfaces(host: Any) -> None:
    restored = moment(host, "ipvs-director.service")
    assert restored <= moment(host, "network-pre.target") <= moment(host, "systemd-networkd.service", "InactiveExit")
    journal = host.check_output("journalctl --boot --output=short-monotonic --no-pager")
    assert journal.index("Restored 3 of 3 services, of which 0 needed no change") < journal.index("eth1: Configuring with")


def test_addresses_and_daemon_were_restored_before_the_network_was_up(host: Any) -> None:
    restored = moment(host, "ipvs-director-network.service")
    assert moment(host, "ipvs-director.service") < restored <= moment(host, "network.target")


def test_networkd_leaves_the_addresses_where_they_are(host: Any) -> None:
    host.check_output("networkctl reconfigure eth1 && sleep 2")
    test_the_virtual_addresses_are_on_their_interface(host)
