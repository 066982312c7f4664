# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Ansible reaches the lab's machines, outside of molecule."""

from __future__ import annotations

from typing import Any

from .machine import Machine

COMMON: dict[str, Any] = {
    "ansible_host": "127.0.0.1",
    "ansible_user": "root",
    "ansible_ssh_common_args": "-F none -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR",
    "ansible_pipelining": True,
    "ansible_python_interpreter": "/usr/bin/python3",
}
"""Variables of all machines."""


def variables(vm: Machine) -> dict[str, Any]:
    """Variables of one machine."""
    return {
        "ansible_port": vm.port,
        "ansible_ssh_private_key_file": str(vm.identity_file),
        # One ssh connection for the lab and for Ansible: a login costs time in an emulated machine.
        "ansible_control_path": str(vm.runtime / f"{vm.name}.ssh"),
    }
