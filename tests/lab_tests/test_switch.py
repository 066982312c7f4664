# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch with plugs of ours in it, over the same kind of socket as QEMU's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from lab import switch
from lab.switch import Switch

A, B, C = (bytes([0x52, 0x54, 0, 0, 0, number]) for number in (1, 2, 3))
EVERYBODY = b"\xff" * 6
MANY = b"\x01\x00\x5e\x00\x00\x01"


class Plug:
    """A machine's end of the cable."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, destination: bytes, source: bytes, payload: bytes = b"\x08\x00hello") -> bytes:
        frame = destination + source + payload
        self.writer.write(len(frame).to_bytes(4, "big") + frame)
        await self.writer.drain()
        return frame

    async def receive(self) -> bytes:
        length = await asyncio.wait_for(self.reader.readexactly(4), 5)
        return await asyncio.wait_for(self.reader.readexactly(int.from_bytes(length, "big")), 5)

    async def hears_nothing(self) -> bool:
        try:
            await asyncio.wait_for(self.reader.readexactly(1), 0.05)
        except TimeoutError:
            return True
        return False


def plugged(count: int, test: Callable[..., Awaitable[None]]) -> None:
    async def run() -> None:
        subject, plugs, ports = Switch(), [], []
        for _turn in range(count):
            ours, its = socket.socketpair()
            reader, writer = await asyncio.open_unix_connection(sock=its)
            ports.append(asyncio.create_task(subject.port(reader, writer)))
            plugs.append(Plug(*await asyncio.open_unix_connection(sock=ours)))
        await asyncio.sleep(0)
        await test(*plugs)
        for plug in plugs:
            plug.writer.close()
        await asyncio.wait_for(asyncio.gather(*ports), 5)

    asyncio.run(run())


def test_a_frame_for_an_unknown_address_goes_to_all_others() -> None:
    async def test(a: Plug, b: Plug, c: Plug) -> None:
        frame = await a.send(B, A)
        assert await b.receive() == frame
        assert await c.receive() == frame
        assert await a.hears_nothing()

    plugged(3, test)


def test_a_frame_for_a_known_address_goes_there_alone() -> None:
    async def test(a: Plug, b: Plug, c: Plug) -> None:
        await b.send(EVERYBODY, B)
        await a.receive()
        await c.receive()
        frame = await a.send(B, A)
        assert await b.receive() == frame
        assert await c.hears_nothing()

    plugged(3, test)


def test_frames_for_many_are_always_flooded() -> None:
    async def test(a: Plug, b: Plug, c: Plug) -> None:
        for destination in (EVERYBODY, MANY):
            frame = await a.send(destination, A)
            assert await b.receive() == frame
            assert await c.receive() == frame

    plugged(3, test)


def test_an_address_that_moves_is_found_behind_its_new_port() -> None:
    async def test(a: Plug, b: Plug, c: Plug) -> None:
        await b.send(EVERYBODY, B)
        await a.receive()
        await c.receive()
        await c.send(EVERYBODY, B)
        await a.receive()
        await b.receive()
        frame = await a.send(B, A)
        assert await c.receive() == frame
        assert await b.hears_nothing()

    plugged(3, test)


def test_a_frame_is_never_sent_back() -> None:
    async def test(a: Plug, b: Plug) -> None:
        await a.send(EVERYBODY, A)
        await b.receive()
        await a.send(A, C)
        assert await a.hears_nothing()

    plugged(2, test)


def test_an_unplugged_port_is_forgotten() -> None:
    async def test(a: Plug, b: Plug, c: Plug) -> None:
        await b.send(EVERYBODY, B)
        await a.receive()
        await c.receive()
        b.writer.close()
        await asyncio.sleep(0.05)
        frame = await a.send(B, A)
        assert await c.receive() == frame

    plugged(3, test)


def test_a_runt_is_dropped() -> None:
    async def test(a: Plug, b: Plug) -> None:
        a.writer.write((5).to_bytes(4, "big") + b"short")
        frame = await a.send(B, A)
        assert await b.receive() == frame

    plugged(2, test)


def test_a_port_that_does_not_read_loses_frames_without_delaying_others() -> None:
    async def test(a: Plug, deaf: Plug, c: Plug) -> None:
        payload = b"x" * 60000
        deaf.reader._transport.pause_reading()  # type: ignore[attr-defined]
        count = 3 * switch.LONGEST_BACKLOG // len(payload)
        for _turn in range(count):
            frame = await a.send(EVERYBODY, A, payload)
            assert await c.receive() == frame
        deaf.reader._transport.resume_reading()  # type: ignore[attr-defined]
        heard = 0
        while True:
            try:
                await asyncio.wait_for(deaf.receive(), 0.5)
            except TimeoutError:
                break
            heard += 1
        assert 0 < heard < count

    plugged(3, test)
