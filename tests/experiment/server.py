# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server of the experiment: greets with its own address, then repeats every line.

Runs on each real server, as root because of port 21:  python3 server.py 21 2121
The greeting names the address on which the connection arrived, so it needs no configuration,
and a client behind the director learns which real server it was given.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading


class Greeter(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        address = self.request.getsockname()[0]
        try:
            self.wfile.write(f"220 lvs.director experiment [{address}]\r\n".encode())
            for line in self.rfile:
                if line.strip() == b"QUIT":
                    self.wfile.write(b"221 Goodbye\r\n")
                    return
                self.wfile.write(line)
        except ConnectionError:
            pass  # The experiment resets connections; that is no news.


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    # The director decides how many connections a server gets, never this queue.
    request_queue_size = socket.SOMAXCONN


def main() -> None:
    servers = [Server(("", int(port)), Greeter) for port in sys.argv[1:]]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
