# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch the messages that this process sends to the kernel's IPVS, at the sockets, whatever code sends them."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

_NLMSGHDR = struct.Struct("=IHHII")
_RECORD = struct.Struct("=III")  # struct record of floor.c
_NLM_F_DUMP = 0x300
_GENERIC = 16
_FIRST_FAMILY = 17  # the one below is generic netlink's own: names are resolved there
# IPVS_CMD_GET_SERVICE, _GET_DEST, _GET_DAEMON, _GET_CONFIG, _GET_INFO of linux/ip_vs.h; all others change something
_READING = {4, 8, 11, 13, 15}


def _messages(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield IPVS command, flags and sequence number of each message in a buffer."""
    offset = 0
    while len(data) - offset >= _NLMSGHDR.size:
        length, family, flags, sequence, _port = _NLMSGHDR.unpack_from(data, offset)
        if length < _NLMSGHDR.size:
            raise ValueError(f"a netlink message of {length} bytes")
        if family >= _FIRST_FAMILY:
            yield data[offset + _NLMSGHDR.size], flags, sequence
        offset += (length + 3) & ~3


def commands(sent: Iterable[bytes]) -> list[int]:
    """Return the IPVS commands in all that was sent."""
    return [command for data in sent for command, _flags, _sequence in _messages(data)]


def changing(found: Sequence[int]) -> int:
    """Return the number of commands that change something.

    :raises ValueError: none of them reads, so some were missed.
    """
    if _READING.isdisjoint(found):
        raise ValueError("not one message that reads was seen: messages are sent in a way that is not seen here")
    return sum(command not in _READING for command in found)


def records(sent: Iterable[bytes]) -> bytes:
    """Return the records with which ``floor.c`` sends the same messages again."""
    found = []
    for data in sent:
        *_others, (_command, flags, sequence) = _messages(data)
        found.append(_RECORD.pack(len(data), sequence, flags & _NLM_F_DUMP == _NLM_F_DUMP) + data)
    return b"".join(found)


@contextlib.contextmanager
def recorded() -> Iterator[list[bytes]]:
    """The datagrams that Python's sockets send to IPVS during the block."""
    found: list[bytes] = []

    def watching(name: str) -> Callable[..., Any]:
        original = getattr(socket.socket, name)

        def send(self: socket.socket, data: Any, *rest: Any) -> Any:
            if self.family == socket.AF_NETLINK and self.proto == _GENERIC:
                datagram = b"".join(data) if name == "sendmsg" else bytes(data)
                if commands([datagram]):
                    found.append(datagram)
            return original(self, data, *rest)

        return send

    names = ("send", "sendall", "sendto", "sendmsg")
    for name in names:
        setattr(socket.socket, name, watching(name))
    try:
        yield found
    finally:
        for name in names:
            delattr(socket.socket, name)  # uncover the inherited method
