# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic program on the loopback, with servers of its own and with some that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pair import traffic

BOTH = ["tcp", "udp"]


def free_port() -> int:
    """A port that is free for both protocols."""
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        stream.bind(("127.0.0.1", 0))
        datagrams.bind(("127.0.0.1", stream.getsockname()[1]))
        return int(stream.getsockname()[1])


def config(port: int, *, closed: int = 0) -> dict[str, Any]:
    return {
        "servers": [{"name": "rs1", "addresses": ["127.0.0.1"], "ports": [port]}],
        "services": {
            **{name: {"protocol": name, "address": "127.0.0.1", "port": port} for name in BOTH},
            **{f"closed-{name}": {"protocol": name, "address": "127.0.0.1", "port": closed} for name in BOTH if closed},
        },
    }


def with_traffic(
    work: Callable[[traffic.Traffic], Awaitable[None]], *, closed: int = 0, servers: Callable[[int], Any] | None = None
) -> None:
    """Work with clients and their servers: the program's own, or others, which are started with their port."""

    async def run() -> None:
        port = free_port()
        configured = config(port, closed=closed)
        kept = await (servers(port) if servers else traffic.serve(configured["servers"]))
        async with asyncio.timeout(30):
            await work(traffic.Traffic(configured))
        del kept

    asyncio.run(run())


def test_connections_that_are_answered_are_held() -> None:
    async def work(clients: traffic.Traffic) -> None:
        opened = await clients.do_open("idle", BOTH, count=2)
        assert opened == {"open": 4, "lost": [], "servers": {"rs1": 4}}
        await clients.do_open("talking", BOTH, pause=0.02)
        await clients.do_begin(BOTH, every=0.05)
        await asyncio.sleep(0.5)
        found = await clients.do_end()
        assert (found["talking"], found["idle"], found["lost"], found["new_lost"]) == (2, 4, [], [])
        assert 10 <= found["new"] <= 40
        assert found["servers"].keys() == {"tcp", "udp"}
        assert 0.02 <= found["talking_gap"] < 0.3
        assert 0.05 <= found["new_gap"] < 0.3
        assert [each["group"] for each in await clients.do_held()] == ["idle"] * 4 + ["talking"] * 2
        assert await clients.do_close("idle") == {"closed": 4}
        assert [each["protocol"] for each in await clients.do_held()] == BOTH

    with_traffic(work)


def test_between_pause_and_resume_nothing_is_being_opened() -> None:
    async def work(clients: traffic.Traffic) -> None:
        await clients.do_begin(BOTH, every=0.02)
        await asyncio.sleep(0.2)
        await clients.do_pause()
        opened = clients._flow.opened
        await asyncio.sleep(0.2)
        assert clients._flow.opened == opened > 5
        await clients.do_resume()
        await asyncio.sleep(0.2)
        found = await clients.do_end()
        assert found["new"] > opened + 5
        assert found["new_gap"] > 0.2
        await clients.do_begin(BOTH, every=0.02)
        await clients.do_pause()
        assert (await clients.do_end())["new_lost"] == [], "it does not wait for a resume"

    with_traffic(work)


def test_refused_ones_are_lost() -> None:
    async def work(clients: traffic.Traffic) -> None:
        opened = await clients.do_open("idle", ["closed-tcp", "closed-udp"])
        assert (opened["open"], [line.split(": ")[1] for line in opened["lost"]]) == (0, ["refused", "refused"])
        await clients.do_close("idle")
        await clients.do_begin(["closed-tcp", "closed-udp", "tcp"], every=0.05)
        await asyncio.sleep(0.3)
        found = await clients.do_end()
        assert {"closed-tcp: refused", "closed-udp: refused"} == set(found["new_lost"])
        assert found["new"] > len(found["new_lost"]), "those to tcp are not lost"

    with_traffic(work, closed=free_port())


class Unreliable(traffic.Server):
    """Silent for a while, or another server, or gone."""

    silent = False
    name = "rs1"
    all_: ClassVar[list[Unreliable]] = []

    def __init__(self) -> None:
        super().__init__("rs1")
        self.all_.append(self)
        self._later: list[Callable[[], None]] = []

    def data_received(self, data: bytes) -> None:
        self._answer(lambda: super(Unreliable, self).data_received(data))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        # A datagram without an answer is lost, and the client sends it again.
        if not self.silent:
            super().datagram_received(data, addr)

    def _answer(self, answer: Callable[[], None]) -> None:
        self._later.append(answer)
        if not self.silent:
            self.speak()

    def speak(self) -> None:
        self._name = self.name.encode()
        for answer in self._later:
            answer()
        self._later = []

    @classmethod
    async def serve(cls, port: int) -> list[Any]:
        cls.all_ = []
        loop = asyncio.get_running_loop()
        stream = await loop.create_server(cls, "127.0.0.1", port)
        return [stream, await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", port))]

    @classmethod
    def be_silent(cls, silent: bool) -> None:
        for each in cls.all_:
            each.silent = silent
            if not silent:
                each.speak()


def test_a_silence_is_a_gap_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "AGAIN", 0.1)
    monkeypatch.setattr(Unreliable, "silent", False)

    async def work(clients: traffic.Traffic) -> None:
        await clients.do_open("talking", BOTH, pause=0.02)
        await clients.do_open("idle", BOTH)
        await clients.do_begin(BOTH, every=0.05)
        await asyncio.sleep(0.2)
        monkeypatch.setattr(Unreliable, "silent", True)
        Unreliable.be_silent(True)
        await asyncio.sleep(0.8)
        monkeypatch.setattr(Unreliable, "silent", False)
        Unreliable.be_silent(False)
        await asyncio.sleep(0.3)
        found = await clients.do_end()
        assert (found["lost"], found["new_lost"]) == ([], [])
        assert 0.8 <= found["talking_gap"] < 1.3
        assert 0.7 <= found["new_gap"] < 1.3

    with_traffic(work, servers=Unreliable.serve)


