# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two directors that resync, with a table of connections in memory each, and the sockets on loopback."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddService
from ansible_collections.lvs.director.plugins.module_utils._model.table import Service, ServiceKey, parse_address
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Agent
from ansible_collections.lvs.director.plugins.module_utils._sync.group import Datagram, MulticastGroup
from ansible_collections.lvs.director.plugins.module_utils._sync.message import SyncConnection, unpack_message
from ansible_collections.lvs.director.plugins.module_utils._sync.routing import Routing

from contract.memory import MemoryKernel

VIP = parse_address("10.211.55.3")
DAEMON = SyncDaemon("backup", "eth1", 7, 1472, bytes([224, 0, 0, 81]), 8848, 1)
STATES = {1: b"ESTABLISHED", 6: b"CLOSE"}


def connection(number: int) -> SyncConnection:
    return SyncConnection(6, bytes([10, 10, 0, 100]), 40000 + number, VIP, 21, bytes([10, 211, 55, 253]), 21, 1, timeout=900)


class Director:
    """A director: its table of connections, which its kernel's backup daemon changes, and its end of the network."""

    def __init__(self, name: str, *, serves: bool, numbers: range, end: socket.socket) -> None:
        self.name = name
        self.table = {connection(number).key: connection(number) for number in numbers}
        self.lines: list[str] = []
        self.lose = 0  # so many datagrams with connections, on their way out
        self._end = end
        kernel = MemoryKernel()
        kernel.apply([AddService(Service(ServiceKey("ipv4", "tcp", VIP, 21), "rr"))])
        self.agent = Agent(kernel, DAEMON, self, lambda _address: serves, self.listing, self.lines.append)

    def listing(self) -> Iterator[bytes]:
        yield b"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
        for each in list(self.table.values()):
            addresses = tuple(address.hex().upper().encode() for address in (each.client_address, each.address, each.destination_address))
            fields = (addresses[0], each.client_port, addresses[1], each.port, addresses[2], each.destination_port, STATES[each.state])
            yield b"TCP %b %04X %b %04X %b %04X %-11b %7d\n" % (*fields, each.timeout)

    def backup_daemon(self, data: bytes) -> None:
        message = unpack_message(data)
        assert message is not None
        assert message.sync_id == DAEMON.sync_id
        for each in message.connections:
            self.table[each.key] = each
            if each.timeout == 1:
                del self.table[each.key]

    def fileno(self) -> int:
        return self._end.fileno()

    def tell(self, data: bytes) -> None:
        message = unpack_message(data)
        if message and message.connections and self.lose:
            self.lose -= 1
            return
        self._end.send(data)

    def tell_here(self, data: bytes) -> None:
        self.backup_daemon(data)

    def receive(self) -> Datagram:
        data = self._end.recv(65535)
        self.backup_daemon(data)
        return Datagram("the other one", data)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        yield one, other


def serve(director: Director) -> None:
    def work() -> None:
        # Until the test closes its end of the network.
        with contextlib.suppress(OSError, ValueError):
            director.agent.run(3600)

    threading.Thread(target=work, daemon=True).start()


def test_a_director_that_returns_gets_what_it_lacks_and_loses_what_has_ended(ends: tuple[socket.socket, socket.socket]) -> None:
    active = Director("active", serves=True, numbers=range(500), end=ends[0])
    returned = Director("returned", serves=False, numbers=range(495, 505), end=ends[1])
    serve(active)
    report = returned.agent.resync(30)
    assert report is not None
    assert (report.told, report.missing) == (500, 0)
    assert set(returned.table) == set(active.table)
    assert returned.lines[-1] == "the other one told of 500 connections: 0 missing here, 5 ended as stale"


def test_what_is_lost_on_the_way_is_told_again(ends: tuple[socket.socket, socket.socket]) -> None:
    active = Director("active", serves=True, numbers=range(500), end=ends[0])
    returned = Director("returned", serves=False, numbers=range(0), end=ends[1])
    active.lose = 3
    serve(active)
    report = returned.agent.resync(60)
    assert report is not None
    assert report.missing == 0
    assert set(returned.table) == set(active.table)


def test_a_director_that_serves_the_address_keeps_its_own(ends: tuple[socket.socket, socket.socket]) -> None:
    """As in a split brain, where both have it: neither ends what the other does not know."""
    one = Director("one", serves=True, numbers=range(10), end=ends[0])
    other = Director("other", serves=True, numbers=range(10, 20), end=ends[1])
    serve(one)
    report = other.agent.resync(30)
    assert report is not None
    assert report.ended == 0
    assert len(other.table) == 20


def test_nobody_tells(ends: tuple[socket.socket, socket.socket]) -> None:
    alone = Director("alone", serves=False, numbers=range(3), end=ends[1])
    assert alone.agent.resync(0.5) is None
    assert len(alone.table) == 3


def test_a_director_that_serves_nothing_tells_nothing(ends: tuple[socket.socket, socket.socket]) -> None:
    assert Director("standby", serves=False, numbers=range(3), end=ends[0]).agent.tell() == 0


def test_messages_of_another_sync_id_are_passed_over(ends: tuple[socket.socket, socket.socket]) -> None:
    director = Director("director", serves=False, numbers=range(3), end=ends[1])
    vars(director)["backup_daemon"] = lambda data: None
    ends[0].send(bytes((0, 8, 0, 8, 0, 1, 0, 0)))
    ends[0].send(b"rubbish")
    assert director.agent.resync(0.5) is None


@pytest.fixture
def loopback() -> SyncDaemon:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return DAEMON._replace(interface="lo", port=port)


def received(group: MulticastGroup) -> Datagram | None:
    assert select.select([group], [], [], 10)[0]
    return group.receive()


def test_a_group_s_datagrams_arrive(loopback: SyncDaemon) -> None:
    one, other = MulticastGroup(loopback), MulticastGroup(loopback)
    try:
        one.tell(b"to all")
        found = received(other)
        assert found is not None
        assert found.data == b"to all"
        received(one)
        one.tell_here(b"to this machine's kernel")
        found = received(other)
        assert found is not None
        assert found.data == b"to this machine's kernel"
        assert received(one) is None
    finally:
        one.close()
        other.close()


def test_a_group_whose_sockets_are_gone_is_named(loopback: SyncDaemon) -> None:
    group = MulticastGroup(loopback)
    group.close()
    for use in (lambda: group.tell(b""), lambda: group.tell_here(b""), group.receive):
        with pytest.raises(IpvsUnavailableError, match=r"Cannot use the sync daemon's group 224\.0\.0\.81 on lo: Bad file descriptor"):
            use()


def test_a_group_on_an_interface_that_is_gone_is_refused() -> None:
    with pytest.raises(
        IpvsUnavailableError, match=r"Cannot use the sync daemon's group 224\.0\.0\.81 on gone0: no interface with this name"
    ):
        MulticastGroup(DAEMON._replace(interface="gone0"))


@pytest.mark.parametrize(("address", "local"), [("127.0.0.1", True), ("127.1.2.3", True), ("192.0.2.77", False)])
def test_routing_tells_which_addresses_are_this_machine_s(address: str, local: bool) -> None:
    routing = Routing()
    try:
        assert routing.is_local(parse_address(address)) is local
    finally:
        routing.close()
