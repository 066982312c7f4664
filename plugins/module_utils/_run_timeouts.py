# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What ``ipvs_timeouts`` does."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._argspec_settings import desired_from_timeouts_module, timeouts_module_spec
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run
from ansible_collections.lvs.director.plugins.module_utils._settings import converge_timeouts, settings_diff


def run_timeouts() -> None:
    """Run the module."""
    run(timeouts_module_spec(), _act)


def _act(kernel: IpvsKernel, params: dict[str, Any], check_mode: bool) -> Result:
    plan, timeouts, save = converge_timeouts(kernel, desired_from_timeouts_module(params), check_mode=check_mode)
    return {
        "changed": plan.changed or save.changed,
        "diff": settings_diff(plan.before._asdict(), plan.after._asdict(), save),
        "timeouts": timeouts._asdict(),
    }
