# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients and real servers, and what becomes of the connections between them. Needs Python 3.11 and nothing else.

python3 traffic.py serve SOCKET CONFIG      until it is told to quit; CONFIG is a file of JSON
python3 traffic.py ask SOCKET COMMAND       COMMAND is an object of JSON, and so is the answer

The configuration has the servers, each with its network namespace ("" for this one) and the addresses and ports on which
it answers TCP and UDP, and the services, each with its protocol, address and port:

{"servers": [{"name": "nat1", "namespace": "nat1", "addresses": ["10.99.1.11"], "ports": [8000]}],
 "services": {"nat4-tcp": {"protocol": "tcp", "address": "10.211.55.100", "port": 8000}}}

A service may also have its "patience": the seconds without an answer until a connection to it is lost, instead of 20.

A server answers every line (and every datagram) with its name and what it got. The commands:

open    {"group", "services", "count", "pause"}: open connections to each service; return when each has been answered. With
        a pause (seconds) they talk, without one they are idle.
close   {"group"}: close them.
pause   open no new connections until resume, and return when none is being opened.
begin   {"services", "every"}: forget what was measured, and open a new connection to each of these services every so many
        seconds; each asks one thing and is closed with a reset.
end     {"speak"}: open no more, let the idle connections of these groups (all by default) ask one thing, wait for what is
        pending, and return the measurement.
held    list the connections that live.
quit    end.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import ctypes
import itertools
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

# Seconds without an answer until a connection is lost. TCP sends again after 0.2, 0.6, 1.4, 3, 6.2 and 12.6 seconds.
PATIENCE = 20.0
# Seconds until a datagram without an answer is sent again.
AGAIN = 0.5
# Seconds between two looks at something that shall become true.
TICK = 0.01
RESET = struct.pack("ii", 1, 0)
CLONE_NEWNET = 0x40000000


class Lost(Exception):
    """A connection has ended that should not have."""


class Service(NamedTuple):
    """Where clients connect to."""

    name: str
    protocol: str
    address: str
    port: int
    patience: float | None = None


# -- servers ---------------------------------------------------------------------------------------------------------------


class Server(asyncio.Protocol, asyncio.DatagramProtocol):
    """Answers with its name and what it got; one for each TCP connection, and one for each UDP socket."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._transport: Any = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._transport.write(b"".join(b"%s %s\n" % (self._name, line) for line in lines))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._transport.sendto(b"%s %s" % (self._name, data), addr)


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Be in a network namespace for a while: sockets stay in the one in which they are made."""
    if not namespace:
        yield
        return
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        _enter(f"/run/netns/{namespace}")
        yield
    finally:
        _enter(f"/proc/self/fd/{before}")
        os.close(before)


def _enter(path: str) -> None:
    # os.setns came with Python 3.12.
    file = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(file, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")
    finally:
        os.close(file)


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def serve(servers: list[dict[str, Any]]) -> list[Any]:
    """Start the servers, and return what must be kept for them to go on."""
    loop = asyncio.get_running_loop()
    kept: list[Any] = []
    for server in servers:
        for address, port in itertools.product(server["addresses"], server["ports"]):
            with inside(server.get("namespace", "")):
                stream = socket.socket(family_of(address), socket.SOCK_STREAM)
                datagrams = socket.socket(family_of(address), socket.SOCK_DGRAM)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            for made in (stream, datagrams):
                made.setblocking(False)
                made.bind((address, port))
            make = _maker(server["name"])
            kept.append(await loop.create_server(make, sock=stream, backlog=1024))
            kept.append(await loop.create_datagram_endpoint(make, sock=datagrams))
    return kept


def _maker(name: str) -> Callable[[], Server]:
    return lambda: Server(name)


# -- clients ---------------------------------------------------------------------------------------------------------------


class Client(asyncio.Protocol, asyncio.DatagramProtocol):
    """One connection. Asks one thing at a time; with UDP, again and again until there is an answer."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.server = ""
        self.local: tuple[Any, ...] = ()
        self._transport: Any = None
        self._rest = b""
        self._numbers = itertools.count(1)
        self._expected = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._lost = ""
        self._patience = service.patience or PATIENCE

    async def open(self) -> None:
        """Connect, and ask one thing.

        :raises Lost: with the reason.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience):
                address = (self.service.address, self.service.port)
                if self.service.protocol == "tcp":
                    await loop.create_connection(lambda: self, *address)
                else:
                    await loop.create_datagram_endpoint(lambda: self, remote_addr=address)
        except TimeoutError:
            raise Lost(self._silent) from None
        except OSError as exc:
            raise Lost(_reason(exc)) from None
        self.local = self._transport.get_extra_info("sockname")
        await self.ask()

    async def ask(self) -> None:
        """Ask one thing, and wait for the answer of the server that gave the first one.

        :raises Lost: with the reason.
        """
        if self._lost:
            raise Lost(self._lost)
        self._expected = b"%d" % next(self._numbers)
        self._answer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._patience):
                server = await (self._ask_once() if self.service.protocol == "tcp" else self._ask_again())
        except TimeoutError:
            raise Lost(self._silent) from None
        finally:
            self._answer = None
        if self.server and server != self.server:
            raise Lost(f"answered by {server} and no longer by {self.server}")
        self.server = server

    async def _ask_once(self) -> str:
        assert self._answer
        self._transport.write(self._expected + b"\n")
        return (await self._answer).decode()

    async def _ask_again(self) -> str:
        assert self._answer
        while True:
            self._transport.sendto(self._expected)
            done, _pending = await asyncio.wait([self._answer], timeout=AGAIN)
            if done:
                return self._answer.result().decode()

    @property
    def _silent(self) -> str:
        return f"no answer within {self._patience:g} s"

    def close(self, *, reset: bool = False) -> None:
        if self._transport:
            if reset and self.service.protocol == "tcp":
                # No more of it than necessary: it leaves nothing behind in the tables.
                self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._transport.abort() if reset else self._transport.close()

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.datagram_received(line)

    def datagram_received(self, data: bytes, _addr: Any = None) -> None:
        server, _space, what = data.partition(b" ")
        # An answer to what was sent twice may come twice.
        if what == self._expected and self._answer and not self._answer.done():
            self._answer.set_result(server)

    def error_received(self, exc: Exception) -> None:
        """Of UDP: a refusal is one, everything else passes."""
        if isinstance(exc, ConnectionRefusedError):
            self._end("refused")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(_reason(exc) if exc else "closed by the server")

    def _end(self, reason: str) -> None:
        self._lost = self._lost or reason
        if self._answer and not self._answer.done():
            self._answer.set_exception(Lost(reason))


