# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the director: python3 traffic.py SERVICE... -- COMMAND..., where a service is an address; its port is 21.

A client and real servers (10.99.1.2 and .3, 2001:db8:99::2 and ::3) in namespaces of their own, and the command while
they are connected. One connection to each service says something every 20 ms and waits for the answer; others are opened
all the time. Prints as JSON how often each of it happened, and fails if a connection was lost.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time

SERVER = """
import socket, socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    address_family = socket.AF_INET6
    request_queue_size = 128
    def handle_error(self, *_):
        pass  # clients close with a reset
print("ready", flush=True)
Server(("", 21), Echo).serve_forever()
"""
PORT = 21
# The number of clients for each service.
CLIENTS = 2
# Seconds. A packet that got no answer is sent again after one, three and seven.
PATIENCE = 15
# Seconds for the command, which may build a scheduler, and run the role twice, in an emulated machine.
LIMIT = 1800
RESET = struct.pack("ii", 1, 0)


def sh(text: str) -> None:
    subprocess.run(["sh", "-ec", text], check=True, timeout=60)


def main(services: list[str], command: list[str]) -> None:
    # The client speaks through the loopback of the director; a connection from itself is balanced as any other.
    sh(
        "sysctl --quiet net.ipv6.conf.all.forwarding=1; "
        "ip netns add servers; ip link add servers type veth peer name eth0 netns servers; "
        "ip address add 10.99.1.254/24 dev servers; ip address add 2001:db8:99::fe/64 dev servers nodad; ip link set servers up; "
        "for last in 2 3; do ip -n servers address add 10.99.1.$last/24 dev eth0; "
        "ip -n servers address add 2001:db8:99::$last/64 dev eth0 nodad; done; "
        "ip -n servers link set eth0 up; "
        "ip -n servers route add default via 10.99.1.254; ip -n servers route add default via 2001:db8:99::fe; "
        "ip netns add client; ip link add client type veth peer name eth0 netns client; "
        "ip address add 10.99.0.254/24 dev client; ip address add 2001:db8:98::fe/64 dev client nodad; ip link set client up; "
        "ip -n client address add 10.99.0.1/24 dev eth0; ip -n client address add 2001:db8:98::1/64 dev eth0 nodad; "
        "ip -n client link set eth0 up; "
        "ip -n client route add default via 10.99.0.254; ip -n client route add default via 2001:db8:98::fe"
    )
    server = subprocess.Popen(["ip", "netns", "exec", "servers", sys.executable, "-c", SERVER], stdout=subprocess.PIPE)
    assert server.stdout
    try:
        assert server.stdout.readline() == b"ready\n"
        time.sleep(1)
        client = [sys.executable, __file__, "--client", *services, "--", *command]
        subprocess.run(["nsenter", "--net=/run/netns/client", *client], check=True, timeout=LIMIT)
    finally:
        server.kill()
        sh("ip netns delete client; ip netns delete servers")


class Opened:
    """The fate of the opened connections."""

    def __init__(self) -> None:
        self.opened = self.refused = self.unanswered = self.waited = 0
        self.slowest = 0.0
        self.ended = False
        self._lock = threading.Lock()

    def open_all_the_time(self, service: str) -> None:
        while not self.ended:
            begun = time.monotonic()
            try:
                with socket.create_connection((service, PORT), timeout=PATIENCE) as connection:
                    # No more of it than necessary: closed with a reset, it leaves nothing behind in the tables.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            except TimeoutError:
                outcome = "unanswered"
            except OSError:
                outcome = "refused"
            else:
                outcome = "opened"
            seconds = time.monotonic() - begun
            self.count(outcome, seconds)
            # The emulated machine has something else to do, too: the more, the slower it answers.
            time.sleep(0.01 + min(seconds, 1))

    def count(self, outcome: str, seconds: float) -> None:
        with self._lock:
            setattr(self, outcome, getattr(self, outcome) + 1)
            self.waited += seconds > 0.9 and outcome == "opened"
            self.slowest = max(self.slowest, seconds)


def talk(services: list[str], command: list[str]) -> None:
    """In the client's namespace, while the action runs in the director's."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection((service, PORT), timeout=PATIENCE)) for service in services]
        lines = [one.makefile("rb") for one in held]
        found = Opened()
        clients = [threading.Thread(target=found.open_all_the_time, args=[service]) for service in services * CLIENTS]
        for client in clients:
            client.start()
        try:
            job = subprocess.Popen(["nsenter", "--net=/proc/1/ns/net", *command], stdout=subprocess.DEVNULL)
            said = 0
            ended = 0.0
            while not ended or time.monotonic() < ended + 1:
                if not ended and job.poll() is not None:
                    ended = time.monotonic()
                for connection, answers in zip(held, lines, strict=True):
                    connection.sendall(b"%d\n" % said)
                    assert answers.readline() == b"%d\n" % said, "the connection was lost"
                said += 1
                time.sleep(0.02)
        finally:
            found.ended = True
            for client in clients:
                client.join(2 * PATIENCE)
        assert job.returncode == 0, f"{command} ended with {job.returncode}"
        names = ("opened", "refused", "unanswered", "waited", "slowest")
        print(json.dumps({"said": said, **{name: getattr(found, name) for name in names}}))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    between = arguments.index("--")
    if arguments[0] == "--client":
        talk(arguments[1:between], arguments[between + 1 :])
    else:
        main(arguments[:between], arguments[between + 1 :])
