# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a VM: the hazards of real life. Another run, ipvsadm, kill -9, and lost replies of the kernel."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsProtocolError
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddDestination, AddService
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry, Observed, Service
from ansible_collections.lvs.director.plugins.module_utils._netlink import socket as _netlink

from contract.test_contract import destination, new_kernel
from contract.test_table_contract import Table, desired, other_key, read

SERVICES, DESTINATIONS = 20, 20


def table(seed: int) -> Table:
    """One of many tables of the same size: other orders, weights, and partly other services."""
    dice = random.Random(seed)
    keys = dice.sample([other_key(number) for number in range(SERVICES + 5)], SERVICES)
    return {
        key: Entry(
            Service(key, dice.choice(["rr", "wrr"])),
            tuple(destination(number, weight=dice.randint(1, 9)) for number in dice.sample(range(1, 30), DESTINATIONS)),
        )
        for key in keys
    }


def in_a_process(work: Callable[[], object]) -> BaseProcess:
    """Start something in a process of its own, in this network namespace."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def error_of(work: Callable[[], object]) -> str:
    """Return the text of the collection's error, or an empty one without an error."""
    try:
        work()
    except IpvsError as exc:
        return f"{type(exc).__name__}: {exc}"
    return ""


def test_concurrent_runs_wait_for_each_other() -> None:
    kernel = new_kernel()

    def work(seed: int) -> None:
        mine = NetlinkKernel()
        for number in range(6):
            wanted = table(seed + number % 2)
            outcome = converge(mine, desired(wanted), check_mode=False)
            assert {key: one.entry for key, one in outcome.observed.items()} == wanted

    children = [in_a_process(lambda seed=seed: work(seed)) for seed in (1, 100)]  # type: ignore[misc]
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert read(kernel) in (table(2), table(101))
    kernel.close()


def killed_at(change: int, wanted: Table) -> bool:
    """Run until the given number of changes has been made, then kill. Return whether there were that many."""

    def work() -> None:
        _netlink._BATCH = 1
        mine = NetlinkKernel()
        send, sent = mine._socket._send, 0

        def send_and_die(commands: list[object]) -> int:
            nonlocal sent
            sequence = send(commands)  # type: ignore[arg-type]
            sent += commands[-1] is _netlink._MARK
            if sent == change:
                os.kill(os.getpid(), signal.SIGKILL)
            return sequence

        mine._socket._send = send_and_die  # type: ignore[method-assign]
        converge(mine, desired(wanted), check_mode=False)

    child = in_a_process(work)
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def test_the_next_run_completes_one_killed_anywhere() -> None:
    kernel = new_kernel()
    keys = [other_key(number) for number in range(3)]
    before = {
        keys[0]: Entry(Service(keys[0], "rr"), (destination(1), destination(2), destination(3))),
        keys[1]: Entry(Service(keys[1], "rr"), (destination(4),)),
    }
    after = {
        keys[0]: Entry(Service(keys[0], "wrr"), (destination(5), destination(3, weight=7), destination(1, weight=0))),
        keys[2]: Entry(Service(keys[2], "rr"), (destination(4), destination(6))),
    }
    change = halfway = 0
    while True:
        change += 1
        converge(kernel, desired(before), check_mode=False)
        if not killed_at(change, after):
            break
        halfway += read(kernel) not in (before, after)
        converge(kernel, desired(after), check_mode=False)
        assert read(kernel) == after
    # All but the last of the changes leave the table halfway.
    assert halfway == change - 2 >= 8
    kernel.close()


def ipvsadm(rules: str) -> None:
    subprocess.run(["ipvsadm", "-R"], input=rules, text=True, check=True)


