# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A resync between two directors of one machine. `python3 -m bench.resync CONNECTIONS` is the active one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddDestination, AddService
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._program.resync import agent, read_daemons
from ansible_collections.lvs.director.plugins.module_utils._sync.message import SyncConnection

from contract import directors

VIP = "10.99.1.1"
KEY = ServiceKey("ipv4", "tcp", parse_address(VIP), 80)
DESTINATION = DestinationKey(parse_address("10.99.2.1"), 80)
TABLE = (AddService(Service(KEY, "rr")), AddDestination(KEY, Destination(DESTINATION, "masquerade")))
PATIENCE = 1200.0


class Resync(NamedTuple):
    """What a resync took: seconds, of the processor too, and MiB, of either process."""

    seconds: float
    processor: float
    memory: float
    active_processor: float
    active_memory: float


def connections(number: int) -> Iterator[SyncConnection]:
    """Yield established connections, each of another client."""
    ends = KEY.address, KEY.port, DESTINATION.address, DESTINATION.port
    for index in range(number):
        client = (0x0A000000 + (index >> 14)).to_bytes(4, "big")
        yield SyncConnection(6, client, 1024 + (index & 0x3FFF), *ends, state=1, timeout=3600)


def resynced(number: int) -> Resync:
    """Make this namespace a director that returns, resync it with another one that has so many connections, and return what that took."""
    command = [sys.executable, "-m", "bench.resync", str(number)]
    with closing(NetlinkKernel()) as kernel, directors.met(kernel, command, TABLE) as active:
        if directors.count():
            raise SystemExit(f"bench: {directors.count()} connections are known already")
        processor, active_processor = time.process_time(), _processor(active.pid)
        begun = time.perf_counter()
        with agent(kernel, read_daemons(kernel), lambda report: None) as one:
            report = one.resync(PATIENCE, rounds=1)
        passed = time.perf_counter() - begun
        if report is None or report.missing or directors.count() != number:
            raise SystemExit(f"bench: {report}, and {directors.count()} of {number} connections are here")
        processor, active_processor = time.process_time() - processor, _processor(active.pid) - active_processor
        return Resync(passed, processor, _memory("self"), active_processor, _memory(str(active.pid)))


def _processor(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: str) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM:"))


if __name__ == "__main__":
    wanted = int(sys.argv[1])
    directors.serve(TABLE, [f"{VIP}/32"], lambda: connections(wanted), wanted)
