# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The director's table as ipvsadm prints it.

The modules never run ipvsadm. The experiment does, as an independent check.
"""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Row
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Table
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Service


def command(service: Service) -> str:
    # --nosort: else ipvsadm hides the order in which the scheduler tries the servers.
    return f"ipvsadm -L -n --thresholds --nosort -t {service}"


def parse(text: str) -> Table:
    rows = []
    for line in text.splitlines():
        match line.split():
            case ["->", endpoint, *numbers] if endpoint != "RemoteAddress:Port":
                rows.append(Row(endpoint.rpartition(":")[0], *map(int, numbers)))
    return Table(text, tuple(rows))
