# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a dry run on a bare machine: it must have succeeded, and changed nothing."""

from __future__ import annotations

from typing import Any

testinfra_hosts = ["ansible://directors"]


def test_no_package_was_installed(host: Any) -> None:
    for name in ("dkms", "gcc", "python3-pyroute2"):
        assert not host.package(name).is_installed, name


def test_the_kernel_was_left_alone(host: Any) -> None:
    assert "ip_vs" not in host.check_output("lsmod")
    assert host.check_output("cat /proc/sys/net/ipv4/ip_forward") == "0"
    assert "10.211.55.3" not in host.check_output("ip address")


def test_no_file_was_written(host: Any) -> None:
    names = ("*ipvs[-_]director*", "ip_vs_test*", "lvs.director")
    found = host.check_output(f"find /etc /usr/src /usr/local /var/lib {' -o '.join(f'-name {name!r}' for name in names)}")
    assert found == ""
