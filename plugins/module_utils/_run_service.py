# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What ``ipvs_service`` does."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._argspec_service import desired_from_service_module, service_module_spec
from ansible_collections.lvs.director.plugins.module_utils._engine import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._report import change_result, only, service_result_or_none
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run


def run_service() -> None:
    """Run the module."""
    run(service_module_spec(), _act)


def _act(kernel: IpvsKernel, params: dict[str, Any], check_mode: bool) -> Result:
    outcome = converge(kernel, desired_from_service_module(params), check_mode=check_mode, counters=True)
    return {**change_result(outcome), "service": service_result_or_none(only(outcome))}
