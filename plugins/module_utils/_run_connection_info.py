# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What ``ipvs_connection_info`` does: it reads files of the kernel, and needs neither its netlink interface nor pyroute2."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._argspec_connections import (
    connection_info_module_spec,
    wanted_from_connection_info_module,
)
from ansible_collections.lvs.director.plugins.module_utils._connection_results import connections_result
from ansible_collections.lvs.director.plugins.module_utils._connections import add_origins, read_connections
from ansible_collections.lvs.director.plugins.module_utils._proc import CONNECTIONS, CONNECTIONS_WITH_ORIGIN, listing
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel


def run_connection_info() -> None:
    """Run the module."""
    run_without_kernel(connection_info_module_spec(), _act)


def _act(params: dict[str, Any]) -> Result:
    wanted = wanted_from_connection_info_module(params)
    found = read_connections(listing(CONNECTIONS), wanted)
    if wanted.origin:
        found = add_origins(listing(CONNECTIONS_WITH_ORIGIN), wanted, found)
    return {"changed": False, **connections_result(found)}
