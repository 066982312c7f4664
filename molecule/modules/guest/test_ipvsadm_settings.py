# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a VM: timeouts, sync daemons and connections, as ipvsadm sees them.

Clients, director and servers are one network namespace: IPVS also schedules packets sent by this host. A second director
is another one.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, converge_timeouts
from ansible_collections.lvs.director.plugins.module_utils._kernel.connections import (
    CONNECTIONS,
    CONNECTIONS_WITH_ORIGIN,
    Connections,
    add_origins,
    listing,
    read_connections,
)
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.connections import Connection, WantedConnections
from ansible_collections.lvs.director.plugins.module_utils._model.results import sync_daemon_result
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import StartSyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, format_address
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore
from test_ipvsadm import ipvsadm, restore

from contract.test_contract import CLONE_NEWNET, new_kernel
from contract.test_settings_contract import V6, kernel_with_interfaces

DAEMON_LINE = re.compile(
    r"(?P<state>master|backup) sync daemon \(mcast=(?P<interface>\w+), syncid=(?P<sync_id>\d+), maxlen=(?P<maximum_length>\d+), "
    r"group=(?P<group>[\w.:]+), port=(?P<port>\d+), ttl=(?P<ttl>\d+)\)"
)

RULES = """\
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 198.51.1.1:8080 -m
-A -t 192.0.2.1:81 -s rr -p 60 -M 255.255.255.0
-a -t 192.0.2.1:81 -r 198.51.1.1:8080 -m
-A -u 192.0.2.1:53 -s rr
-a -u 192.0.2.1:53 -r 198.51.1.1:5353 -m
-A -u 192.0.2.1:5060 -s rr -p 90 --pe sip -o
-a -u 192.0.2.1:5060 -r 198.51.1.1:5060 -m
-A -f 7 -s rr -p 120
-a -f 7 -r 198.51.1.1 -m
-A -f 8 -6 -s rr -p 120
-a -f 8 -6 -r [2001:db8:1::1]:0 -m
-A -u [2001:db8::1]:53 -s rr
-a -u [2001:db8::1]:53 -r [2001:db8:1::1]:5353 -m
-A -u [2001:db8::1]:54 -s rr
-a -u [2001:db8::1]:54 -r 198.51.2.7:54 -i
"""
ADDRESSES = """\
address add 192.0.2.1/32 dev lo
address add 2001:db8::1/128 dev lo nodad
address add 2001:db8:1::1/128 dev lan nodad
"""
CALL = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nCall-ID: 1-2345@192.0.2.1\r\nCSeq: 1 INVITE\r\n\r\n"


@pytest.fixture
def kernel() -> Iterator[IpvsKernel]:
    kernel = kernel_with_interfaces()
    yield kernel
    kernel.close()


def test_timeouts(kernel: IpvsKernel) -> None:
    assert ipvsadm("-L", "--timeout") == "Timeout (tcp tcpfin udp): 900 120 300\n"
    converge_timeouts(kernel, {"tcp": 2678400, "udp": 1}, check_mode=False)
    assert ipvsadm("-L", "--timeout") == "Timeout (tcp tcpfin udp): 2678400 120 1\n"
    ipvsadm("--set", "0", "30", "0")
    assert kernel.read_timeouts() == (2678400, 30, 1)


def listed_daemons() -> list[dict[str, str]]:
    return [found.groupdict() for found in DAEMON_LINE.finditer(ipvsadm("-L", "--daemon"))]


def as_text(kernel: IpvsKernel) -> list[dict[str, str]]:
    return [{name: str(value) for name, value in sync_daemon_result(one).items()} for one in kernel.read_sync_daemons()]


