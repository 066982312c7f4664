# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the hysteresis of a real server: fill it one connection at a time, then empty it.

At each count, one more connection is opened, and the greeting shows whether the server accepts it. Runs on a director as root,
with the collection in its path, in a network namespace of its own: python3 hysteresis.py. Prints what came of it as JSON; the scenario
``selftest`` compares that with docs/hysteresis.json, from which tools.hysteresis_picture draws the picture of the guide.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_timeouts
from ansible_collections.lvs.director.plugins.module_utils._options.settings import desired_from_timeouts_module
from ansible_collections.lvs.director.plugins.module_utils._selftest.client import Client
from ansible_collections.lvs.director.plugins.module_utils._selftest.director import PrivateDirector, PrivateKernel
from ansible_collections.lvs.director.plugins.module_utils._selftest.namespace import run_in_namespace
from ansible_collections.lvs.director.plugins.module_utils._selftest.report import step_result
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Compared, Run
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import (
    PORT,
    Close,
    Forget,
    Open,
    Service,
    Step,
    loopback_service,
)
from ansible_collections.lvs.director.plugins.module_utils._selftest.server import start

# The kernel's default for closed connections is two minutes.
TCP_FIN = 3
PATIENCE = 600


def steps(service: Service) -> list[Step]:
    """Return the steps: up until another server is chosen, then down until this one is chosen again."""
    first = service.destinations[0]
    up = [Step("up", "One more is asked for.", (Open(1),)) for _number in range(first.upper_threshold + 1)]
    emptied = (Close(first.address), Forget((first.address,)), Open(1))
    down = [Step("down", "One is closed and forgotten, and one more asked for.", emptied) for _number in range(first.upper_threshold)]
    return [*up, *down]


def measure() -> dict[str, Any]:
    """Run the steps in the network namespace of this process."""
    service = loopback_service("test", PORT)
    kernel = PrivateKernel()
    director, client = PrivateDirector(kernel), Client()
    start([service.port])
    director.add(service)
    converge_timeouts(kernel, desired_from_timeouts_module({"tcp": None, "tcp_fin": TCP_FIN, "udp": None}), check_mode=False)
    with Run(service, director, client) as run:
        records = [run.step(step) for step in steps(service)]
    director.remove(service)
    kernel.close()
    results = [step_result(number, Compared(record, None, record.broken), "") for number, record in enumerate(records, 1)]
    return {
        "kernel": os.uname().release,
        "scheduler": service.scheduler,
        "steps": [
            {
                "direction": step["name"],
                "chosen": [made["observed"] for made in step["connections"]],
                "servers": step["observed"],
                "broken": step["broken"],
            }
            for step in results
        ],
    }


if __name__ == "__main__":
    print(json.dumps(run_in_namespace(measure, PATIENCE), indent=1))
