# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's task without Ansible: its options through the collection's own code, into any kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils import _argspec as argspec
from ansible_collections.lvs.director.plugins.module_utils._desired import DesiredService
from ansible_collections.lvs.director.plugins.module_utils._engine import converge
from ansible_collections.lvs.director.plugins.module_utils._entries import with_defaults
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel

from contract.ipvsadm_options import ROWS, Case, Task

Params = dict[str, Any]


def _service_action(desired_from: Callable[[Params], DesiredService]) -> Callable[[IpvsKernel, Params], None]:
    def action(kernel: IpvsKernel, params: Params) -> None:
        converge(kernel, desired_from(params), check_mode=False)

    return action


# What a module takes, and what its run_... in _runner does. A module that the option table names needs a line here.
MODULES: dict[str, tuple[Callable[[], argspec.Spec], Callable[[IpvsKernel, Params], None]]] = {
    "ipvs_service": (argspec.service_module_spec, _service_action(argspec.desired_from_service_module)),
    "ipvs_destination": (argspec.destination_module_spec, _service_action(argspec.desired_from_destination_module)),
}


# What the table speaks of already and the collection does not have yet. A test says when something is to be taken off.
COMING = {"ipvs_timeouts", "ipvs_sync_daemon", "ipvs_service.zero_counters"}


def missing(task: Task) -> set[str]:
    """Return what the collection lacks for a task: its module, or options of it."""
    if task.module not in MODULES:
        return {task.module}
    return {f"{task.module}.{option}" for option in set(task.values) - set(MODULES[task.module][0]()["argument_spec"])}


def can_be_run() -> list[Case]:
    """Return the option table's cases that the collection has all for."""
    return [case for row in ROWS for case in row.cases if not any(missing(task) for task in case.tasks)]


def run(kernel: IpvsKernel, task: Task) -> None:
    """Run a task; its options are not checked for type, which AnsibleModule would do."""
    spec, action = MODULES[task.module]
    action(kernel, with_defaults(spec()["argument_spec"], task.values))
