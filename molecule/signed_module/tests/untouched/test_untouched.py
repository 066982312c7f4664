# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine is one with Secure Boot, and a dry run has changed nothing on it."""

from __future__ import annotations

from typing import Any

testinfra_hosts = ["ansible://director"]


def test_the_kernel_insists_on_signatures_because_of_secure_boot(host: Any) -> None:
    assert "Secure boot enabled" in host.check_output("dmesg | grep -i 'secure boot'")
    assert "[none]" not in host.check_output("cat /sys/kernel/security/lockdown")


def test_nothing_was_built(host: Any) -> None:
    assert host.check_output("dkms status") == ""
    assert not host.file("/var/lib/dkms/mok.pub").exists


def test_nothing_was_changed(host: Any) -> None:
    host.check_output("sh /root/look.sh | diff /root/before -")