def test_a_gap_that_has_not_ended_is_one() -> None:
    gap = traffic.Gap()
    began = time.monotonic()
    assert gap.until(began + 5) == pytest.approx(5, abs=0.1)
    gap.answered()
    assert gap.until(began) < 0.1


def test_what_is_never_answered_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "PATIENCE", 0.5)
    monkeypatch.setattr(Unreliable, "silent", False)

    async def work(clients: traffic.Traffic) -> None:
        await clients.do_open("idle", BOTH)
        Unreliable.be_silent(True)
        await clients.do_begin([], every=1)
        found = await clients.do_end()
        assert [line.split(": ")[1] for line in found["lost"]] == ["no answer within 0.5 s"] * 2

    with_traffic(work, servers=Unreliable.serve)


def test_a_service_may_have_a_patience_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unreliable, "silent", True)

    async def work(clients: traffic.Traffic) -> None:
        clients._services["tcp"] = clients._services["tcp"]._replace(patience=0.3)
        opened = await clients.do_open("idle", ["tcp"])
        assert opened["lost"][0].endswith(": no answer within 0.3 s")

    with_traffic(work, servers=Unreliable.serve)


def test_one_that_another_server_answers_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unreliable, "silent", False)

    async def work(clients: traffic.Traffic) -> None:
        await clients.do_open("idle", BOTH)
        for each in Unreliable.all_:
            each._name = b"rs2"
        monkeypatch.setattr(Unreliable, "name", "rs2")
        await clients.do_begin([], every=1)
        found = await clients.do_end()
        assert [line.split(": ")[1] for line in found["lost"]] == ["answered by rs2 and no longer by rs1"] * 2

    with_traffic(work, servers=Unreliable.serve)


@pytest.mark.parametrize(("end", "reason"), [("close", "closed by the server"), ("abort", "reset")])
def test_one_that_ends_is_lost_talking_or_not(monkeypatch: pytest.MonkeyPatch, end: str, reason: str) -> None:
    monkeypatch.setattr(Unreliable, "silent", False)

    async def work(clients: traffic.Traffic) -> None:
        await clients.do_open("idle", ["tcp"])
        await clients.do_open("talking", ["tcp"], pause=0.02)
        await clients.do_begin([], every=1)
        for each in Unreliable.all_:
            if end == "abort" and (own := each._transport.get_extra_info("socket")) is not None and own.type == socket.SOCK_STREAM:
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, traffic.RESET)
            if each._transport.get_extra_info("socket").type == socket.SOCK_STREAM:
                each._transport.abort()
        found = await clients.do_end()
        assert [line.split(": ")[1] for line in found["lost"]] == [reason] * 2
        assert await clients.do_held() == []

    with_traffic(work, servers=Unreliable.serve)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Path]:
    """The socket of a program that runs by itself."""
    (tmp_path / "config.json").write_text(json.dumps(config(free_port())))
    path = tmp_path / "control"
    command = [sys.executable, traffic.__file__, "serve", str(path), str(tmp_path / "config.json")]
    with subprocess.Popen(command) as program:
        try:
            while not path.exists():
                assert program.poll() is None
                time.sleep(0.02)
            yield path
            assert traffic.ask(str(path), '{"do": "quit"}') == {}
            assert program.wait(10) == 0
        finally:
            program.kill()


def ask(control: Path, command: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, traffic.__file__, "ask", str(control), json.dumps(command)]
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=30)


def test_the_control_socket_answers(control: Path) -> None:
    assert json.loads(ask(control, {"do": "open", "group": "g", "services": ["tcp"]}).stdout)["open"] == 1
    assert ask(control, {"do": "open", "group": "g", "services": ["tcq"]}).stderr == "KeyError: 'tcq'\n"
    (one,) = json.loads(ask(control, {"do": "held"}).stdout)
    assert (one["address"], one["server"]) == ("127.0.0.1", "rs1")


def test_commands_do_not_wait_for_each_other(control: Path) -> None:
    ask(control, {"do": "begin", "services": ["tcp"], "every": 0.1})
    askers = [threading.Thread(target=ask, args=[control, {"do": "open", "group": "g", "services": BOTH}]) for _number in range(3)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(30)
    assert len(traffic.ask(str(control), '{"do": "held"}')) == 6
    assert traffic.ask(str(control), '{"do": "end"}')["lost"] == []


def test_without_arguments_it_says_what_it_is() -> None:
    said = subprocess.run([sys.executable, traffic.__file__], check=False, capture_output=True, text=True, timeout=30)
    assert said.returncode == 1
    assert "serve SOCKET CONFIG" in said.stderr
