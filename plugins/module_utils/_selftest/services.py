# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The services of the self-test. All of their addresses are loopback's: no packet to or from them can leave a machine."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._model.table import parse_address
from ansible_collections.lvs.director.plugins.module_utils._selftest.service import Destination, Service

# The experiment's 10.211.55.3 and .250 to .253, in loopback's network.
NETWORK = "127.211.55.0/24"
ADDRESS = "127.211.55.3"
SERVERS = tuple(f"127.211.55.{last}" for last in (253, 252, 251, 250))
PORT, CONTROL_PORT = 21, 2121

UPPER_THRESHOLD, LOWER_THRESHOLD = 4, 1


def service(scheduler: str, port: int) -> Service:
    """Return the service that a scheduler is tried with.

    ``test`` looks at the order alone, so all weights are equal; others need weights that fall in that order.
    """
    weights = [1] * len(SERVERS) if scheduler == "test" else list(range(len(SERVERS), 0, -1))
    return Service(
        ADDRESS,
        port,
        scheduler,
        tuple(Destination(server, port, weight, UPPER_THRESHOLD, LOWER_THRESHOLD) for server, weight in zip(SERVERS, weights)),
    )


def options(one: Service) -> dict[str, Any]:
    """Return the options of ``ipvs_service`` that make a service."""
    return {
        "protocol": "tcp",
        "address": one.address,
        "port": one.port,
        "scheduler": one.scheduler,
        "destinations": [
            {
                "address": destination.address,
                "port": destination.port,
                "forward_method": "masquerade",
                "weight": destination.weight,
                "upper_threshold": destination.upper_threshold,
                "lower_threshold": destination.lower_threshold,
            }
            for destination in one.destinations
        ],
    }


def is_ours(address: bytes) -> bool:
    """Return whether a packed address is in the self-test's network."""
    ours = parse_address(ADDRESS)
    return len(address) == len(ours) and address[:3] == ours[:3]
