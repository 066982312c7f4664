# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the director: a client and two real servers in namespaces of their own, and argv[1:] while they are connected.

One connection says something every 20 ms and waits for the answer; new ones are opened all the time. Prints how often
each of it happened, and ends with an error if anything was lost.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time

SERVER = """
import socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
socketserver.ThreadingTCPServer.allow_reuse_address = True
print("ready", flush=True)
socketserver.ThreadingTCPServer(("", 21), Echo).serve_forever()
"""
SERVICE = ("10.211.55.3", 21)


def sh(text: str) -> None:
    subprocess.run(["sh", "-ec", text], check=True)


def main(command: list[str]) -> None:
    # The client speaks through the loopback of the director; a connection from itself is balanced as any other.
    sh(
        "ip netns add servers; ip link add servers type veth peer name eth0 netns servers; "
        "ip address add 10.99.1.254/24 dev servers; ip link set servers up; "
        "ip -n servers address add 10.99.1.3/24 dev eth0; ip -n servers address add 10.99.1.2/24 dev eth0; "
        "ip -n servers link set eth0 up; ip -n servers route add default via 10.99.1.254; "
        "ip netns add client; ip link add client type veth peer name eth0 netns client; "
        "ip address add 10.99.0.254/24 dev client; ip link set client up; "
        "ip -n client address add 10.99.0.1/24 dev eth0; ip -n client link set eth0 up; "
        "ip -n client route add default via 10.99.0.254"
    )
    server = subprocess.Popen(["ip", "netns", "exec", "servers", sys.executable, "-c", SERVER], stdout=subprocess.PIPE)
    assert server.stdout
    try:
        assert server.stdout.readline() == b"ready\n"
        time.sleep(1)
        client = [sys.executable, __file__, "--client", *command]
        subprocess.run(["nsenter", "--net=/run/netns/client", *client], check=True)
    finally:
        server.kill()
        sh("ip netns delete client; ip netns delete servers")


def talk(command: list[str]) -> None:
    """In the client's namespace; what is to be done meanwhile is done in the director's."""
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(socket.create_connection(SERVICE, timeout=10))
        lines = held.makefile("rb")
        job = subprocess.Popen(["nsenter", "--net=/proc/1/ns/net", *command])
        said = opened = 0
        ended = 0.0
        while not ended or time.monotonic() < ended + 1:
            if not ended and job.poll() is not None:
                ended = time.monotonic()
            held.sendall(b"%d\n" % said)
            assert lines.readline() == b"%d\n" % said, "the connection was lost"
            said += 1
            if said % 5 == 0:
                stack.enter_context(socket.create_connection(SERVICE, timeout=10))
                opened += 1
            time.sleep(0.02)
        assert job.returncode == 0, f"{command} ended with {job.returncode}"
        print(f"lost nothing: said {said}, opened {opened}")


if __name__ == "__main__":
    if sys.argv[1] == "--client":
        talk(sys.argv[2:])
    else:
        main(sys.argv[1:])
