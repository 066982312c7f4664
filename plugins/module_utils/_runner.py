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
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module
from ansible_collections.lvs.director.plugins.module_utils import _argspec as argspec
from ansible_collections.lvs.director.plugins.module_utils import _argspec_table as argspec_table
from ansible_collections.lvs.director.plugins.module_utils._desired import DesiredTable
from ansible_collections.lvs.director.plugins.module_utils._diff import diff
from ansible_collections.lvs.director.plugins.module_utils._drain import Drained, bring_back, drain
from ansible_collections.lvs.director.plugins.module_utils._engine import Outcome, converge
from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel, NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model import DestinationCounters, DestinationKey, Observed
from ansible_collections.lvs.director.plugins.module_utils._results import (
    configuration,
    destination_result,
    key_values,
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
        outcome = converge(kernel, desired, check_mode=module.check_mode, counters=True)
        return {**_change_result(outcome), "service": _service_result(_only(outcome))}

    _run(module, action)


def run_destination() -> None:
    """Run ``ipvs_destination``: a change of one service that is about one destination."""
    module = AnsibleModule(**argspec.destination_module_spec())

    def action(kernel: IpvsKernel) -> Result:
        desired = argspec.desired_from_destination_module(module.params)
        drained: Optional[Drained] = None
        if module.params["state"] == "drained":
            how = argspec.drain_from_destination_module(module.params)
            outcome, drained = drain(kernel, desired, how, check_mode=module.check_mode)
        else:
            outcome = bring_back(kernel, desired, check_mode=module.check_mode)
        observed = _only(outcome)
        return {
            **_change_result(outcome),
            "service": _service_result(observed),
            "destination": _destination_result(observed, _named_destination(desired)),
            "drain": drained._asdict() if drained else None,
        }

    _run(module, action)


def run_table() -> None:
    """Run ``ipvs_table``."""
    module = AnsibleModule(**argspec_table.table_module_spec())

    def action(kernel: IpvsKernel) -> Result:
        desired = argspec_table.desired_from_table_module(module.params)
        outcome = converge(kernel, desired, check_mode=module.check_mode)
        changed = outcome.plan.changed_services
        return {
            **_change_result(outcome),
            "services": [configuration(one.after) for one in changed if one.after],
            "removed_services": [key_values(one.key) for one in changed if one.after is None],
            # Ansible would send the whole table back as well, after having looked for secrets in each of its values.
            "invocation": {"module_args": {**module.params, "services": f"{len(desired.services)} services"}},
        }

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
    """Return what a task reports about a change, all of it from the plan."""
    return {"changed": outcome.plan.changed, "diff": diff(outcome.plan)}


def _only(outcome: Outcome) -> Optional[Observed]:
    """Return the service of a task that is about one."""
    return next(iter(outcome.observed.values()), None)


def _service_result(observed: Optional[Observed]) -> Optional[Result]:
    return service_result(observed) if observed else None


def _named_destination(desired: DesiredTable) -> DestinationKey:
    return (desired.services[0].destinations or ())[0].key


def _destination_result(observed: Optional[Observed], key: DestinationKey) -> Optional[Result]:
    destination = observed.entry.destination(key) if observed else None
    if observed is None or destination is None:
        return None
    return destination_result(destination, observed.counters.get(key, DestinationCounters()))


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
