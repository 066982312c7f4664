# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Connections -> what ``ipvs_connection_info`` returns."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._kernel.connections import Connections
from ansible_collections.lvs.director.plugins.module_utils._model.connections import Connection
from ansible_collections.lvs.director.plugins.module_utils._model.table import format_address


def connection_result(connection: Connection) -> dict[str, Any]:
    """Return a connection or template; what it does not have is None."""
    return {
        "protocol": connection.protocol,
        "client_address": format_address(connection.client_address),
        "client_port": connection.client_port,
        "address": format_address(connection.address) if connection.address else None,
        "port": None if connection.fwmark else connection.port,
        "fwmark": connection.fwmark or None,
        "destination_address": format_address(connection.destination_address),
        "destination_port": connection.destination_port,
        "state": connection.state,
        "expires_seconds": connection.expires_seconds,
        "template": connection.template,
        "persistence_engine": connection.persistence_engine or None,
        "persistence_data": connection.persistence_data or None,
        "origin": connection.origin or None,
    }


def connections_result(found: Connections) -> dict[str, Any]:
    """Return a listing of connections with its counts."""
    return {
        "connections": [connection_result(one) for one in found.connections],
        "truncated": found.total > len(found.connections),
        "total": found.total,
        "states": found.states,
        "destinations": [
            {
                "address": format_address(one.address),
                "port": one.port,
                "connections": sum(one.states.values()),
                "states": one.states,
            }
            for one in found.destinations
        ],
        "origins": found.origins,
    }
