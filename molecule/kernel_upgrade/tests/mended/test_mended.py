# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a run of the role with a scheduler that builds: all is as before the new kernel, without another reboot."""

from __future__ import annotations

from typing import Any

testinfra_hosts = ["ansible://unbuilt"]


def test_dkms_has_built_the_scheduler_for_both(host: Any) -> None:
    kernels = host.check_output("cat /root/before.kernel && uname -r").split()
    assert host.check_output("dkms status -m ip_vs_test").splitlines() == [
        f"ip_vs_test/1.0.0, {kernel}, x86_64: installed" for kernel in kernels
    ]


def test_the_table_is_as_before(host: Any) -> None:
    listed = "ipvsadm -Ln --nosort -t 10.211.55.3:21"
    before = host.check_output("grep -A4 '^TCP  10.211.55.3:21 test' /root/before.txt | head -5")
    assert host.check_output(f"{listed} | grep -A4 '^TCP'") == before


def test_apt_has_nothing_left_to_do(host: Any) -> None:
    assert host.check_output("dpkg --audit") == ""
