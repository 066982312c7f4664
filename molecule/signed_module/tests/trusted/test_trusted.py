# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""With the key enrolled, the machine is a director, and its kernel insists on signatures still."""

from __future__ import annotations

from typing import Any

testinfra_hosts = ["ansible://director"]


def test_the_kernel_still_insists_and_names_the_key(host: Any) -> None:
    assert "[none]" not in host.check_output("cat /sys/kernel/security/lockdown")
    assert "DKMS module signing key" in host.check_output("cat /proc/keys")
    assert host.run("mokutil --test-key /var/lib/dkms/mok.pub").stdout.strip() == "/var/lib/dkms/mok.pub is already enrolled"


def test_the_scheduler_that_was_unsigned_is_signed_and_loaded(host: Any) -> None:
    assert host.check_output("modinfo -F signer ip_vs_test") == "DKMS module signing key"
    assert host.check_output("cat /sys/module/ip_vs_test/srcversion") == host.check_output("modinfo -F srcversion ip_vs_test")
    # O: not of the kernel's own sources. E would be: not signed.
    assert host.check_output("cat /sys/module/ip_vs_test/taint") == "O"


def test_the_service_exists(host: Any) -> None:
    assert "TCP  0AD33703:0015 test" in host.check_output("cat /proc/net/ip_vs")
    assert " 10.211.55.3/32 " in host.check_output("ip -oneline address show dev eth1")
