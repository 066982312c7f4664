# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Between Ansible and the layers below: how a module begins and ends, and what all of them report.

The only file that knows AnsibleModule, and the only one that ends a task. What a module does stands in a file of its own
(``_run_*``), so that a task brings to its target, and compiles there, only what it needs.
"""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import IpvsKernel, NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._model.results import service_result
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore, Store

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome
    from ansible_collections.lvs.director.plugins.module_utils._model.table import Observed

# Where a distribution's python3-pyroute2 is, if the task's interpreter is another one.
_SYSTEM_INTERPRETERS = ["/usr/bin/python3", "/usr/libexec/platform-python"]

Result = dict[str, Any]
Action = Callable[[IpvsKernel, Store, dict[str, Any], bool], Result]


def run(spec: dict[str, Any], action: Action) -> None:
    """Run a module: what ``action`` makes of a kernel, the machine's files, the options and check mode is the task's result.

    :param spec: the arguments of AnsibleModule.
    :param action: may return a whole result with ``failed`` and ``msg``, where there is more to tell than an error's text.
    """
    module = AnsibleModule(**spec)
    try:
        kernel = _open_kernel(module)
        try:
            store = MachineStore()
            _warn(module, kernel, store)
            result = action(kernel, store, module.params, module.check_mode)
        finally:
            kernel.close()
    except IpvsError as exc:
        module.fail_json(msg=str(exc))
    # The process ends now. Python would look for garbage twice on its way out, among thousands of values that all live until then.
    gc.freeze()
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def _warn(module: AnsibleModule, kernel: IpvsKernel, store: Store) -> None:
    if store.read_fallback():
        # A task compiles on its target all that it imports: not where all is well.
        from ansible_collections.lvs.director.plugins.module_utils._boot.fallback import fallback_warnings  # noqa: PLC0415 (compiled only where it is used)

        for text in fallback_warnings(kernel, store):
            module.warn(text)


def run_without_kernel(spec: dict[str, Any], action: Callable[[dict[str, Any], bool], Result]) -> None:
    """Run a module that does without the client of the kernel.

    :param spec: the arguments of AnsibleModule.
    :param action: makes the task's result of the options and check mode.
    """
    module = AnsibleModule(**spec)
    try:
        result = action(module.params, module.check_mode)
    except IpvsError as exc:
        module.fail_json(msg=str(exc))
    for text in result.pop("warnings", ()):
        module.warn(text)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def _open_kernel(module: AnsibleModule) -> IpvsKernel:
    try:
        return NetlinkKernel()
    except ImportError as exc:
        from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module  # noqa: PLC0415 (compiled only where it is used)

        if not has_respawned():
            other = probe_interpreters_for_module(_SYSTEM_INTERPRETERS, "pyroute2")
            if other and other != sys.executable:
                respawn_module(other)
        module.fail_json(
            msg=f"{missing_required_lib('pyroute2')} On Debian the package is python3-pyroute2.",
            exception="".join(traceback.format_exception(type(exc), exc, exc.__traceback__)),
        )
        raise


def change_result(outcome: Outcome) -> dict[str, Any]:
    """Return ``changed`` and ``diff``, of which both parts are empty where there is nothing to do."""
    if not outcome.changed:
        return {"changed": False, "diff": {"before": "", "after": ""}}
    from ansible_collections.lvs.director.plugins.module_utils._plan.diff import diff  # noqa: PLC0415 (compiled only where it is used)

    table, save = diff(outcome.plan), outcome.save
    if save:
        table = {"before": table["before"] + save.before, "after": table["after"] + save.after}
    return {"changed": True, "diff": table}


def only(outcome: Outcome) -> Optional[Observed]:
    """Return the service of a task that is about one, None if there is none (now, or any more)."""
    return next(iter(outcome.observed.values()), None)


def service_result_or_none(observed: Optional[Observed]) -> Optional[dict[str, Any]]:
    """Return ``service``."""
    return service_result(observed) if observed else None