def test_ipvsadm_runs_concurrently() -> None:
    """Whatever ipvsadm does between reading and writing: a clear error, or the requested table."""
    kernel = new_kernel()
    named = 0
    for rules in (
        "-E -t 192.0.2.1:1000 -s lc\n",
        "-a -t 192.0.2.1:1000 -r 10.0.0.77:80 -m\n",
        "-d -t 192.0.2.1:1000 -r 10.0.0.1:80\n",
        "-e -t 192.0.2.1:1000 -r 10.0.0.2:80 -m -w 77\n",
        "-D -t 192.0.2.1:1000\n",
    ):
        key = other_key(0)
        before = {key: Entry(Service(key, "rr"), (destination(1), destination(2)))}
        after = {key: Entry(Service(key, "rr"), (destination(3), destination(2, weight=5), destination(1)))}
        converge(kernel, desired(before), check_mode=False)

        class Meanwhile:
            def __getattr__(self, name: str) -> object:
                return getattr(kernel, name)

            def apply(self, steps: object, rules: str = rules) -> object:
                ipvsadm(rules)
                return kernel.apply(steps)  # type: ignore[arg-type]

        error = error_of(lambda after=after: converge(Meanwhile(), desired(after), check_mode=False))  # type: ignore[arg-type,misc]
        if error:
            named += 1
            assert error.startswith(("IpvsConflictError: ", "IpvsVerificationError: "))
            assert "192.0.2.1:1000" in error
            assert "Something else is changing" in error
        else:
            assert read(kernel) == after
        converge(kernel, desired(after), check_mode=False)
        assert read(kernel) == after
    assert named >= 3
    kernel.close()


def test_lost_answers() -> None:
    """More refusals than the socket can hold: which steps were made is not known, and still all of them are undone."""
    kernel = new_kernel()
    before = {other_key(0): Entry(Service(other_key(0), "rr"), (destination(1),))}
    converge(kernel, desired(before), check_mode=False)

    class Refusing:
        """Makes the kernel refuse two hundred commands in a message, with hardly a buffer for its answers."""

        def __getattr__(self, name: str) -> object:
            return getattr(kernel, name)

        def apply(self, steps: object) -> object:
            kernel._socket._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            nonlocal broken
            if broken:
                broken = False
                return kernel.apply([AddDestination(other_key(0), destination(9)), *[AddService(Service(other_key(0)))] * 200])
            return kernel.apply(steps)  # type: ignore[arg-type]

    broken = True
    after = {other_key(0): Entry(Service(other_key(0), "rr"), (destination(2), destination(1)))}
    with pytest.raises(IpvsProtocolError, match=r"answers to 201 changes were lost .*The earlier changes were undone"):
        converge(Refusing(), desired(after), check_mode=False)  # type: ignore[arg-type]
    assert read(kernel) == before
    kernel.close()


def test_a_constantly_changing_table_is_read_or_an_error_says_so() -> None:
    kernel = new_kernel()
    key = other_key(0)
    many = tuple(destination(1)._replace(key=destination(1).key._replace(port=number)) for number in range(1, 400))
    converge(kernel, desired({key: Entry(Service(key, "rr"), many)}), check_mode=False)

    def disturb() -> None:
        other = NetlinkKernel()
        for number in range(1, 1500):
            other.apply([AddDestination(key, destination(2)._replace(key=destination(2).key._replace(port=number)))])

    listings = 0
    dump_once = kernel._socket._dump_once

    def counted(*arguments: Any) -> object:
        nonlocal listings
        listings += 1
        return dump_once(*arguments)

    kernel._socket._dump_once = counted  # type: ignore[method-assign]

    child = in_a_process(disturb)
    found: list[Observed] = []
    given_up = 0
    while child.is_alive():
        error = error_of(lambda: found.append(kernel.read_service(key, counters=False)))
        given_up += bool(error)
        assert not error or "they change faster than they can be read" in error
    child.join()
    assert child.exitcode == 0
    for observed in found:
        names = [one.key for one in observed.entry.destinations]
        assert len(set(names)) == len(names)
    print(f"{len(found)} readings of {listings} listings, {given_up} given up")
    assert listings > len(found), "no listing was torn: this test has shown nothing"
    kernel.close()


def test_nobody_but_the_kernel_can_answer() -> None:
    kernel = new_kernel()
    port = kernel._socket._socket.getsockname()[0]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, kernel._socket._socket.proto) as liar:
        liar.bind((0, 0))
        with pytest.raises(ConnectionRefusedError):
            liar.sendto(b"a lie", (port, 0))
