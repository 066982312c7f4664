# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a run as JSON: `make demo` leaves it in build/overload.json, the pictures are drawn from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Row
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Connection, Record
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Service, steps_of

from experiment import table


def dumped(service: Service, records: Sequence[Record]) -> str:
    """Return the outcome of each step. What the steps do is in scenario.py."""
    steps = [
        {
            "step": record.step.name,
            "connections": [asdict(connection) for connection in record.connections],
            "expected": [asdict(row) for row in record.expected],
            "table": record.table.text.splitlines(),
            "shut": sorted(record.shut),
            "open_connections": record.open_connections,
            "broken": record.broken,
        }
        for record in records
    ]
    return json.dumps({"service": str(service), "scheduler": service.scheduler, "steps": steps}, indent=1) + "\n"


def loaded(text: str, service: Service) -> list[Record]:
    """Return the records of a run with this service.

    :raises ValueError: the run was with another service, or took other steps.
    """
    data: dict[str, Any] = json.loads(text)
    steps = steps_of(service)
    run = [data["service"], data["scheduler"], *(entry["step"] for entry in data["steps"])]
    now = [str(service), service.scheduler, *(step.name for step in steps)]
    if run != now:
        raise ValueError(f"recorded: {run}, but the experiment is {now}; `make demo` records it anew")
    return [
        Record(
            step,
            tuple(Connection(**values) for values in entry["connections"]),
            tuple(Row(**values) for values in entry["expected"]),
            table.parse("".join(f"{line}\n" for line in entry["table"])),
            frozenset(entry["shut"]),
            {server: tuple(numbers) for server, numbers in entry["open_connections"].items()},
            tuple(entry["broken"]),
        )
        for step, entry in zip(steps, data["steps"], strict=True)
    ]
