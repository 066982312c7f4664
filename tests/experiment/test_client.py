# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client and server of the experiment, without a director between them, on loopback."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError
from ansible_collections.lvs.director.plugins.module_utils._selftest import client as _experiment_client
from ansible_collections.lvs.director.plugins.module_utils._selftest import server as _experiment_server

from experiment.agent import Agent

# Seconds for a client to come and to speak.
LIMIT = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _turn in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None, f"the server ended with status {server.returncode}"
        time.sleep(0.1)
    raise AssertionError(f"the server does not listen on port {port} after 20 s")


@pytest.fixture
def port() -> Iterator[int]:
    port = free_port()
    server = subprocess.Popen([sys.executable, _experiment_server.__file__, str(port)])
    try:
        wait_for(port, server)
        yield port
        server.terminate()
        assert server.wait(timeout=20) == -signal.SIGTERM
    finally:
        server.kill()


# Coverage's handler of SIGTERM is one in Python, as this one is. The signal comes while the main thread waits, but to another
# thread: so the main thread is not woken, which is what happens when a signal comes just before it begins to wait.
LOSES_THE_SIGNAL = """
import importlib.util, os, signal, sys, threading, time

spec = importlib.util.spec_from_file_location("server", sys.argv.pop(1))
server = importlib.util.module_from_spec(spec)
spec.loader.exec_module(server)

def handle(number, frame):
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)

def interrupt():
    time.sleep(1)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

signal.signal(signal.SIGTERM, handle)
threading.Thread(target=interrupt, daemon=True).start()
server.main()
"""


def test_a_server_ends_at_the_first_sigterm_even_if_it_comes_just_before_it_waits() -> None:
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", LOSES_THE_SIGNAL, _experiment_server.__file__, str(port)])
    try:
        assert server.wait(timeout=15) == -signal.SIGTERM
    finally:
        server.kill()


@pytest.mark.parametrize("moment", range(8))
def test_a_server_ends_at_the_first_sigterm_whenever_it_comes(moment: int) -> None:
    port = free_port()
    server = subprocess.Popen([sys.executable, _experiment_server.__file__, str(port)])
    try:
        if moment < 4:
            time.sleep(moment * 0.05)  # while it starts
        else:
            wait_for(port, server)
        server.terminate()
        assert server.wait(timeout=15) == -signal.SIGTERM
    finally:
        server.kill()


class Near(_experiment_client.Client):
    """In this process, as the self-test has it."""

    def __enter__(self) -> Near:
        return self

    def __exit__(self, *exc: object) -> None:
        for connection in self.connections.values():
            connection.close()


@pytest.fixture(params=["program", "near"])
def client(request: pytest.FixtureRequest) -> Iterator[Agent | Near]:
    if request.param == "near":
        with Near() as near:
            yield near
        return

    def popen(command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(command, shell=True, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    with Agent(popen) as agent:
        yield agent


def test_a_server_greets_with_the_address_it_was_reached_at(client: Agent | Near, port: int) -> None:
    for address in ("127.0.0.253", "127.0.0.252"):
        answer = client.ask("open", key=address, address=address, port=port, limit=5)
        assert answer["greeting"] == f"220 lvs.director experiment [{address}]"


def test_a_connection_lives_until_it_is_closed_or_reset(client: Agent | Near, port: int) -> None:
    for key in ("closed", "reset", "kept"):
        client.ask("open", key=key, address="127.0.0.1", port=port, limit=5)
    assert client.ask("check", keys=["closed", "reset", "kept"])["dead"] == []
    assert "error" not in client.ask("close", key="closed")
    assert client.ask("check", keys=["closed", "kept"])["dead"] == ["closed"]
    assert "error" not in client.ask("reset", key="reset")
    assert client.ask("check", keys=["kept"])["dead"] == []


def test_a_refusal_has_a_name_and_a_time(client: Agent | Near, port: int) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # in use, but nobody listens
        answer = client.ask("open", key="1", address="127.0.0.1", port=unused.getsockname()[1], limit=5)
    assert answer["error"] == "ECONNREFUSED"
    assert answer["retransmits"] == 0
    assert answer["ms"] < 1000


def test_silence_ends_at_the_limit(client: Agent | Near) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        answer = client.ask("open", key="1", address="127.0.0.1", port=silent.getsockname()[1], limit=0.2)
    assert answer["error"] == "ETIMEDOUT"


def test_retransmitted_syns_are_reported(client: Agent | Near) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # Its queue has room for one; Linux drops further SYNs.
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        answer = client.ask("open", key="1", address="127.0.0.1", port=full.getsockname()[1], limit=1.5)
    assert answer["error"] == "ETIMEDOUT"
    assert answer["retransmits"] == 1


@contextlib.contextmanager
def saying(*words: bytes) -> Iterator[int]:
    """A server for one connection that sends the first text at once, each further one after a line, and then closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            listening.settimeout(LIMIT)
            with listening.accept()[0] as connection:
                connection.settimeout(LIMIT)
                for number, word in enumerate(words):
                    if number:
                        connection.recv(100)
                    connection.sendall(word)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(LIMIT)
        assert not thread.is_alive(), "the client has not spoken to its server"


def test_a_server_that_hangs_up_instead_of_greeting(client: Agent | Near) -> None:
    with saying(b"220 half of a gree") as port:
        answer = client.ask("open", key="1", address="127.0.0.1", port=port, limit=5)
    assert (answer["error"], answer["retransmits"]) == ("ECONNRESET", 0)


def test_a_server_that_goes_on_after_quit(client: Agent | Near) -> None:
    with saying(b"220 hello\r\n", b"221 Goodbye\r\n220 hello again\r\n") as port:
        client.ask("open", key="1", address="127.0.0.1", port=port, limit=5)
        assert client.ask("close", key="1")["error"] == "EPROTO"


def test_a_connection_that_repeats_something_else_is_dead(client: Agent | Near) -> None:
    with saying(b"220 hello\r\n", b"NOOP 2\r\n") as port:
        client.ask("open", key="1", address="127.0.0.1", port=port, limit=5)
        assert client.ask("check", keys=["1"])["dead"] == ["1"]


def test_an_unresponsive_client_is_killed_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiment.agent.LIMIT", 0.5)

    def popen(_command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(["sleep", "60"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    with Agent(popen) as agent, pytest.raises(IpvsExperimentError, match=r"the client has ended \(status -9\) at check"):
        agent.ask("check", keys=["1"])
