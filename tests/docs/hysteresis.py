# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hysteresis of a real server, measured: its connections are added one by one, then taken away one by one.

At each number of connections one more is asked for, and who greets it shows whether the server takes any. Runs on a director as root,
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
from ansible_collections.lvs.director.plugins.module_utils._selftest.namespace import run_apart
from ansible_collections.lvs.director.plugins.module_utils._selftest.pair import Taken
from ansible_collections.lvs.director.plugins.module_utils._selftest.results import step_result
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Walk
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Close, Forget, Open, Step
from ansible_collections.lvs.director.plugins.module_utils._selftest.server import start
from ansible_collections.lvs.director.plugins.module_utils._selftest.service import Service
from ansible_collections.lvs.director.plugins.module_utils._selftest.services import PORT, service

# Two minutes are what the kernel starts with: how long it remembers a connection that was closed.
TCP_FIN = 3
PATIENCE = 600


def steps(one: Service) -> list[Step]:
    """Return the steps: up until another server is chosen, then down until this one is chosen again."""
    first = one.destinations[0]
    up = [Step("up", "One more is asked for.", (Open(1),)) for _number in range(first.upper_threshold + 1)]
    emptied = (Close(first.address), Forget((first.address,)), Open(1))
    down = [Step("down", "One is closed and forgotten, and one more asked for.", emptied) for _number in range(first.upper_threshold)]
    return [*up, *down]


def walk() -> dict[str, Any]:
    """Take the steps in the network namespace of this process."""
    one = service("test", PORT)
    kernel = PrivateKernel()
    director, client = PrivateDirector(kernel), Client()
    start([one.port])
    director.add(one)
    converge_timeouts(kernel, desired_from_timeouts_module({"tcp": None, "tcp_fin": TCP_FIN, "udp": None}), check_mode=False)
    with Walk(one, director, client) as walked:
        records = [walked.take(step) for step in steps(one)]
    director.remove(one)
    kernel.close()
    results = [step_result(number, Taken(record, None, record.broken), "") for number, record in enumerate(records, 1)]
    return {
        "kernel": os.uname().release,
        "scheduler": one.scheduler,
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
    print(json.dumps(run_apart(walk, PATIENCE), indent=1))
