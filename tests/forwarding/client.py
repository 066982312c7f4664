# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's side: sends a question to a virtual service, and returns the server that answered."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import socket
import time
from typing import NamedTuple

from .network import CLIENT, inside
from .servers import LENGTH, open_socket

PATIENCE = 2.5
"""Seconds to wait for an answer. TCP and SCTP resend a packet that was too long for a tunnel sooner."""

# One after the other: a port that was used before may have a connection in the director's table.
_PORTS = itertools.count(20000)


class Answer(NamedTuple):
    """A reply, and its connection."""

    server: str
    peer: tuple[str, int]
    local: str
    port: int
    """The client's own."""
    intact: bool
    """Whether the server received the client's bytes."""


class NoAnswer(Exception):
    """Why there is none, in few words."""


def ask(protocol: str, address: str, port: int, size: int) -> Answer:
    """Send this many bytes to a service in one connection or datagram."""
    question = os.urandom(size)
    with inside("client"):
        while True:
            own = next(_PORTS)
            try:
                one = open_socket(protocol, CLIENT[6 if ":" in address else 4], own)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
    with one:
        try:
            reply = _datagram(one, address, port, question) if protocol == "udp" else _stream(one, address, port, question)
        except TimeoutError:
            raise NoAnswer("no answer") from None
        except OSError as error:
            raise NoAnswer(f"{error.strerror or error}".lower()) from None
    server, peer, peer_port, local, length, digest = reply.decode().split()
    intact = (int(length), digest) == (size, hashlib.sha256(question).hexdigest())
    return Answer(server, (peer, int(peer_port)), local, own, intact)


def _stream(one: socket.socket, address: str, port: int, question: bytes) -> bytes:
    one.settimeout(PATIENCE)
    one.connect((address, port))
    one.sendall(LENGTH.pack(len(question)) + question)
    reply = one.recv(4096)
    if not reply:
        raise NoAnswer("closed without an answer")
    return reply


def _datagram(one: socket.socket, address: str, port: int, question: bytes) -> bytes:
    """As programs do: send again after a while. The first one may be too long for a tunnel, and teach the kernel so."""
    one.connect((address, port))
    deadline = time.monotonic() + PATIENCE
    one.settimeout(0.3)
    while True:
        try:
            one.send(question)
            return one.recv(4096)
        except TimeoutError:
            if time.monotonic() > deadline:
                raise
        except OSError as error:
            # Once, after that the kernel cuts datagrams into pieces by itself.
            if error.errno != errno.EMSGSIZE or time.monotonic() > deadline:
                raise
