# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler is built and signed, the kernel refuses it, and everything else is unchanged."""

from __future__ import annotations

from typing import Any

testinfra_hosts = ["ansible://director"]


def test_the_scheduler_is_built_and_signed_with_the_machines_key(host: Any) -> None:
    kernel = host.check_output("uname -r")
    assert host.check_output("dkms status -m ip_vs_test") == f"ip_vs_test/1.0.0, {kernel}, x86_64: installed"
    assert host.check_output("modinfo -F signer ip_vs_test") == "DKMS module signing key"
    serial = host.check_output("openssl x509 -in /var/lib/dkms/mok.pub -noout -serial").partition("=")[2]
    assert host.check_output("modinfo -F sig_key ip_vs_test").replace(":", "") == serial


def test_nothing_was_loaded_or_configured(host: Any) -> None:
    host.check_output("sh /root/look.sh | diff /root/before -")


def test_the_kernel_refuses_the_module(host: Any) -> None:
    """And not everything: the module of the other service is the kernel's own, and signed with its key."""
    assert "Key was rejected by service" in host.run("modprobe ip_vs_test").stderr
    assert host.file("/sys/module/ip_vs").exists
    assert host.run("mokutil --test-key /var/lib/dkms/mok.pub").stdout.strip() == "/var/lib/dkms/mok.pub is not enrolled"
