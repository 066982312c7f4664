# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two directors that resync, with a table of connections in memory each, and the sockets on loopback."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddService
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Agent, Report
from ansible_collections.lvs.director.plugins.module_utils._sync.group import Datagram, MulticastGroup
from ansible_collections.lvs.director.plugins.module_utils._sync.message import SyncConnection, unpack_message
from ansible_collections.lvs.director.plugins.module_utils._sync.round import Source
from ansible_collections.lvs.director.plugins.module_utils._sync.routing import Routing
from ansible_collections.lvs.director.plugins.module_utils._sync.table import Fingerprints, fingerprints

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
        self.reports: list[Report] = []
        self.lose = 0  # so many datagrams with connections, on their way out
        self._end = end
        kernel = MemoryKernel()
        kernel.apply([AddService(Service(ServiceKey("ipv4", "tcp", VIP, 21), "rr"))])
        self.agent = Agent(kernel, DAEMON, DAEMON, self, lambda _address: serves, self.listing, self.reports.append)

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

    def tell(self, data: bytes) -> None:
        message = unpack_message(data)
        if message and message.connections and self.lose:
            self.lose -= 1
            return
        self._end.send(data)

    def tell_here(self, data: bytes) -> None:
        self.backup_daemon(data)

    def receive(self, patience: float) -> Datagram | None:
        if not select.select([self._end], [], [], max(0, patience))[0]:
            return None
        data = self._end.recv(65535)
        self.backup_daemon(data)
        return Datagram(Source("the other one", 1), data)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        yield one, other


def serve(director: Director) -> None:
    def work() -> None:
        # Until the test closes its end of the network.
        with contextlib.suppress(OSError, ValueError):
            director.agent.run(3600, lambda: True)

    threading.Thread(target=work, daemon=True).start()


def test_a_director_that_returns_gets_what_it_lacks_and_loses_what_has_ended(ends: tuple[socket.socket, socket.socket]) -> None:
    active = Director("active", serves=True, numbers=range(500), end=ends[0])
    returned = Director("returned", serves=False, numbers=range(495, 505), end=ends[1])
    serve(active)
    report = returned.agent.resync(30)
    assert report is not None
    assert (report.told, report.missing) == (500, 0)
    assert set(returned.table) == set(active.table)
    assert returned.reports[-1] == ("the other one", 500, 0, 5, 5, False, ())


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
    assert report.shared == ("10.211.55.3",)
    assert len(other.table) == 20


def test_whoever_asks_often_gets_no_more_rounds(ends: tuple[socket.socket, socket.socket]) -> None:
    active = Director("active", serves=True, numbers=range(50), end=ends[0])
    asking = Director("asking", serves=False, numbers=range(0), end=ends[1])
    serve(active)
    started, rounds = time.monotonic(), 0
    while time.monotonic() < started + 2:
        asking.agent.ask()
        datagram = asking.receive(0.02)
        message = unpack_message(datagram.data) if datagram else None
        rounds += bool(message and b'"end"' in message.payload)
    assert 1 <= rounds <= 5


def test_the_agent_returns_when_the_daemons_are_others(ends: tuple[socket.socket, socket.socket]) -> None:
    alone = Director("alone", serves=False, numbers=range(0), end=ends[0])
    answers = iter([True, True, False])
    alone.agent.run(0.05, lambda: next(answers))
    assert next(answers, None) is None


def test_a_director_whose_link_comes_back_asks(ends: tuple[socket.socket, socket.socket]) -> None:
    links = iter([True, False, False, True])
    cut = Director("cut", serves=False, numbers=range(0), end=ends[1])
    cut.agent._has_link = lambda: next(links, True)
    serve(cut)
    asked = []
    began = time.monotonic()
    while time.monotonic() < began + 4.5:
        if select.select([ends[0]], [], [], 0.1)[0]:
            message = unpack_message(ends[0].recv(65535))
            assert message is not None
            asked += [round(time.monotonic() - began)] if b'"ask"' in message.payload else []
    # At its start, and when the link is there again.
    assert asked[0] == 0
    assert len(asked) >= 2
    assert 2 <= asked[1] <= 4


