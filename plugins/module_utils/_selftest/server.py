# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""A real server of the experiment: greets with its own address, then echoes every line.

The demo and the scenario run it as a program on each real server, as root because of port 21:

    python3 server.py 21 2121

In the self-test, it plays all real servers at once, in threads. The greeting names the address at which the connection arrived: the
server needs no configuration, and a client behind the director learns which real server it got.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Iterable

# Seconds between checks for a signal.
_HANDLE_SIGNALS = 0.5


class Greeter(socketserver.StreamRequestHandler):
    """A connection."""

    def handle(self) -> None:
        """Greet, and echo every line until QUIT."""
        address = self.request.getsockname()[0]
        try:
            self.wfile.write(f"220 lvs.director experiment [{address}]\r\n".encode())
            for line in self.rfile:
                if line.strip() == b"QUIT":
                    self.wfile.write(b"221 Goodbye\r\n")
                    return
                self.wfile.write(line)
        except ConnectionError:
            pass  # The experiment resets connections.


class Server(socketserver.ThreadingTCPServer):
    """A port, with a thread for each of its connections."""

    allow_reuse_address = True
    daemon_threads = True
    # Never refuse a connection: the director limits how many a server gets.
    request_queue_size = socket.SOMAXCONN


def start(ports: Iterable[int]) -> list[threading.Thread]:
    """Serve on these ports of all addresses, in threads that end with the process."""
    servers = [Server(("", port), Greeter) for port in ports]
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    return threads


def main() -> None:
    """Serve on the ports that the command line names, until a signal ends the program.

    Python runs signal handlers in the main thread, once that wakes up: a signal that arrives just before an endless wait would be
    lost. Hence the timeout.
    """
    threads = start(map(int, sys.argv[1:]))
    while any(thread.is_alive() for thread in threads):
        threads[0].join(_HANDLE_SIGNALS)


if __name__ == "__main__":
    main()
