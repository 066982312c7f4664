# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a VM: real connections and counters survive changes to the table.

Clients, director and servers are one network namespace, as in test_ipvsadm_settings.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.destination import bring_back
from ansible_collections.lvs.director.plugins.module_utils._apply.drain import Drained, drain, total
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._boot.icmp import TABLE, refusals_suppressed
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import PlannedService
from ansible_collections.lvs.director.plugins.module_utils._options.destination import (
    desired_from_destination_module,
    destination_module_spec,
)
from ansible_collections.lvs.director.plugins.module_utils._options.drain import drain_from_destination_module
from ansible_collections.lvs.director.plugins.module_utils._options.entries import with_defaults
from ansible_collections.lvs.director.plugins.module_utils._options.service import desired_from_service_module, service_module_spec
from ansible_collections.lvs.director.plugins.module_utils._persist import files as _files
from ansible_collections.lvs.director.plugins.module_utils._persist.remembering import remembering
from test_ipvsadm import ipvsadm

from contract.test_settings_contract import kernel_with_interfaces

NAME = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
FIRST, SECOND, THIRD = "198.51.1.1", "198.51.1.2", "198.51.1.3"
# The kernel's counters are up to two seconds old, and older on a slow machine.
PATIENCE = 60


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IpvsKernel]:
    monkeypatch.setattr(_files, "quiescent_path", lambda: str(tmp_path / "quiescent.json"))
    monkeypatch.setattr(_files, "former_quiescent_path", lambda: str(tmp_path / "drained.json"))
    kernel = kernel_with_interfaces()
    addresses = f"address add 192.0.2.1/32 dev lo\naddress add {SECOND}/24 dev lan\naddress add {THIRD}/24 dev lan\n"
    subprocess.run(["ip", "-batch", "-"], input=addresses, text=True, check=True)
    yield kernel
    kernel.close()


def put(kernel: IpvsKernel, *addresses: str, zero_counters: bool = False) -> PlannedService:
    """Have a service with these destinations, in this order."""
    destinations = [{"address": address, "port": 8080, "forward_method": "masquerade"} for address in addresses]
    options = {**NAME, "scheduler": "wrr", "destinations": destinations, "zero_counters": zero_counters}
    params = with_defaults(service_module_spec()["argument_spec"], options)
    return converge(kernel, desired_from_service_module(params), check_mode=False).plan.services[0]


def destination_task(**options: object) -> dict[str, object]:
    return with_defaults(destination_module_spec()["argument_spec"], {**options, "service": NAME, "port": 8080})


@contextlib.contextmanager
def servers() -> Iterator[Callable[[], tuple[socket.socket, socket.socket, str]]]:
    """Yield a function that opens a connection to the service and returns the client's end, the server's end and the server."""
    with contextlib.ExitStack() as stack:
        listening = {one: stack.enter_context(socket.create_server((one, 8080))) for one in (FIRST, SECOND, THIRD)}
        for one in listening.values():
            one.settimeout(0.5)

        def connect() -> tuple[socket.socket, socket.socket, str]:
            client = stack.enter_context(socket.create_connection(("192.0.2.1", 80), timeout=20))
            while True:
                for address, server in listening.items():
                    with contextlib.suppress(TimeoutError):
                        accepted = stack.enter_context(server.accept()[0])
                        accepted.settimeout(20)
                        return client, accepted, address

        yield connect


def talk(client: socket.socket, server: socket.socket) -> None:
    """Say something through a connection, both ways."""
    client.sendall(b"ping")
    assert server.recv(4) == b"ping"
    server.sendall(b"pong")
    assert client.recv(4) == b"pong"


def test_a_drained_server_keeps_its_connections_until_they_end(kernel: IpvsKernel) -> None:
    put(kernel, FIRST, SECOND)
    with servers() as connect, ThreadPoolExecutor() as pool:
        opened = [connect() for _number in range(4)]
        assert sorted(address for _client, _server, address in opened) == [FIRST, FIRST, SECOND, SECOND]
        held = [(client, server) for client, server, address in opened if address == FIRST]

        def run(timeout: int) -> Drained:
            other = remembering(NetlinkKernel())
            params = destination_task(address=FIRST, state="drained", drain_count="active", drain_timeout=timeout)
            how = drain_from_destination_module(params)
            return total(drain(other, lambda _kernel: desired_from_destination_module(params), how, check_mode=False)[1])

        # In this thread, because a network namespace belongs to a thread; nothing ends in the meantime.
        told = run(2)
        assert (told.connections_before, told.connections, told.timed_out) == (2, 2, True)
        assert [connect()[2] for _number in range(3)] == [SECOND] * 3
        for client, server in held:
            talk(client, server)

        def hang_up() -> None:
            time.sleep(2)
            for client, server in held:
                client.close()
                server.close()

        ended = pool.submit(hang_up)
        told = run(PATIENCE)
        ended.result()
        assert (told.connections_before, told.connections, told.timed_out) == (2, 0, False)
        assert 1 < told.seconds < PATIENCE
        back = desired_from_destination_module(destination_task(address=FIRST))
        bring_back(remembering(kernel), lambda _kernel: back, check_mode=False)
        assert {connect()[2] for _number in range(4)} == {FIRST, SECOND}


