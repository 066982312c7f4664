# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A resync between two directors, network namespaces of one machine with a table of connections each.

The active one is a process of its own: `python3 -m bench.resync CONNECTIONS`. The returned one is where resynced() runs.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddDestination, AddService, StartSyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._program.resync import agent, read_daemons
from ansible_collections.lvs.director.plugins.module_utils._sync.group import MulticastGroup
from ansible_collections.lvs.director.plugins.module_utils._sync.message import SyncConnection, pack_messages

INTERFACE = "sync0"
ACTIVE, RETURNED = "10.99.0.1/24", "10.99.0.2/24"
KEY = ServiceKey("ipv4", "tcp", parse_address("10.99.1.1"), 80)
DESTINATION = DestinationKey(parse_address("10.99.2.1"), 80)
# The kernel's backup daemon has a receive buffer of some hundred datagrams.
BURST, PAUSE = 16, 0.02
PATIENCE = 1200.0


class Resync(NamedTuple):
    """What a resync took: seconds, of the processor too, and MiB, of either process."""

    seconds: float
    processor: float
    memory: float
    active_processor: float
    active_memory: float


def director(kernel: NetlinkKernel, address: str) -> None:
    """Make this namespace a director: an address, a service, and both daemons."""
    for line in ("link set lo up", f"address add {address} dev {INTERFACE}", f"link set {INTERFACE} up"):
        subprocess.run(["ip", *line.split()], check=True, timeout=60)
    kernel.apply([AddService(Service(KEY, "rr")), AddDestination(KEY, Destination(DESTINATION, "masquerade"))])
    for state in ("master", "backup"):
        kernel.apply([StartSyncDaemon(SyncDaemon(state, INTERFACE, 7, 1472, bytes([224, 0, 0, 81]), 8848, 1))])


def connections(number: int) -> Iterator[SyncConnection]:
    """Yield established connections, each of another client."""
    ends = KEY.address, KEY.port, DESTINATION.address, DESTINATION.port
    for index in range(number):
        client = (0x0A000000 + (index >> 14)).to_bytes(4, "big")
        yield SyncConnection(6, client, 1024 + (index & 0x3FFF), *ends, state=1, timeout=3600)


def active(number: int) -> None:
    """Serve the address with so many connections, until this process is ended."""
    while not os.path.exists(f"/sys/class/net/{INTERFACE}"):
        time.sleep(0.05)
    subprocess.run(["ip", "address", "add", "10.99.1.1/32", "dev", "lo"], check=True, timeout=60)
    kernel = NetlinkKernel()
    director(kernel, ACTIVE)
    daemons = read_daemons(kernel)
    group = MulticastGroup(daemons.backup, daemons.master, daemons.ports)
    missing = number
    while missing:
        for index, (datagram, _connections) in enumerate(pack_messages(connections(number), 7, 1472), 1):
            group.tell_here(datagram)
            if index % BURST == 0:
                time.sleep(PAUSE)
        time.sleep(1)
        # Some may not have fitted into the daemon's buffer.
        before, missing = missing, number - count()
        if missing == before:
            raise SystemExit(f"bench: the kernel takes no connections: {missing} are missing")
    print("ready", flush=True)
    with agent(kernel, daemons, lambda report: None) as one:
        one.run(3600, lambda: True)


def resynced(number: int) -> Resync:
    """Make this namespace a director that returns, resync it with another one that has so many connections, and return what that took."""
    command = ["unshare", "--net", sys.executable, "-m", "bench.resync", str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            veth = ["ip", "link", "add", INTERFACE, "type", "veth", "peer", "name", INTERFACE, "netns", str(other.pid)]
            # Until it has its own namespace, this one has both names.
            deadline = time.monotonic() + 30
            while subprocess.run(veth, check=False, stderr=subprocess.DEVNULL, timeout=60).returncode:
                if time.monotonic() > deadline or other.poll() is not None:
                    raise SystemExit("bench: the other director did not start")
                time.sleep(0.05)
            with contextlib.closing(NetlinkKernel()) as kernel:
                director(kernel, RETURNED)
                assert other.stdout is not None
                if other.stdout.readline() != "ready\n":
                    raise SystemExit("bench: the other director has failed")
                if count():
                    raise SystemExit(f"bench: {count()} connections are known already")
                before = _processor(other.pid), time.process_time()
                begun = time.perf_counter()
                with agent(kernel, read_daemons(kernel), lambda report: None) as one:
                    report = one.resync(PATIENCE, rounds=1)
                passed = time.perf_counter() - begun
                found = count()
                if report is None or report.missing or found != number:
                    raise SystemExit(f"bench: {report}, and {found} of {number} connections are here")
                return Resync(
                    passed, time.process_time() - before[1], _memory("self"), _processor(other.pid) - before[0], _memory(str(other.pid))
                )
        finally:
            other.kill()


def _processor(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: str) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM:"))


def count() -> int:
    """Return how many connections this namespace has."""
    with open("/proc/net/ip_vs_conn", "rb") as lines:
        return sum(1 for _line in lines) - 1


if __name__ == "__main__":
    active(int(sys.argv[1]))
