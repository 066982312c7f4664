# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's task without Ansible: its options through the collection's own code, into any kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, converge_timeouts
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable
from ansible_collections.lvs.director.plugins.module_utils._options import common as argspec
from ansible_collections.lvs.director.plugins.module_utils._options import destination as argspec_destination
from ansible_collections.lvs.director.plugins.module_utils._options import service as argspec_service
from ansible_collections.lvs.director.plugins.module_utils._options import settings, table
from ansible_collections.lvs.director.plugins.module_utils._options.entries import with_defaults

from contract.ipvsadm_options import Task

Params = dict[str, Any]
Action = Callable[[IpvsKernel, Params], object]


def _table_action(desired_from: Callable[[Params], DesiredTable]) -> Action:
    return lambda kernel, params: converge(kernel, desired_from(params), check_mode=False)


# Each module's options and action. A module in the option table needs a line here.
MODULES: dict[str, tuple[Callable[[], argspec.Spec], Action]] = {
    "ipvs_service": (argspec_service.service_module_spec, _table_action(argspec_service.desired_from_service_module)),
    "ipvs_destination": (argspec_destination.destination_module_spec, _table_action(argspec_destination.desired_from_destination_module)),
    "ipvs_table": (table.table_module_spec, _table_action(table.desired_from_table_module)),
    "ipvs_timeouts": (
        settings.timeouts_module_spec,
        lambda kernel, params: converge_timeouts(kernel, settings.desired_from_timeouts_module(params), check_mode=False),
    ),
    "ipvs_sync_daemon": (
        settings.sync_daemon_module_spec,
        lambda kernel, params: converge_sync_daemon(kernel, settings.desired_from_sync_daemon_module(params), check_mode=False),
    ),
}


def run(kernel: IpvsKernel, task: Task) -> None:
    """Run a task; its options are not checked for type, which AnsibleModule would do."""
    spec, action = MODULES[task.module]
    action(kernel, with_defaults(spec()["argument_spec"], task.values))