def _reason(exc: Exception) -> str:
    if isinstance(exc, ConnectionRefusedError):
        return "refused"
    if isinstance(exc, ConnectionResetError):
        return "reset"
    if isinstance(exc, TimeoutError):
        return "no answer to TCP"
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc) or type(exc).__name__


# -- the measurement -------------------------------------------------------------------------------------------------------


class Gap:
    """The longest time between two answers."""

    def __init__(self) -> None:
        self.last = time.monotonic()
        self._longest = 0.0

    def answered(self) -> None:
        now = time.monotonic()
        self._longest = max(self._longest, now - self.last)
        self.last = now

    def until(self, moment: float) -> float:
        """The longest one that began before a moment, or what it had come to then."""
        return max(self._longest, moment - self.last)


class Held:
    """A connection that is held: it talks, or is idle until it is asked to speak."""

    def __init__(self, client: Client, pause: float | None) -> None:
        self.client = client
        self.pause = pause
        self.lost = ""
        self.gap = Gap()
        self._job: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self.speak()
        if self.pause and not self.lost:
            self._job = asyncio.create_task(self._talk(self.pause))

    async def speak(self) -> None:
        if not self.lost:
            try:
                await (self.client.ask() if self.client.server else self.client.open())
            except Lost as exc:
                self.lost = str(exc)

    async def _talk(self, pause: float) -> None:
        self.gap = Gap()
        while not self.lost:
            await asyncio.sleep(pause)
            await self.speak()
            if not self.lost:
                self.gap.answered()

    async def close(self) -> None:
        if self._job:
            self._job.cancel()
            await asyncio.wait([self._job])
        self.client.close()

    def __str__(self) -> str:
        return f"{self.client.service.name} {'idle' if self.pause is None else 'talking'} from {self.client.local[1:2]}: {self.lost}"


