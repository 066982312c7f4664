# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What ``ipvs_table`` does."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._argspec_table import (
    desired_from_table_module,
    number_of_services,
    table_module_spec,
)
from ansible_collections.lvs.director.plugins.module_utils._engine import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._report import change_result
from ansible_collections.lvs.director.plugins.module_utils._results import key_values
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run


def run_table() -> None:
    """Run the module."""
    run(table_module_spec(), _act)


def _act(kernel: IpvsKernel, params: dict[str, Any], check_mode: bool) -> Result:
    try:
        desired = desired_from_table_module(params)
    finally:
        # Not needed any more, and large. Besides, Ansible would send all of it back, after having looked for secrets in it.
        services = params["services"]
        if services is not None:
            params["services"] = f"{number_of_services(services)} services"
            services.clear()  # AnsibleModule holds the same list once more
    outcome = converge(kernel, desired, check_mode=check_mode)
    changed = outcome.plan.changed_services
    return {
        **change_result(outcome),
        "added_services": [key_values(one.key) for one in changed if one.before is None],
        "changed_services": [key_values(one.key) for one in changed if one.before and one.after],
        "removed_services": [key_values(one.key) for one in changed if one.after is None],
    }
