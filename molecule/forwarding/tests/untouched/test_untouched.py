# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An unchanged machine: after a dry run, and after removal."""

from __future__ import annotations

from typing import Any

testinfra_hosts = ["ansible://directors"]


def test_no_address_and_no_interface_is_left(host: Any) -> None:
    said = host.check_output("ip -oneline address show; ip -oneline link show")
    assert "eth0" in said
    assert "ipvs-" not in said
    assert "198.51.100.3" not in said
    assert "2001:db8:c::3" not in said


def test_no_tunnel_is_received(host: Any) -> None:
    assert host.check_output("if [ -e /sys/module/fou ]; then ip fou show; fi") == ""


def test_the_settings_are_the_kernels(host: Any) -> None:
    assert host.check_output("cat /proc/sys/net/ipv4/conf/all/arp_ignore /proc/sys/net/ipv4/conf/all/arp_announce").split() == ["0", "0"]


def test_no_table_of_nftables_is_left(host: Any) -> None:
    assert "ipvs_" not in host.check_output("nft list tables")


def test_no_file_is_left(host: Any) -> None:
    names = "-name '*ipvs_realserver*' -o -name '*ipvs_director*' -o -name 'ipvs-director*'"
    assert host.check_output(f"find /etc /usr/local /var/lib {names}") == ""
    # It fails where it finds none.
    assert host.run("systemctl list-unit-files --no-legend 'ipvs_*'").stdout == ""
