# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program on the real servers: answers each request with a line about it.

    NAME PEER-ADDRESS PEER-PORT LOCAL-ADDRESS BYTES SHA256-OF-THE-QUESTION

A request over TCP or SCTP starts with its length in four bytes; over UDP it is a datagram.
"""

from __future__ import annotations

import hashlib
import selectors
import socket
import struct
import threading

from .network import enter

LENGTH = struct.Struct("!I")
PATIENCE = 5.0
"""Seconds for which a server waits for the rest of a question."""

TYPES = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "sctp": (socket.SOCK_STREAM, socket.IPPROTO_SCTP),
}


def open_socket(protocol: str, address: str, port: int) -> socket.socket:
    """A bound socket of this thread's namespace."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, *TYPES[protocol])
    one.bind((address, port))
    return one


def answer(name: str, peer: tuple[str, int], local: str, question: bytes) -> bytes:
    return f"{name} {peer[0]} {peer[1]} {local} {len(question)} {hashlib.sha256(question).hexdigest()}".encode()


def receive(connection: socket.socket, length: int) -> bytes:
    """Read this many bytes; fewer if the other side closes first."""
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            break
        received += piece
    return received


def serve(namespace: str, addresses: list[str], ports: list[int]) -> None:
    """Answer for ever, in a thread of its own."""
    ready: threading.Event = threading.Event()
    failed: list[Exception] = []

    def work() -> None:
        try:
            enter(namespace)
            listening = selectors.DefaultSelector()
            for protocol in TYPES:
                for address in addresses:
                    for port in ports:
                        one = open_socket(protocol, address, port)
                        if protocol != "udp":
                            one.listen(16)
                        listening.register(one, selectors.EVENT_READ, (protocol, address))
        except OSError as error:
            failed.append(error)
            return
        finally:
            ready.set()
        while True:
            for key, _events in listening.select():
                protocol, address = key.data
                assert isinstance(key.fileobj, socket.socket)
                if protocol == "udp":
                    _answer_datagram(namespace, address, key.fileobj)
                else:
                    connection, peer = key.fileobj.accept()
                    threading.Thread(target=_answer_stream, args=(namespace, address, connection, peer), daemon=True).start()

    threading.Thread(target=work, daemon=True).start()
    if not ready.wait(60):
        raise RuntimeError(f"{namespace} does not listen after 60 s")
    if failed:
        raise RuntimeError(f"{namespace} cannot listen: {failed[0]}") from failed[0]


def _answer_datagram(name: str, local: str, one: socket.socket) -> None:
    question, peer = one.recvfrom(65536)
    one.sendto(answer(name, peer, local, question), peer)


def _answer_stream(name: str, local: str, connection: socket.socket, peer: tuple[str, int]) -> None:
    with connection:
        connection.settimeout(PATIENCE)
        try:
            (length,) = LENGTH.unpack(receive(connection, LENGTH.size))
            connection.sendall(answer(name, peer, local, receive(connection, length)))
            # The client closes first: TIME_WAIT is then on its side.
            connection.recv(1)
        except (OSError, struct.error):
            # The client reports the failure.
            return
