# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the bench, in the formats of the programs that load them. The same size always gives the same table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

PER_SERVICE = 10
SCHEDULER = "rr"
PORT = 80

Service = dict[str, Any]


def _address(block: int, number: int) -> str:
    """Return the address of that number within 10.BLOCK.0.0; numbers from 65536 on are in the blocks that follow."""
    number += 1
    return f"10.{block + (number >> 16)}.{(number >> 8) & 0xFF}.{number & 0xFF}"


def services(size: int, per_service: int = PER_SERVICE) -> list[Service]:
    """Return the options of ``ipvs_table`` for that many destinations."""
    return [
        {
            "protocol": "tcp",
            "address": _address(0, number),
            "port": PORT,
            "scheduler": SCHEDULER,
            "destinations": [
                {"address": _address(100, index), "port": PORT, "forward_method": "masquerade", "weight": 1}
                for index in range(first, min(first + per_service, size))
            ],
        }
        for number, first in enumerate(range(0, size, per_service))
    ]


def ipvsadm_rules(size: int, per_service: int = PER_SERVICE) -> str:
    """Return the input for ``ipvsadm -R``: the lines that ``ipvsadm -Sn`` prints for the table."""
    return "".join(f"{line}\n" for line in _rules(services(size, per_service)))


def _rules(wanted: list[Service]) -> Iterator[str]:
    for service in wanted:
        name = f"-t {service['address']}:{service['port']}"
        yield f"-A {name} -s {service['scheduler']}"
        for one in service["destinations"]:
            yield f"-a {name} -r {one['address']}:{one['port']} -m -w {one['weight']}"


def saved(size: int) -> str:
    """Return a saved table with that many services of one destination each."""
    return json.dumps({"version": 1, "timeouts": {}, "earlier_timeouts": {}, "sync_daemons": [], "services": services(size, 1)})


def keepalived_config(size: int) -> str:
    """Return a configuration of keepalived without checks: every real server counts as alive from the start."""
    blocks = []
    for service in services(size):
        blocks.append(f"virtual_server {service['address']} {service['port']} {{")
        blocks.append(f"  protocol TCP\n  lb_algo {service['scheduler']}\n  lb_kind NAT")
        blocks += [f"  real_server {one['address']} {one['port']} {{\n    weight {one['weight']}\n  }}" for one in service["destinations"]]
        blocks.append("}")
    return "".join(f"{block}\n" for block in blocks)
