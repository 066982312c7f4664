# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The director's table after a step: what the experiment judges, and the text that a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.lvs.director.plugins.module_utils._selftest.service import Service


@dataclass(frozen=True)
class Row:
    """A real server, with its thresholds and the connections that the director counts for it."""

    address: str
    upper: int
    lower: int
    active: int
    inactive: int

    def __str__(self) -> str:
        return f"{self.address}: thresholds {self.upper}/{self.lower}, {self.active} active, {self.inactive} inactive"


@dataclass(frozen=True)
class Table:
    """The rows, in the order in which the scheduler tries them, and the text that shows them."""

    text: str
    rows: tuple[Row, ...]


def render(service: Service, rows: Iterable[Row]) -> str:
    """Return rows as ``ipvsadm -L -n --thresholds --nosort`` prints them, without its first line."""
    lines = [
        "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn",
        "  -> RemoteAddress:Port",
        f"TCP  {service} {service.scheduler}",
    ]
    ports = {destination.address: destination.port for destination in service.destinations}
    for row in rows:
        endpoint = f"{row.address}:{ports.get(row.address, service.port)}"
        lines.append(f"  -> {endpoint:<28} {row.upper:<10} {row.lower:<10} {row.active:<10} {row.inactive}")
    return "\n".join(lines)
