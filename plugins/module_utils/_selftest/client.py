# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The client of the experiment: opens connections when told to, and keeps them open.

The demo and the scenario run it as a program in the client VM for the whole experiment (Python starts slowly in an emulated
machine): it reads one JSON object per line from standard input, and writes one for each to standard output. The self-test calls
``Client.ask`` in its own process, with the same requests:

  {"do": "open", "key": "21/1", "address": "10.211.55.3", "port": 21, "limit": 5}
      {"greeting": "220 ...", "ms": 34}  or  {"error": "ECONNREFUSED", "retransmits": 0, "ms": 12}
  {"do": "close", "key": "21/1"}   says QUIT and waits until the server has closed its side (FIN)
  {"do": "reset", "key": "21/1"}   ends the connection with RST, even after a close
  {"do": "check", "keys": ["21/1", "21/2"]}   sends a line on each, and expects its echo
      {"dead": []}

An answer without "error" is a success. It needs only the Python standard library.
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
# tcpi_total_retrans of struct tcp_info, <linux/tcp.h>
TOTAL_RETRANS = struct.Struct("=100xI")


class Client:
    """The open connections by key."""

    def __init__(self) -> None:
        self.connections: dict[str, socket.socket] = {}

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        """Carry out a request, and return the answer and the elapsed time."""
        start = time.monotonic()
        try:
            answer: dict[str, Any] = getattr(self, do)(**values)
        except OSError as error:
            answer = {"error": name_of(error)}
        answer["ms"] = round((time.monotonic() - start) * 1000)
        return answer

    def open(self, key: str, address: str, port: int, limit: float) -> dict[str, Any]:
        """Open a connection, and wait for the greeting."""
        connection = socket.socket()
        # However this process ends, its connections are reset. The director forgets them after 10 s; after a FIN, it would take
        # two minutes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        # Non-blocking: a blocking connect(2) notices a refusal from the same machine only after a second SYN.
        connection.settimeout(limit)
        try:
            connection.connect((address, port))
            greeting = read_line(connection)
        except OSError as error:
            answer = {"error": name_of(error), "retransmits": retransmits(connection)}
            connection.close()
            return answer
        self.connections[key] = connection
        return {"greeting": greeting}

    def close(self, key: str) -> dict[str, Any]:
        """Have the server close a connection."""
        connection = self.connections[key]
        connection.sendall(b"QUIT\r\n")
        read_line(connection)
        # At the server's FIN, the director counts the connection as inactive. Our half stays open until `reset`: after our FIN,
        # the connection would be counted for two minutes.
        if connection.recv(1):
            raise ConnectionError(errno.EPROTO, "the server went on after QUIT")
        return {}

    def reset(self, key: str) -> dict[str, Any]:
        """End a connection with RST."""
        self.connections.pop(key).close()
        return {}

    def check(self, keys: list[str]) -> dict[str, Any]:
        """Return the keys of the connections that are dead."""
        dead = set()
        # Send on all, then read from all: one round trip, not one for each.
        for step in (self._send, self._receive):
            for key in keys:
                try:
                    step(key)
                except OSError:
                    dead.add(key)
        return {"dead": sorted(dead)}

    def _send(self, key: str) -> None:
        self.connections[key].sendall(b"NOOP %s\r\n" % key.encode())

    def _receive(self, key: str) -> None:
        line = read_line(self.connections[key])
        if line != f"NOOP {key}":
            raise ConnectionError(errno.EPROTO, f"sent NOOP {key}, received {line!r}")


def retransmits(connection: socket.socket) -> int:
    """Return the number of retransmitted packets; for a refused connection, all are SYNs."""
    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOTAL_RETRANS.size)
    return int(TOTAL_RETRANS.unpack(information)[0])


def read_line(connection: socket.socket) -> str:
    """Return the next line, without the newline."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError(errno.ECONNRESET, "closed by the other side")
        line += byte
    return line.decode().rstrip()


def name_of(error: OSError) -> str:
    """Return an error's name, as in errno(3)."""
    # Two classes in Python 3.9.
    if isinstance(error, (TimeoutError, socket.timeout)):
        return "ETIMEDOUT"
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def main() -> None:
    """Answer requests until the input ends."""
    client = Client()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(client.ask(**json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
