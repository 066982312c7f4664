# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a VM: a resync of all that a sync message can say, between two directors that are network namespaces.

The active one gets its connections by messages too; what its kernel then lists is what the other one has to list. Run as a
program, this is the active one.
"""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddDestination, AddService
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._program.resync import agent, read_daemons
from ansible_collections.lvs.director.plugins.module_utils._sync.group import MulticastGroup
from ansible_collections.lvs.director.plugins.module_utils._sync.message import F_INACTIVE, F_TEMPLATE, SyncConnection, pack_messages

from contract import directors
from contract.test_contract import new_kernel

VIP4, VIP6 = "10.99.1.1", "2001:db8:99::1"
MARKED = "10.99.1.2"
CLIENT4, CLIENT6 = parse_address("192.0.2.7"), parse_address("2001:db8:7::7")
REAL4, REAL6 = parse_address("10.99.2.1"), parse_address("2001:db8:2::1")
TCP, UDP, SCTP, IP = 6, 17, 132, 0
MARK = 7


def service(address: str, protocol: str, port: int, real: bytes, *, persistence: int = 0) -> list:
    key = ServiceKey("ipv4" if len(real) == 4 else "ipv6", protocol, parse_address(address), port)
    netmask = ("255.255.255.255" if len(real) == 4 else "128") if persistence else ""
    made = Service(key, "rr", persistence_timeout=persistence, persistence_netmask=netmask)
    return [AddService(made), AddDestination(key, Destination(DestinationKey(real, port), "masquerade"))]


MARK_KEY = ServiceKey("ipv4", fwmark=MARK)
TABLE = [
    *service(VIP4, "tcp", 80, REAL4),
    *service(VIP4, "udp", 53, REAL4),
    *service(VIP4, "sctp", 3000, REAL4),
    *service(VIP6, "tcp", 80, REAL6),
    *service(VIP6, "udp", 53, REAL6),
    *service(VIP4, "tcp", 443, REAL4, persistence=300),
    *service(VIP6, "tcp", 443, REAL6, persistence=300),
    AddService(Service(MARK_KEY, "rr", persistence_timeout=300, persistence_netmask="255.255.255.255")),
    AddDestination(MARK_KEY, Destination(DestinationKey(REAL4, 0), "direct")),
]


def connection(protocol: int, vip: str, port: int, state: int, client_port: int = 40000, **options) -> SyncConnection:
    address = parse_address(vip)
    client, real = (CLIENT4, REAL4) if len(address) == 4 else (CLIENT6, REAL6)
    return SyncConnection(protocol, client, client_port, address, port, real, port, state, timeout=600, **options)


CONNECTIONS = [
    connection(TCP, VIP4, 80, 1),
    connection(TCP, VIP4, 80, 4, 40001, flags=F_INACTIVE),
    connection(UDP, VIP4, 53, 0, flags=F_INACTIVE),
    connection(SCTP, VIP4, 3000, 8),
    connection(TCP, VIP6, 80, 1),
    connection(UDP, VIP6, 53, 0, flags=F_INACTIVE),
    connection(TCP, VIP4, 443, 1, 0, flags=F_TEMPLATE),
    connection(TCP, VIP4, 443, 1),
    connection(TCP, VIP6, 443, 1, 0, flags=F_TEMPLATE),
    connection(TCP, MARKED, 8080, 1, fwmark=MARK, flags=3),
    SyncConnection(IP, CLIENT4, 0, MARK.to_bytes(4, "big"), 0, REAL4, 0, 0, flags=F_TEMPLATE | 3, fwmark=MARK, timeout=600),
]


@pytest.fixture
def kernel():
    with closing(new_kernel()) as made:
        yield made


def destinations(kernel: IpvsKernel) -> dict[str, tuple[int, int, int]]:
    """Return the connections that the kernel counts for each service."""
    return {str(observed.entry.service.key): tuple(next(iter(observed.counters.values())))[:3] for observed in kernel.read_table()}


def resync(kernel: IpvsKernel, rounds: int):
    with agent(kernel, read_daemons(kernel), lambda report: None) as one:
        report = one.resync(60, rounds=rounds)
    assert report is not None
    return report


def listing_of(active: subprocess.Popen[str]) -> list[str]:
    """Return the connections of the active director."""
    show = "from contract.directors import listing; print(*listing(), sep='\\n')"
    command = ["nsenter", f"--net=/proc/{active.pid}/ns/net", sys.executable, "-c", show]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()


def test_all_kinds_of_connections_are_told_and_all_that_is_stale_is_ended(kernel):
    with directors.met(kernel, [sys.executable, __file__], TABLE) as active:
        wanted = listing_of(active)
        assert len(wanted) == len(CONNECTIONS)
        assert directors.listing() == []

        report = resync(kernel, 1)
        assert (report.told, report.missing) == (len(CONNECTIONS), 0)
        assert directors.listing() == wanted

        # What ended on the active one while this one was away: only this kernel gets it.
        daemons = read_daemons(kernel)
        stale = [each._replace(client_address=each.client_address[:-1] + b"\x63") for each in CONNECTIONS]
        with closing(MulticastGroup(daemons.backup, daemons.master, daemons.ports)) as group:
            for datagram, _number in pack_messages(stale, directors.SYNC_ID, 1472):
                group.tell_here(datagram)
        time.sleep(1)
        assert len(directors.listing()) == 2 * len(wanted)
        counted = destinations(kernel)

        report = resync(kernel, 2)
        assert report.ended == len(stale)
        deadline = time.monotonic() + 20
        while directors.listing() != wanted and time.monotonic() < deadline:
            time.sleep(0.5)
        assert directors.listing() == wanted
        # Its real servers have the load again that the active director counts for them.
        assert sum(sum(each) for each in destinations(kernel).values()) < sum(sum(each) for each in counted.values())


FULL = ServiceKey("ipv4", "tcp", parse_address(VIP4), 8080)
REAL_NEXT = parse_address("10.99.2.2")
UPPER = 6


def test_a_server_that_synced_connections_have_filled_gets_no_new_one(kernel):
    """So the first takeover does not overload the servers: what the other director has counted counts here."""
    first, second = (DestinationKey(address, 8080) for address in (REAL4, REAL_NEXT))
    table = [
        AddService(Service(FULL, "fo")),
        AddDestination(FULL, Destination(second, "masquerade", weight=1)),
        AddDestination(FULL, Destination(first, "masquerade", weight=2, upper_threshold=UPPER)),
    ]
    for line in (f"link add {directors.INTERFACE} type dummy", f"address add {VIP4}/32 dev lo"):
        subprocess.run(["ip", *line.split()], check=True, timeout=60)
    directors.become_director(kernel, directors.OTHER, table)
    subprocess.run(["ip", "route", "add", "10.99.2.0/24", "dev", directors.INTERFACE], check=True, timeout=60)
    assert new_connection_goes_to() == f"{REAL4.hex().upper()}"
    daemons = read_daemons(kernel)
    synced = [connection(TCP, VIP4, 8080, 1, 41000 + number) for number in range(UPPER)]
    with closing(MulticastGroup(daemons.backup, daemons.master, daemons.ports)) as group:
        for datagram, _number in pack_messages(synced, directors.SYNC_ID, 1472):
            group.tell_here(datagram)
    deadline = time.monotonic() + 20
    while directors.count() < UPPER + 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert new_connection_goes_to() == f"{REAL_NEXT.hex().upper()}"


def new_connection_goes_to() -> str:
    """Open a connection and return the real server to which it goes, as the listing has it."""
    with socket.socket() as client:
        client.setblocking(False)
        assert client.connect_ex((VIP4, 8080)) == errno.EINPROGRESS
        port = f"{client.getsockname()[1]:04X}"
        (destination,) = [line.split()[5] for line in directors.listing() if line.split()[2] == port]
        return destination


if __name__ == "__main__":
    directors.serve(TABLE, [f"{VIP4}/32", f"{MARKED}/32", f"{VIP6}/128"], lambda: CONNECTIONS, len(CONNECTIONS))
