# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The director of examples/overload.yml is there, and works."""

from __future__ import annotations

import re
from typing import Any

import pytest

testinfra_hosts = ["ansible://directors"]

SERVERS = [f"10.211.55.{last}" for last in (253, 252, 251, 250)]


@pytest.fixture(scope="module")
def kernel(host: Any) -> str:
    return str(host.check_output("uname -r"))


def test_dkms_has_installed_the_scheduler_once(host: Any, kernel: str) -> None:
    assert host.check_output("dkms status -m ip_vs_test") == f"ip_vs_test/1.0.0, {kernel}, x86_64: installed"


def test_the_loaded_scheduler_is_the_installed_one(host: Any) -> None:
    loaded = host.check_output("cat /sys/module/ip_vs_test/srcversion")
    assert loaded == host.check_output("modinfo -F srcversion ip_vs_test")
    assert "/updates/dkms/" in host.check_output("modinfo -n ip_vs_test")


def test_the_scheduler_is_signed(host: Any) -> None:
    assert host.check_output("modinfo -F sig_id ip_vs_test") == "PKCS#7"


def test_the_next_kernel_will_bring_its_headers(host: Any, kernel: str) -> None:
    assert host.package(f"linux-headers-{kernel}").is_installed
    assert host.package("linux-headers-cloud-amd64").is_installed


def test_the_table_has_the_services_in_the_order_given(host: Any) -> None:
    table = host.check_output("cat /proc/net/ip_vs")
    found: dict[str, list[str]] = {}
    for words in map(str.split, table.splitlines()):
        if words[0] == "TCP":
            servers = found.setdefault(" ".join(words[1:3]), [])
        elif words[0] == "->" and words[1] != "RemoteAddress:Port":
            address, _colon, _port = words[1].partition(":")
            servers.append(".".join(str(each) for each in bytes.fromhex(address)))
    assert found == {"0AD33703:0015 test": SERVERS, "0AD33703:0849 fo": SERVERS}


def test_the_thresholds_are_in_the_kernel(host: Any) -> None:
    services = host.ansible("lvs.director.ipvs_info", check=False)["services"]
    for service in services:
        assert [each["address"] for each in service["destinations"]] == SERVERS
        for each in service["destinations"]:
            assert (each["upper_threshold"], each["lower_threshold"]) == (4, 1)
            assert each["forward_method"] == "masquerade"


def test_the_virtual_address_is_on_its_interface_once(host: Any) -> None:
    addresses = re.findall(r"^\d+: (\S+) +inet (\S+)", host.check_output("ip -oneline -4 address"), re.M)
    assert [interface for interface, address in addresses if address == "10.211.55.3/32"] == ["eth1"]


def test_the_modules_are_loaded_at_boot(host: Any) -> None:
    """The service that does it at boot does not fail for a module that it cannot find; modprobe does."""
    lines = host.check_output("cat /etc/modules-load.d/ipvs_director.conf").splitlines()
    names = [line for line in lines if not line.startswith("#")]
    assert "ip_vs_test" in names
    host.check_output(f"modprobe --dry-run --all {' '.join(names)}")


@pytest.mark.parametrize(
    ("name", "ours", "other"),
    [
        ("net.ipv4.ip_forward", "1", "0"),
        ("net.ipv4.conf.eth1.send_redirects", "0", "1"),
        ("net.ipv4.vs.expire_nodest_conn", "0", "1"),
    ],
)
def test_the_kernels_parameters_are_set_now_and_at_boot(host: Any, name: str, ours: str, other: str) -> None:
    path = f"/proc/sys/{name.replace('.', '/')}"
    assert host.check_output(f"cat {path}") == ours
    host.check_output(f"echo {other} > {path}")
    host.check_output("systemctl restart systemd-sysctl.service")
    assert host.check_output(f"cat {path}") == ours
