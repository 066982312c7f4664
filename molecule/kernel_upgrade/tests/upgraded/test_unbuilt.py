# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After booting a kernel for which DKMS could not build the scheduler, before any run: the director serves, and reports the fallback."""

from __future__ import annotations

import os
import subprocess
from typing import Any

testinfra_hosts = ["ansible://unbuilt"]


def test_the_machine_has_booted_a_kernel_without_the_scheduler(host: Any) -> None:
    kernels = host.check_output("cat /root/before.kernel && uname -r").split()
    assert [kernel[:2] for kernel in kernels] == ["6.", "7."]
    assert host.check_output("dkms status -m ip_vs_test") == f"ip_vs_test/1.0.0, {kernels[0]}, x86_64: installed"
    assert host.run("modinfo ip_vs_test").rc


def test_services_have_the_fallback_with_falling_weights(host: Any) -> None:
    service, *destinations = host.check_output("ipvsadm -Ln --nosort -t 10.211.55.3:21").splitlines()[2:]
    assert service.split() == ["TCP", "10.211.55.3:21", "fo"]
    assert [line.split()[1:4] for line in destinations[-4:]] == [
        ["10.99.1.3:21", "Masq", "4"],
        ["10.99.1.2:21", "Masq", "3"],
        ["10.99.1.4:21", "Masq", "0"],
        ["10.99.1.1:21", "Masq", "1"],
    ]
    thresholds = host.check_output("ipvsadm -Ln --nosort --thresholds -t 10.211.55.3:21").splitlines()[-4:]
    assert [line.split()[2:4] for line in thresholds] == [["4", "1"], ["400", "300"], ["3", "0"], ["0", "0"]]


def test_other_services_are_as_before(host: Any) -> None:
    lines = host.check_output("ipvsadm -Ln --nosort -t 10.211.55.4:80").splitlines()
    assert [line.split()[:4] for line in lines[-3:]] == [
        ["TCP", "10.211.55.4:80", "wlc"],
        ["->", "10.99.1.2:80", "Route", "3"],
        ["->", "10.99.1.1:80", "Route", "1"],
    ]


def test_the_director_answers_for_both_addresses(host: Any) -> None:
    addresses = host.check_output("ip -oneline address show dev eth1")
    assert " 10.211.55.3/32 " in addresses
    assert " 10.211.55.4/32 " in addresses


def test_the_journal_has_a_warning(host: Any) -> None:
    said = host.check_output("journalctl --boot --no-pager --output=cat --priority=warning --unit=ipvs-director.service")
    assert said == (
        f'Service tcp 10.211.55.3:21: its scheduler "test" is missing, since the kernel {host.check_output("uname -r")} has no module '
        "ip_vs_test that it can load. Run the role lvs.director.ipvs_director. Until then it has scheduler "
        '"fo", and weights that fall in the order of its destinations'
    )


def test_the_next_task_has_a_warning() -> None:
    command = ["ansible", "unbuilt", "-i", os.environ["MOLECULE_INVENTORY_FILE"], "-m", "lvs.director.ipvs_info"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    # Ansible breaks the lines of warnings.
    said = " ".join(ended.stderr.split())
    assert '[WARNING]: Service tcp 10.211.55.3:21 has scheduler "fo", and weights that fall' in said
    assert 'its own, "test", was missing' in said