def test_a_new_order_loses_no_connection(kernel: IpvsKernel) -> None:
    put(kernel, FIRST, SECOND, THIRD)
    with servers() as connect:
        opened = [connect() for _number in range(6)]
        plan = put(kernel, THIRD, SECOND, FIRST)
        # Two had to move, which is to be deleted and added again; their connections were given back to them.
        assert [str(step).split()[0] for phase in plan.phases for step in phase] == ["delete", "add"] * 2
        for client, server, _address in opened:
            talk(client, server)
        listed = re.findall(r"-> ([\d.]+):8080\s+Masq\s+1\s+(\d+)", ipvsadm("-Ln", "--nosort"))
        assert listed == [(THIRD, "2"), (SECOND, "2"), (FIRST, "2")]


def counted() -> list[list[int]]:
    """Connections and packets as ipvsadm lists them: of the service, then of its destinations."""
    lines = ipvsadm("-Ln", "--stats", "--exact").splitlines()
    return [[int(number) for number in line.split()[-5:]] for line in lines if re.search(r"\d:\d+ ", line)]


def ours(kernel: IpvsKernel) -> list[list[int]]:
    (observed,) = kernel.read_table()
    return [list(observed.stats[:5]), *(list(one.stats[:5]) for one in observed.counters.values())]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, (counted(), "is not the expected count")
        time.sleep(0.3)


def test_counters_are_set_to_zero_as_ipvsadm_does(kernel: IpvsKernel) -> None:
    put(kernel, FIRST)
    with servers() as connect:
        for zero in (lambda: put(kernel, FIRST, zero_counters=True), lambda: ipvsadm("-Z")):
            client, server, _address = connect()
            talk(client, server)
            until(lambda: [line[0] for line in counted()] == [1, 1])
            until(lambda: ours(kernel) == counted())
            zero()
            assert counted() == ours(kernel) == [[0] * 5] * 2


def judges_at_once() -> bool:
    """Whether the kernel reconsiders a destination when its thresholds are edited. Kernels before 2026 do not."""
    # Not /proc/version, which names the compiler's version first.
    found = re.search(r"Debian (\d+)\.(\d+)\.(\d+)", os.uname().version)
    assert found
    major, minor, patch = map(int, found.groups())
    since = {(6, 1): 183, (6, 12): 104}
    if (major, minor) not in since and (major, minor) < (7, 2):
        pytest.fail(f"look which rule {found[0]} has, and add it here")
    return patch >= since.get((major, minor), 0)


def limit(kernel: IpvsKernel, upper: int, lower: int) -> None:
    """Make the scheduler try the first server first, unless it is overloaded."""
    destinations = [
        {"address": FIRST, "port": 8080, "forward_method": "masquerade", "weight": 2, "upper_threshold": upper, "lower_threshold": lower},
        {"address": SECOND, "port": 8080, "forward_method": "masquerade", "weight": 1},
    ]
    params = with_defaults(service_module_spec()["argument_spec"], {**NAME, "scheduler": "fo", "destinations": destinations})
    converge(kernel, desired_from_service_module(params), check_mode=False)


def test_edited_thresholds_of_a_server_in_use(kernel: IpvsKernel) -> None:
    at_once = judges_at_once()
    with servers() as connect:
        limit(kernel, 0, 0)
        assert [connect()[2] for _number in range(4)] == [FIRST] * 4
        # It has as many as it may. An older kernel sees that when it has got one more.
        limit(kernel, 4, 1)
        assert [connect()[2] for _number in range(2)] == [SECOND if at_once else FIRST, SECOND]
        # It may have more, but stays overloaded until it has fewer than the lower threshold. Not so with an older kernel.
        limit(kernel, 40, 1)
        assert connect()[2] == (SECOND if at_once else FIRST)
        # It has.
        limit(kernel, 40, 20)
        assert connect()[2] == FIRST


def is_refused(address: str) -> bool:
    """Whether this machine answers port unreachable for a port without a listener."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        client.connect((address, 9))
        client.send(b"anybody?")
        try:
            client.recv(1)
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            pass
    return False


@pytest.mark.parametrize("address", ["192.0.2.1", "::1"])
def test_refusals_are_suppressed(kernel: IpvsKernel, address: str) -> None:
    """With the nft of both Debians: they accept different rules."""
    assert is_refused(address)
    with refusals_suppressed():
        assert not is_refused(address)
        listed = subprocess.run(["nft", "list", "table", *TABLE.split()], capture_output=True, text=True, check=True).stdout
        # The kernel removes it by itself.
        assert listed.count("timeout 30s expires") == 2
    assert is_refused(address)
