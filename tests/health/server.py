# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server that can fail. Needs Python 3.11 and nothing else but pair/traffic.py.

python3 -m health.server NAME ADDRESS FOLDER

It answers each line with its name, as traffic.py expects, and each request of HTTP with a status: on port 80, and with TLS on port
443. On UDP port 53 it answers every query, and on UDP port 5000 every datagram. How it fails is in FOLDER/NAME.json, read at the
start and at SIGHUP; everything works unless the file says otherwise:

{"status": 500, "certificate": "expired", "rcode": 3, "closed": true}

FOLDER also has valid.pem, expired.pem and key.pem. "closed" is UDP port 5000.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

from pair.traffic import Server

QR, RECURSION = 0x8000, 0x0180


class Web(Server):
    """Answers a request of HTTP, too."""

    def __init__(self, real_server: RealServer) -> None:
        super().__init__(real_server.name)
        self._real_server = real_server
        self._requested = False

    def data_received(self, data: bytes) -> None:
        self._requested |= data.startswith(b"GET ")
        if not self._requested:
            super().data_received(data)
        elif b"\r\n\r\n" in data or data == b"\r\n":
            body = self._real_server.name.encode()
            self._transport.write(b"HTTP/1.0 %d x\r\nContent-Length: %d\r\n\r\n%s" % (self._real_server.status, len(body), body))
            self._transport.close()


class Names(asyncio.DatagramProtocol):
    """Answers each query with the same status, and nothing else."""

    def __init__(self, real_server: RealServer) -> None:
        self._real_server = real_server
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        flags = QR | RECURSION | self._real_server.rcode
        # Without the records after the question.
        self._transport.sendto(data[:2] + flags.to_bytes(2, "big") + data[4:6] + bytes(6) + data[12:], addr)


class RealServer:
    """All ports of it."""

    def __init__(self, name: str, address: str, folder: Path) -> None:
        self.name = name
        self.status = 200
        self.rcode = 0
        self._address = address
        self._folder = folder
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._echo: asyncio.DatagramTransport | None = None

    async def start(self) -> list[Any]:
        loop = asyncio.get_running_loop()
        await self.read()
        loop.add_signal_handler(signal.SIGHUP, lambda: asyncio.ensure_future(self.read()))
        return [
            await loop.create_server(lambda: Web(self), self._address, 80, backlog=1024),
            await loop.create_server(lambda: Web(self), self._address, 443, backlog=1024, ssl=self._tls),
            await loop.create_datagram_endpoint(lambda: Names(self), (self._address, 53), family=socket.AF_INET),
        ]

    async def read(self) -> None:
        """Fail as the file says."""
        path = self._folder / f"{self.name}.json"
        fault: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.status = fault.get("status", 200)
        self.rcode = fault.get("rcode", 0)
        # Connections from now on get it.
        self._tls.load_cert_chain(self._folder / f"{fault.get('certificate', 'valid')}.pem", self._folder / "key.pem")
        if fault.get("closed"):
            if self._echo:
                self._echo.close()
            self._echo = None
        elif not self._echo:
            loop = asyncio.get_running_loop()
            self._echo, _protocol = await loop.create_datagram_endpoint(lambda: Server(self.name), (self._address, 5000))


async def run(name: str, address: str, folder: Path) -> None:
    kept = await RealServer(name, address, folder).start()
    await asyncio.Event().wait()
    del kept


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
