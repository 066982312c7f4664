# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two directors in one machine: network namespaces with a table each, and a link between them.

The active one is a process of its own, which calls serve(). The other one is the namespace of whoever calls met().
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import StartSyncDaemon, Step
from ansible_collections.lvs.director.plugins.module_utils._program.resync import agent, read_daemons
from ansible_collections.lvs.director.plugins.module_utils._sync.group import MulticastGroup
from ansible_collections.lvs.director.plugins.module_utils._sync.message import SyncConnection, pack_messages

INTERFACE = "sync0"
ACTIVE, OTHER = "10.99.0.1/24", "10.99.0.2/24"
SYNC_ID = 7
_LENGTH = 1472
# The kernel's backup daemon has a receive buffer of some hundred datagrams.
_BURST, _PAUSE = 16, 0.02
_PATIENCE = 30.0


def become_director(kernel: IpvsKernel, address: str, table: Sequence[Step]) -> None:
    """Give this namespace an address on the link, a table, and both sync daemons."""
    for line in ("link set lo up", f"address add {address} dev {INTERFACE}", f"link set {INTERFACE} up"):
        subprocess.run(["ip", *line.split()], check=True, timeout=60)
    daemons = [SyncDaemon(state, INTERFACE, SYNC_ID, _LENGTH, bytes([224, 0, 0, 81]), 8848, 1) for state in ("master", "backup")]
    refusal = kernel.apply([*table, *map(StartSyncDaemon, daemons)])
    if refusal is not None:
        raise SystemExit(f"the kernel refuses to {refusal.step}: {os.strerror(refusal.number)}")


def serve(table: Sequence[Step], vips: Iterable[str], connections: Callable[[], Iterable[SyncConnection]], number: int) -> None:
    """Be the active director, with these virtual addresses and so many connections, until this process is ended."""
    deadline = time.monotonic() + _PATIENCE
    # Not in /sys, which shows another namespace.
    while INTERFACE not in [name for _index, name in socket.if_nameindex()]:
        if time.monotonic() > deadline:
            raise SystemExit(f"there is no interface {INTERFACE}, which the other director makes")
        time.sleep(0.05)
    for vip in vips:
        subprocess.run(["ip", "address", "add", vip, "dev", "lo"], check=True, timeout=60)
    kernel = NetlinkKernel()
    become_director(kernel, ACTIVE, table)
    daemons = read_daemons(kernel)
    with contextlib.closing(MulticastGroup(daemons.backup, daemons.master, daemons.ports)) as group:
        missing = number
        while missing:
            for index, (datagram, _connections) in enumerate(pack_messages(connections(), SYNC_ID, _LENGTH), 1):
                group.tell_here(datagram)
                if index % _BURST == 0:
                    time.sleep(_PAUSE)
            time.sleep(1)
            # Some may not have fitted into the daemon's buffer.
            before, missing = missing, number - count()
            if missing == before:
                raise SystemExit(f"the kernel takes no connections: {missing} of {number} are missing")
    print("ready", flush=True)
    with agent(kernel, daemons, lambda report: None) as one:
        one.run(3600, lambda: True)


@contextlib.contextmanager
def met(kernel: IpvsKernel, command: Sequence[str], table: Sequence[Step]) -> Iterator[subprocess.Popen[str]]:
    """Make this namespace the other director, for the block.

    :param command: what runs the active one.
    """
    with subprocess.Popen(["unshare", "--net", *command], stdout=subprocess.PIPE, text=True) as active:
        try:
            deadline = time.monotonic() + _PATIENCE
            veth = ["ip", "link", "add", INTERFACE, "type", "veth", "peer", "name", INTERFACE, "netns", str(active.pid)]
            # Until it has its own namespace, this one has both names.
            while subprocess.run(veth, check=False, stderr=subprocess.DEVNULL, timeout=60).returncode:
                if time.monotonic() > deadline or active.poll() is not None:
                    raise SystemExit("the active director did not start")
                time.sleep(0.05)
            become_director(kernel, OTHER, table)
            assert active.stdout is not None
            if active.stdout.readline() != "ready\n":
                raise SystemExit("the active director has failed")
            yield active
        finally:
            active.kill()


def listing() -> list[str]:
    """Return the connections of this namespace, without their timers."""
    with open("/proc/net/ip_vs_conn", encoding="ascii") as lines:
        return sorted(" ".join([*line.split()[:8], *line.split()[9:]]) for line in list(lines)[1:])


def count() -> int:
    """Return how many connections this namespace has."""
    with open("/proc/net/ip_vs_conn", "rb") as lines:
        return sum(1 for _line in lines) - 1
