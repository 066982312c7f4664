# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this process sends to the kernel's IPVS, seen where it leaves: at the sockets, whoever sends and however many at once."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_NLMSGHDR = struct.Struct("=IHHII")
_GENERIC = 16
_FIRST_FAMILY = 17  # the one below is generic netlink's own: names are resolved there
# IPVS_CMD_GET_SERVICE, _GET_DEST, _GET_DAEMON, _GET_CONFIG, _GET_INFO of linux/ip_vs.h; all others change something
_READING = {4, 8, 11, 13, 15}


def commands(data: bytes) -> list[int]:
    """Return the IPVS commands in what is sent at once, which may be several netlink messages."""
    found = []
    offset = 0
    while len(data) - offset >= _NLMSGHDR.size:
        length, family, _flags, _sequence, _port = _NLMSGHDR.unpack_from(data, offset)
        if length < _NLMSGHDR.size:
            raise ValueError(f"a netlink message of {length} bytes")
        if family >= _FIRST_FAMILY:
            found.append(data[offset + _NLMSGHDR.size])
        offset += (length + 3) & ~3
    return found


def changing(found: Sequence[int]) -> int:
    """Return how many of these commands change something.

    :raises ValueError: none of them reads: then they are not all that were sent.
    """
    if _READING.isdisjoint(found):
        raise ValueError("not one message that reads was seen: messages are sent in a way that is not seen here")
    return sum(command not in _READING for command in found)


@contextlib.contextmanager
def counted() -> Iterator[list[int]]:
    """The IPVS commands that Python's sockets send meanwhile."""
    found: list[int] = []

    def watching(name: str) -> Callable[..., Any]:
        original = getattr(socket.socket, name)

        def send(self: socket.socket, data: Any, *rest: Any) -> Any:
            if self.family == socket.AF_NETLINK and self.proto == _GENERIC:
                found.extend(commands(b"".join(data) if name == "sendmsg" else bytes(data)))
            return original(self, data, *rest)

        return send

    names = ("send", "sendall", "sendto", "sendmsg")
    for name in names:
        setattr(socket.socket, name, watching(name))
    try:
        yield found
    finally:
        for name in names:
            delattr(socket.socket, name)  # what is inherited shows again
