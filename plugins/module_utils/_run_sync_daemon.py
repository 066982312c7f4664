# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What ``ipvs_sync_daemon`` does."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._argspec_settings import desired_from_sync_daemon_module, sync_daemon_module_spec
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._results import sync_daemon_result
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run
from ansible_collections.lvs.director.plugins.module_utils._settings import converge_sync_daemon, settings_diff


def run_sync_daemon() -> None:
    """Run the module."""
    run(sync_daemon_module_spec(), _act)


def _act(kernel: IpvsKernel, params: dict[str, Any], check_mode: bool) -> Result:
    plan, daemons, save = converge_sync_daemon(kernel, desired_from_sync_daemon_module(params), check_mode=check_mode)
    return {
        "changed": plan.changed or save.changed,
        "diff": settings_diff(
            sync_daemon_result(plan.before) if plan.before else {},
            sync_daemon_result(plan.after) if plan.after else {},
            save,
        ),
        "sync_daemons": [sync_daemon_result(one) for one in daemons],
    }
