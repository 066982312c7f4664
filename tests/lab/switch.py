# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's network: a learning Ethernet switch on a unix socket.

Every machine's QEMU connects (-netdev stream) and exchanges frames, each behind its length in
four bytes. No root, no bridge, no port, no package; private to the one lab that has the socket.
It runs as a process of its own: python3 -m lab.switch --listen=SOCKET
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal

LONGEST_BACKLOG = 4 << 20
"""Bytes that may wait for one port; then frames are dropped, as a real switch would."""


class Switch:
    """Learns the port of each address; floods frames for unknown ones."""

    def __init__(self) -> None:
        self._ports: set[asyncio.StreamWriter] = set()
        self._behind: dict[bytes, asyncio.StreamWriter] = {}

    async def port(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one machine until it goes away."""
        self._ports.add(writer)
        try:
            while True:
                length = await reader.readexactly(4)
                frame = await reader.readexactly(int.from_bytes(length, "big"))
                self._forward(writer, length, frame)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._ports.discard(writer)
            for address in [address for address, port in self._behind.items() if port is writer]:
                del self._behind[address]
            writer.close()

    def _forward(self, source: asyncio.StreamWriter, length: bytes, frame: bytes) -> None:
        if len(frame) < 14:  # not even an Ethernet header
            return
        destination, sender = frame[:6], frame[6:12]
        self._behind[sender] = source
        for_many = frame[0] & 1
        known = None if for_many else self._behind.get(destination)
        for port in self._ports if known is None else (known,):
            if port is not source and port.transport.get_write_buffer_size() < LONGEST_BACKLOG:
                port.write(length + frame)


async def serve(path: str) -> None:
    """Switch frames between all connections to the socket, until stopped."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await asyncio.start_unix_server(Switch().port, path)
    await ended.wait()
    os.unlink(path)


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(prog="lab.switch")
    parser.add_argument("--listen", required=True)
    asyncio.run(serve(parser.parse_args().listen))


if __name__ == "__main__":
    main()