def test_daemons(kernel: IpvsKernel) -> None:
    # The kernel fills in the options that ipvsadm omits.
    for state, interface, options in (
        ("master", "jumbo", {}),
        ("backup", "jumbo", {}),
        ("master", "lan", {"sync_id": 7, "group": V6}),
        ("backup", "lan", {"maximum_length": 1400, "port": 9000, "ttl": 3}),
    ):
        words = [f"--mcast-interface={interface}"]
        names = {"sync_id": "syncid", "maximum_length": "sync-maxlen", "group": "mcast-group", "port": "mcast-port", "ttl": "mcast-ttl"}
        words += [f"--{names[name]}={format_address(value) if name == 'group' else value}" for name, value in options.items()]
        ipvsadm("--start-daemon", state, *words)
        theirs = listed_daemons()
        assert as_text(kernel) == theirs
        assert len(theirs) == 1
        ipvsadm("--stop-daemon", state)
        converge_sync_daemon(kernel, DesiredSyncDaemon(state, {"interface": interface, **options}), check_mode=False)
        assert listed_daemons() == theirs
        converge_sync_daemon(kernel, DesiredSyncDaemon(state, {}, present=False), check_mode=False)
        assert listed_daemons() == []


@contextlib.contextmanager
def traffic() -> Iterator[None]:
    """Connections of every kind that a listing shows."""
    with contextlib.ExitStack() as stack:

        def udp(family: int, host: str, port: int, data: bytes = b"?", mark: int = 0) -> None:
            one = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            if mark:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
            one.sendto(data, (host, port))

        server = stack.enter_context(socket.create_server(("198.51.1.1", 8080)))
        for port in (80, 80, 81):
            stack.enter_context(socket.create_connection(("192.0.2.1", port), timeout=20))
            stack.enter_context(server.accept()[0])
        with socket.create_connection(("192.0.2.1", 80), timeout=20):
            stack.enter_context(server.accept()[0])
        udp(socket.AF_INET, "192.0.2.1", 53)
        udp(socket.AF_INET, "192.0.2.1", 5060, CALL)
        udp(socket.AF_INET, "192.0.2.1", 1234, mark=7)
        udp(socket.AF_INET6, "2001:db8::1", 1234, mark=8)
        udp(socket.AF_INET6, "2001:db8::1", 53)
        udp(socket.AF_INET6, "2001:db8::1", 54)
        yield


def ours(**wanted: object) -> Connections:
    return read_connections(listing(CONNECTIONS), WantedConnections(limit=99, **wanted))  # type: ignore[arg-type]


def words_of(one: Connection) -> list[str]:
    """A connection as ipvsadm writes it, without its time."""
    virtual = one.fwmark.to_bytes(4, "big").ljust(len(one.client_address), b"\0") if one.fwmark else one.address
    words = [
        (one.protocol or "ip").upper(),
        one.state,
        str(DestinationKey(one.client_address, one.client_port)),
        str(DestinationKey(virtual, one.port)),
        str(DestinationKey(one.destination_address, one.destination_port)),
    ]
    return words + [word for word in (one.persistence_engine, one.persistence_data) if word]


def listed_connections() -> list[tuple[int, list[str]]]:
    lines = ipvsadm("-L", "-n", "-c", "--persistent-conn").splitlines()
    assert lines[1].split()[:6] == ["pro", "expire", "state", "source", "virtual", "destination"]
    found = []
    for line in lines[2:]:
        protocol, expires, *rest = line.split()
        minutes, seconds = expires.split(":")
        found.append((60 * int(minutes) + int(seconds), [protocol, *rest]))
    return found


def test_connections(kernel: IpvsKernel) -> None:
    subprocess.run(["ip", "-batch", "-"], input=ADDRESSES, text=True, check=True)
    restore(*RULES.splitlines())
    with traffic():
        time.sleep(0.2)
        found = ours()
        theirs = listed_connections()
        assert sorted(map(words_of, found.connections)) == sorted(words for _seconds, words in theirs)
        seconds = {tuple(words): expires for expires, words in theirs}
        for one in found.connections:
            assert abs(seconds[tuple(words_of(one))] - one.expires_seconds) <= 2
        # All that was meant to be there is there.
        assert found.states == {"ASSURED": 1, "CLOSE_WAIT": 1, "ESTABLISHED": 3, "NONE": 3, "UDP": 5}
        templates = ours(template=True).connections
        assert sorted((one.protocol or "", one.fwmark, one.persistence_engine) for one in templates) == [
            ("", 7, ""),
            ("", 8, ""),
            ("tcp", 0, ""),
            ("udp", 0, "sip"),
        ]
        assert [one.persistence_data for one in templates if one.persistence_data] == ["1-2345@192.0.2.1"]
        assert [format_address(one.client_address) for one in templates if one.protocol == "tcp"] == ["192.0.2.0"]
        told = add_origins(listing(CONNECTIONS_WITH_ORIGIN), WantedConnections(), found)
        assert told.origins == {"local": found.total}
        assert {one.origin for one in told.connections} == {"local"}


