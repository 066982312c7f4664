# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of the experiment: opens connections when told to, and keeps them open.

Runs in the client VM for the whole experiment (Python starts slowly in an emulated machine).
One JSON object a line comes in on standard input, one goes out on standard output:

  {"do": "open", "key": "21/1", "address": "10.211.55.3", "port": 21, "limit": 5}
      {"greeting": "220 ...", "ms": 34}  or  {"error": "ECONNREFUSED", "ms": 12}
  {"do": "close", "key": "21/1"}   says QUIT and waits until the server has closed its side (FIN)
  {"do": "reset", "key": "21/1"}   ends the connection with RST, also what a close left of it
  {"do": "check", "keys": ["21/1", "21/2"]}   sends a line on each and wants it back
      {"dead": []}

Every answer without "error" is a success. Nothing but the Python standard library is used.
"""

from __future__ import annotations

import errno
import json
import socket
import struct
import sys
import time
from typing import Any

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Client:
    def __init__(self) -> None:
        self.connections: dict[str, socket.socket] = {}

    def open(self, key: str, address: str, port: int, limit: float) -> dict[str, Any]:
        connection = socket.socket()
        # However this process ends, the director has forgotten its connections 10 s later:
        # that is what it grants a reset connection, where one ended by FIN has two minutes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        connection.settimeout(limit)
        try:
            connection.connect((address, port))
            greeting = read_line(connection)
        except OSError:
            connection.close()
            raise
        self.connections[key] = connection
        return {"greeting": greeting}

    def close(self, key: str) -> dict[str, Any]:
        connection = self.connections[key]
        connection.sendall(b"QUIT\r\n")
        read_line(connection)
        # The server's FIN is the end of the connection for the director, which counts it as
        # inactive. Our half stays until `reset`, or else that would be so for two minutes.
        if connection.recv(1):
            raise ConnectionError(errno.EPROTO, "the server went on after QUIT")
        return {}

    def reset(self, key: str) -> dict[str, Any]:
        self.connections.pop(key).close()
        return {}

    def check(self, keys: list[str]) -> dict[str, Any]:
        dead = set()
        # First send on all, then read from all: one round trip, not one for each.
        for step in (self.say, self.hear):
            for key in keys:
                try:
                    step(key)
                except OSError:
                    dead.add(key)
        return {"dead": sorted(dead)}

    def say(self, key: str) -> None:
        self.connections[key].sendall(b"NOOP %s\r\n" % key.encode())

    def hear(self, key: str) -> None:
        line = read_line(self.connections[key])
        if line != f"NOOP {key}":
            raise ConnectionError(errno.EPROTO, f"said NOOP {key}, heard {line!r}")


def read_line(connection: socket.socket) -> str:
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError(errno.ECONNRESET, "closed by the other side")
        line += byte
    return line.decode().rstrip()


def name_of(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "ETIMEDOUT"
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def main() -> None:
    client = Client()
    for line in sys.stdin:
        order = json.loads(line)
        do = getattr(client, order.pop("do"))
        start = time.monotonic()
        try:
            answer = do(**order)
        except OSError as error:
            answer = {"error": name_of(error)}
        answer["ms"] = round((time.monotonic() - start) * 1000)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
