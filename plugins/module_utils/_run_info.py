# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What ``ipvs_info`` does."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._argspec import info_module_spec
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._results import service_result, sync_daemon_result
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run


def run_info() -> None:
    """Run the module."""
    run(info_module_spec(), _act)


def _act(kernel: IpvsKernel, _params: dict[str, Any], _check_mode: bool) -> Result:
    return {
        "changed": False,
        **kernel.read_info()._asdict(),
        "services": [service_result(one) for one in kernel.read_table()],
        "timeouts": kernel.read_timeouts()._asdict(),
        "sync_daemons": [sync_daemon_result(one) for one in kernel.read_sync_daemons()],
    }
