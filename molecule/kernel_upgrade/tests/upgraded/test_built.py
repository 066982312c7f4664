# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""In the new kernel, before any run, where DKMS has built the scheduler: as if nothing had happened."""

from __future__ import annotations

from typing import Any

testinfra_hosts = ["ansible://upgraded"]

TABLE = "{ ipvsadm -Ln --nosort; ipvsadm -Ln --nosort --thresholds; }"


def in_parts(listings: str) -> list[str]:
    """Sorted services with their destinations in listed order; the kernel lists services in no particular order."""
    parts: list[str] = []
    for line in listings.splitlines():
        if line.startswith("TCP "):
            parts.append(line)
        elif line.startswith("  -> ") and "RemoteAddress:Port" not in line:
            parts[-1] += f"\n{line}"
    return sorted(parts)


def test_the_machine_booted_the_new_kernel(host: Any) -> None:
    before, now = host.check_output("cat /root/before.kernel"), host.check_output("uname -r")
    assert (before[:5], now[:2]) == ("6.12.", "7.")
    # update-grub's doing: the lab's own configuration of the first boot names a device.
    assert host.check_output("cat /proc/cmdline").startswith(f"BOOT_IMAGE=/boot/vmlinuz-{now} root=UUID=")
    assert host.check_output("systemctl is-system-running --wait") == "running"


def test_dkms_has_built_the_scheduler_for_both(host: Any) -> None:
    kernels = host.check_output("cat /root/before.kernel && uname -r").split()
    assert host.check_output("dkms status -m ip_vs_test").splitlines() == [
        f"ip_vs_test/1.0.0, {kernel}, x86_64: installed" for kernel in kernels
    ]
    assert host.check_output("cat /sys/module/ip_vs_test/srcversion") == host.check_output("modinfo -F srcversion ip_vs_test")


def test_the_table_is_as_before(host: Any) -> None:
    before = host.check_output("cat /root/before.txt")
    assert "TCP  10.211.55.3:21 test\n" in before
    assert before.index("10.99.1.3:21") < before.index("10.99.1.2:21") < before.index("10.99.1.4:21") < before.index("10.99.1.1:21")
    assert in_parts(host.check_output(TABLE)) == in_parts(before)


def test_the_unit_restored_the_table_without_complaint(host: Any) -> None:
    said = "journalctl --boot --no-pager --output=cat _SYSTEMD_UNIT=ipvs-director.service"
    assert host.check_output(said) == "Restored 2 of 2 services, of which 0 needed no change."
    assert host.check_output(f"{said} --priority=warning") == ""