def test_a_kernel_that_takes_its_time_lacks_nothing(ends: tuple[socket.socket, socket.socket]) -> None:
    active = Director("active", serves=True, numbers=range(50), end=ends[0])
    slow = Director("slow", serves=False, numbers=range(0), end=ends[1])
    take, waiting = slow.backup_daemon, []
    vars(slow)["backup_daemon"] = waiting.append

    def listing() -> Iterator[bytes]:
        lines = list(Director.listing(slow))
        while waiting:
            take(waiting.pop(0))
        return iter(lines)

    slow.agent._listing = listing
    serve(active)
    report = slow.agent.resync(20, rounds=1)
    assert report is not None
    assert [each.missing for each in slow.reports] == [0]


def test_a_receipt_says_what_the_other_director_lacks(ends: tuple[socket.socket, socket.socket]) -> None:
    active = Director("active", serves=True, numbers=range(50), end=ends[0])
    standby = Director("standby", serves=False, numbers=range(0), end=ends[1])
    serve(standby)
    receipts = active.agent.confirm(10, 0)
    assert list(receipts) == ["the other one"]
    mark = receipts["the other one"]
    assert (mark.connections, mark.missing) == (50, 0)
    assert mark.table == fingerprints(active.agent.table()).table
    pause = active.agent._pause
    # A kernel that takes nothing: the backup daemon has another sync ID, for one.
    vars(standby)["backup_daemon"] = lambda data: None
    standby.table.clear()
    assert active.agent.confirm(8, 0)["the other one"].missing == 50
    assert active.agent._pause > pause, "it may not keep up"
    assert active.agent.confirm(8, 50)["the other one"].missing == 50


def test_fingerprints_know_the_order_and_tell_weights_apart() -> None:
    def table(*destinations: tuple[str, int]) -> Fingerprints:
        key = ServiceKey("ipv4", "tcp", VIP, 21)
        found = tuple(Destination(DestinationKey(parse_address(address), 21), weight=weight) for address, weight in destinations)
        return fingerprints([Entry(Service(key, "rr"), found)])

    one = table(("10.0.0.1", 1), ("10.0.0.2", 1))
    assert table(("10.0.0.1", 1), ("10.0.0.2", 1)) == one
    assert table(("10.0.0.1", 0), ("10.0.0.2", 1)).table == one.table
    assert table(("10.0.0.1", 0), ("10.0.0.2", 1)).weights != one.weights
    assert table(("10.0.0.2", 1), ("10.0.0.1", 1)).table != one.table


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


def group_of(daemon: SyncDaemon, ports: int = 1) -> MulticastGroup:
    return MulticastGroup(daemon, daemon, ports)


def test_a_group_s_datagrams_arrive(loopback: SyncDaemon) -> None:
    one, other = group_of(loopback), group_of(loopback)
    try:
        one.tell(b"to all")
        found = other.receive(10)
        assert found is not None
        assert found.data == b"to all"
        one.receive(10)
        one.tell_here(b"to this machine's kernel")
        found = other.receive(10)
        assert found is not None
        assert found.data == b"to this machine's kernel"
        assert one.receive(10) is None
    finally:
        one.close()
        other.close()


def test_a_group_whose_sockets_are_gone_is_named(loopback: SyncDaemon) -> None:
    group = group_of(loopback)
    for each in group._open:
        os.close(each.detach())
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    group._receivers = [receiver]
    os.close(receiver.fileno())
    for use in (lambda: group.tell(b""), lambda: group.tell_here(b""), lambda: group.receive(0)):
        with pytest.raises(IpvsUnavailableError, match=r"Cannot use the sync daemon's group 224\.0\.0\.81 on lo: Bad file descriptor"):
            use()
    receiver.detach()


def test_all_ports_of_the_kernel_s_daemons_are_heard(loopback: SyncDaemon) -> None:
    one, other = group_of(loopback, ports=2), group_of(loopback._replace(port=loopback.port + 1))
    try:
        other.tell(b"from the second thread")
        found = one.receive(10)
        assert found is not None
        assert found.data == b"from the second thread"
    finally:
        one.close()
        other.close()


def test_a_group_on_an_interface_that_is_gone_is_refused() -> None:
    with pytest.raises(
        IpvsUnavailableError, match=r"Cannot use the sync daemon's group 224\.0\.0\.81 on gone0: no interface with this name"
    ):
        group_of(DAEMON._replace(interface="gone0"))


@pytest.mark.parametrize(("address", "local"), [("127.0.0.1", True), ("127.1.2.3", True), ("192.0.2.77", False)])
def test_routing_tells_which_addresses_are_this_machine_s(address: str, local: bool) -> None:
    routing = Routing()
    try:
        assert routing.is_local(parse_address(address)) is local
    finally:
        routing.close()