def test_a_backup_receives_its_masters_connections() -> None:
    """Two directors on a separate network; the first one's connections are synced to the second."""
    first = new_kernel()
    with open("/proc/self/ns/net", "rb") as home, subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stays:
        second = new_kernel()
        wire = f"link add name wire type veth peer name wire netns {stays.pid}\nlink set wire up\n"
        subprocess.run(["ip", "-batch", "-"], input=wire, text=True, check=True)
        with open("/proc/self/ns/net", "rb") as other:
            enter(home.fileno())
            addresses = "link set wire up\naddress add 198.51.1.1/24 dev wire\naddress add 192.0.2.1/32 dev lo\n"
            subprocess.run(["ip", "-batch", "-"], input=addresses, text=True, check=True)
            restore(*RULES.splitlines()[4:6])
            converge_sync_daemon(first, DesiredSyncDaemon("master", {"interface": "wire", "sync_id": 7}), check_mode=False)
            converge_sync_daemon(second, DesiredSyncDaemon("backup", {"interface": "wire", "sync_id": 7}), check_mode=False)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                # A connection is synced from its third packet on.
                for _packet in range(9):
                    client.sendto(b"?", ("192.0.2.1", 53))
                sent = ours()
                assert sent.total == 1
                enter(other.fileno())
                until = time.monotonic() + 20
                while not (found := ours()).total and time.monotonic() < until:
                    time.sleep(0.2)
        stays.kill()
    told = add_origins(listing(CONNECTIONS_WITH_ORIGIN), WantedConnections(limit=9), found)
    assert told.origins == {"sync": 1}
    assert words_of(told.connections[0]) == words_of(sent.connections[0])
    assert told.connections[0].origin == "sync"
    first.close()
    second.close()


def enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@pytest.mark.parametrize("state", ["master", "backup"])
def test_a_daemon_whose_interface_was_made_anew_starts_again(kernel: IpvsKernel, state: str) -> None:
    """The kernel goes on listing it, but it neither sends nor receives (13.27)."""
    wanted, store = DesiredSyncDaemon(state, {"interface": "lan", "sync_id": 7}), MachineStore()
    assert converge_sync_daemon(kernel, wanted, check_mode=False, store=store).plan.changed
    assert not converge_sync_daemon(kernel, wanted, check_mode=False, store=store).plan.changed
    anew = "link delete lan\nlink add lan type dummy\nlink set lan up\naddress add 198.51.1.1/24 dev lan\n"
    subprocess.run(["ip", "-batch", "-"], input=anew, text=True, check=True, timeout=60)
    assert [daemon.state for daemon in kernel.read_sync_daemons()] == [state]
    assert not has_joined()
    assert converge_sync_daemon(kernel, wanted, check_mode=True, store=store).plan.changed
    assert converge_sync_daemon(kernel, wanted, check_mode=False, store=store).plan.changed
    assert has_joined() is (state == "backup")
    assert not converge_sync_daemon(kernel, wanted, check_mode=False, store=store).plan.changed


def has_joined() -> bool:
    with open("/proc/net/igmp", encoding="ascii") as groups:
        return "510000E0" in groups.read()


@pytest.mark.parametrize("state", ["master", "backup"])
def test_the_kernel_takes_no_unicast_group(kernel: IpvsKernel, state: str) -> None:
    unicast = SyncDaemon(state, "lan", 7, 1472, bytes([198, 51, 1, 2]), 8848, 1)
    refusal = kernel.apply([StartSyncDaemon(unicast)])
    assert refusal is not None
    assert refusal.number == errno.EINVAL
    assert kernel.read_sync_daemons() == []