class Flow:
    """New connections, all the time."""

    def __init__(self) -> None:
        self.opened = 0
        self.lost: list[str] = []
        self.servers: dict[str, collections.Counter[str]] = {}
        self.gaps: dict[str, Gap] = {}
        self._ended = False
        self._going = asyncio.Event()
        self._going.set()
        self._openers: set[asyncio.Task[None]] = set()
        self._jobs: set[asyncio.Task[None]] = set()

    def begin(self, services: list[Service], every: float) -> None:
        for index, service in enumerate(services):
            self.gaps[service.name] = Gap()
            self._start(self._open_all_the_time(service, every, every * index / len(services)), self._openers)

    @staticmethod
    def _start(job: Any, tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(job)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _open_all_the_time(self, service: Service, every: float, delay: float) -> None:
        due = time.monotonic() + delay
        while not self._ended:
            # A peer that was too busy leaves some out, and does not open them all at once.
            due = max(due, time.monotonic() - every)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._going.wait()
            self._start(self._open(service), self._jobs)
            due += every

    async def _open(self, service: Service) -> None:
        client = Client(service)
        try:
            await client.open()
        except Lost as exc:
            self.lost.append(f"{service.name}: {exc}")
        else:
            self.gaps[service.name].answered()
            self.servers.setdefault(service.name, collections.Counter())[client.server] += 1
        finally:
            self.opened += 1
            client.close(reset=True)

    async def pause(self) -> None:
        self._going.clear()
        await self._none_of(self._jobs)

    def resume(self) -> None:
        self._going.set()

    async def end(self) -> None:
        self._ended = True
        self.resume()
        await self._none_of(self._openers)
        await self._none_of(self._jobs)

    @staticmethod
    async def _none_of(tasks: set[asyncio.Task[None]]) -> None:
        while tasks:
            await asyncio.wait(list(tasks))


class Traffic:
    """All connections, by group, and the commands."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._services = {name: Service(name, **values) for name, values in config["services"].items()}
        self._groups: dict[str, list[Held]] = {}
        self._flow = Flow()
        self._began = time.monotonic()
        self.quit = asyncio.Event()

    async def ask(self, command: dict[str, Any]) -> Any:
        """Carry out a command."""
        command = dict(command)
        return await getattr(self, f"do_{command.pop('do')}")(**command)

    async def do_open(self, group: str, services: list[str], count: int = 1, pause: float | None = None) -> dict[str, Any]:
        fresh = [Held(Client(self._services[name]), pause) for name in services for _number in range(count)]
        self._groups.setdefault(group, []).extend(fresh)
        await asyncio.gather(*(each.open() for each in fresh))
        servers = collections.Counter(each.client.server for each in fresh if not each.lost)
        return {"open": sum(not each.lost for each in fresh), "lost": [str(each) for each in fresh if each.lost], "servers": servers}

    async def do_close(self, group: str) -> dict[str, Any]:
        closed = self._groups.pop(group, [])
        await asyncio.gather(*(each.close() for each in closed))
        return {"closed": len(closed)}

    async def do_begin(self, services: list[str], every: float) -> dict[str, Any]:
        await self._flow.end()
        self._flow = Flow()
        self._flow.begin([self._services[name] for name in services], every)
        for each in self._all():
            each.gap = Gap()
        self._began = time.monotonic()
        return {}

    async def do_pause(self) -> dict[str, Any]:
        await self._flow.pause()
        return {}

    async def do_resume(self) -> dict[str, Any]:
        self._flow.resume()
        return {}

    async def do_end(self, speak: list[str] | None = None) -> dict[str, Any]:
        ended = time.monotonic()
        await self._flow.end()
        idle = [each for group in (self._groups if speak is None else speak) for each in self._groups[group] if each.pause is None]
        await asyncio.gather(*(each.speak() for each in idle))
        talking = [each for each in self._all() if each.pause]
        await asyncio.gather(*(self._settled(each, ended) for each in talking))
        return {
            "seconds": round(ended - self._began, 1),
            "talking": len(talking),
            "idle": len(idle),
            "lost": [str(each) for each in [*talking, *idle] if each.lost],
            "new": self._flow.opened,
            "new_lost": self._flow.lost,
            "servers": self._flow.servers,
            "talking_gap": round(max((each.gap.until(ended) for each in talking), default=0.0), 2),
            "new_gap": round(max((gap.until(ended) for gap in self._flow.gaps.values()), default=0.0), 2),
        }

    @staticmethod
    async def _settled(held: Held, since: float) -> None:
        """Wait until it has been answered once more, or is lost."""
        while not held.lost and held.gap.last < since:
            await asyncio.sleep(TICK)

    async def do_held(self) -> list[dict[str, Any]]:
        return [
            {
                "group": group,
                "protocol": each.client.service.protocol,
                "service": each.client.service.name,
                "address": each.client.local[0],
                "port": each.client.local[1],
                "server": each.client.server,
            }
            for group, members in self._groups.items()
            for each in members
            if not each.lost
        ]

    async def do_quit(self) -> dict[str, Any]:
        self.quit.set()
        return {}

    def _all(self) -> list[Held]:
        return [each for members in self._groups.values() for each in members]


# -- the control socket ----------------------------------------------------------------------------------------------------


async def run(path: Path, config: dict[str, Any]) -> None:
    kept = await serve(config["servers"])
    traffic = Traffic(config)

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = {"answer": await traffic.ask(json.loads(await reader.readline()))}
        except Exception as exc:  # noqa: BLE001 - any fault is the answer, and fails the step that asked
            answer = {"error": f"{type(exc).__name__}: {exc}"}
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    path.unlink(missing_ok=True)
    async with await asyncio.start_unix_server(answer_one, path):
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, traffic.quit.set)
        await traffic.quit.wait()
    del kept


def ask(path: str, command: str) -> Any:
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10 * PATIENCE)
        control.connect(path)
        control.sendall(command.encode() + b"\n")
        answer = json.loads(control.makefile("rb").readline())
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["answer"]


def main() -> None:
    match sys.argv[1:]:
        case ["serve", path, config]:
            asyncio.run(run(Path(path), json.loads(Path(config).read_text(encoding="utf-8"))))
        case ["ask", path, command]:
            try:
                print(json.dumps(ask(path, command)))
            except RuntimeError as exc:
                sys.exit(str(exc))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
