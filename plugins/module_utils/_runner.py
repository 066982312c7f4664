# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Glue between AnsibleModule and the layers below: open the kernel, run, exit or fail.

The only file that knows AnsibleModule, and the only one that ends a task.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module
from ansible_collections.lvs.director.plugins.module_utils import _argspec as argspec
from ansible_collections.lvs.director.plugins.module_utils._engine import Outcome, converge
from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel, NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model import DestinationCounters
from ansible_collections.lvs.director.plugins.module_utils._results import (
    configuration,
    destination_result,
    service_result,
    sync_daemon_result,
)

# Where a distribution's python3-pyroute2 is, if the task's interpreter is another one.
_SYSTEM_INTERPRETERS = ["/usr/bin/python3", "/usr/libexec/platform-python"]

Result = dict[str, Any]


def run_service() -> None:
    """Run ``ipvs_service``."""
    module = AnsibleModule(**argspec.service_module_spec())

    def action(kernel: IpvsKernel) -> Result:
        desired = argspec.desired_from_service_module(module.params)
        return _change_result(converge(kernel, desired, check_mode=module.check_mode))

    _run(module, action)


def run_destination() -> None:
    """Run ``ipvs_destination``: a change of one service that is about one destination."""
    module = AnsibleModule(**argspec.destination_module_spec())

    def action(kernel: IpvsKernel) -> Result:
        desired = argspec.desired_from_destination_module(module.params)
        outcome = converge(kernel, desired, check_mode=module.check_mode)
        result = _change_result(outcome)
        result["destination"] = None
        observed = outcome.observed
        for one in desired.destinations or ():
            destination = observed.entry.destination(one.key) if observed else None
            if observed and destination:
                counters = observed.counters.get(one.key, DestinationCounters())
                result["destination"] = destination_result(destination, counters)
        return result

    _run(module, action)


def run_info() -> None:
    """Run ``ipvs_info``."""
    module = AnsibleModule(**argspec.info_module_spec())

    def action(kernel: IpvsKernel) -> Result:
        return {
            "changed": False,
            **kernel.read_info()._asdict(),
            "services": [service_result(one) for one in kernel.read_table()],
            "timeouts": kernel.read_timeouts()._asdict(),
            "sync_daemons": [sync_daemon_result(one) for one in kernel.read_sync_daemons()],
        }

    _run(module, action)


def _change_result(outcome: Outcome) -> Result:
    """Return what a task reports about a change: all of it from the plan, but for the counters."""
    plan = outcome.plan
    return {
        "changed": plan.changed,
        "diff": {"before": configuration(plan.before), "after": configuration(plan.after)},
        "service": service_result(outcome.observed) if outcome.observed else None,
    }


def _run(module: AnsibleModule, action: Callable[[IpvsKernel], Result]) -> None:
    try:
        kernel = _open_kernel(module)
        try:
            result = action(kernel)
        finally:
            kernel.close()
    except IpvsError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


def _open_kernel(module: AnsibleModule) -> IpvsKernel:
    try:
        return NetlinkKernel()
    except ImportError as exc:
        if not has_respawned():
            other = probe_interpreters_for_module(_SYSTEM_INTERPRETERS, "pyroute2")
            if other and other != sys.executable:
                respawn_module(other)
        module.fail_json(
            msg=f"{missing_required_lib('pyroute2')} On Debian the package is python3-pyroute2.",
            exception="".join(traceback.format_exception(type(exc), exc, exc.__traceback__)),
        )
        raise
