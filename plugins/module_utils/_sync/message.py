# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The kernel's sync messages, version 1: convert connections to datagrams and back. Pure functions.

The layout is that of struct ip_vs_sync_mesg, ip_vs_sync_v4 and ip_vs_sync_v6 in net/netfilter/ipvs/ip_vs_sync.c; all numbers
are in network byte order. One TCP connection over IPv4, established, for 900 more seconds, with sync_id 7::

    00 07 002c 01 01 0000                           header: sync_id 7, 44 bytes, 1 connection, version 1
    00 06 0024 00000000 0001 9c40 0050 1f90         IPv4, TCP, 36 bytes, flags, ESTABLISHED, ports of client, service, destination
    00000000 00000384                               firewall mark, timeout in seconds
    c0000264 0a0a0003 0a000001                      addresses of client, service, destination

Options of persistence engines may follow a connection, each with its type and length in a byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Optional

VERSION = 1

# Flags of a connection (include/uapi/linux/ip_vs.h) that a message may set.
F_NOOUTPUT = 0x0080  # replies bypass the director: every method but masquerade
F_INACTIVE = 0x0100
F_TEMPLATE = 0x1000

_HEADER = struct.Struct("!BBHBbH")
_V4 = struct.Struct("!BBHIHHHHII4s4s4s")
_V6 = struct.Struct("!BBHIHHHHII16s16s16s")
_TYPE_IPV6 = 1
_OPTION_ENGINE_DATA = 2
_OPTION_ENGINE_NAME = 3
_SIZE_MASK = 0x0FFF
# The number of connections in a message is one byte.
_MOST_CONNECTIONS = 255


class Damaged(Exception):
    """A datagram that is no sync message. Anybody may send to the group: ignore it, as the kernel does."""


class SyncConnection(NamedTuple):
    """A connection in a message, or the template of a persistent client."""

    protocol: int
    client_address: bytes
    client_port: int
    address: bytes
    port: int
    destination_address: bytes
    destination_port: int
    state: int
    flags: int = 0
    fwmark: int = 0
    timeout: int = 0  # seconds; 0: the kernel's timeout of the state
    engine: bytes = b""
    engine_data: bytes = b""

    @property
    def key(self) -> bytes:
        """The identity of the connection, the same in listing and message."""
        return b"%c%b%b%b%b" % (
            self.protocol,
            self.client_address,
            self.address,
            self.destination_address,
            _PORTS.pack(self.client_port, self.port, self.destination_port) + self.engine_data,
        )


_PORTS = struct.Struct("!HHH")


class Message(NamedTuple):
    """The content of a datagram: connections, or a payload of this package."""

    sync_id: int
    connections: tuple[SyncConnection, ...] = ()
    payload: bytes = b""


def pack_connection(connection: SyncConnection) -> bytes:
    """Return a connection's part of a message, padded to four bytes."""
    options = b""
    if connection.engine_data:
        options = bytes((_OPTION_ENGINE_DATA, len(connection.engine_data))) + connection.engine_data
        options += bytes((_OPTION_ENGINE_NAME, len(connection.engine))) + connection.engine
    layout, kind = (_V4, 0) if len(connection.client_address) == 4 else (_V6, _TYPE_IPV6)
    size = layout.size + len(options)
    fixed = layout.pack(
        kind,
        connection.protocol,
        size,
        connection.flags,
        connection.state,
        connection.client_port,
        connection.port,
        connection.destination_port,
        connection.fwmark,
        connection.timeout,
        connection.client_address,
        connection.address,
        connection.destination_address,
    )
    return fixed + options + b"\0" * (-size % 4)


def pack_messages(connections: Iterable[SyncConnection], sync_id: int, maximum_length: int) -> Iterator[tuple[bytes, int]]:
    """Yield datagrams, each with the number of its connections.

    :param maximum_length: maximum bytes of a datagram, the backup daemon's ``sync_maxlen``: the kernel drops longer ones.
    """
    parts: list[bytes] = []
    length = _HEADER.size
    for connection in connections:
        part = pack_connection(connection)
        if parts and (length + len(part) > maximum_length or len(parts) == _MOST_CONNECTIONS):
            yield _message(parts, sync_id), len(parts)
            parts, length = [], _HEADER.size
        parts.append(part)
        length += len(part)
    if parts:
        yield _message(parts, sync_id), len(parts)


def pack_payload(payload: bytes, sync_id: int) -> bytes:
    """Return a message without connections: the kernel reads only its header."""
    return _HEADER.pack(0, sync_id, _HEADER.size + len(payload), 0, VERSION, 0) + payload


def _message(parts: list[bytes], sync_id: int) -> bytes:
    body = b"".join(parts)
    return _HEADER.pack(0, sync_id, _HEADER.size + len(body), len(parts), VERSION, 0) + body


def unpack_message(data: bytes) -> Optional[Message]:
    """Return a datagram's content; None if it is not of version 1 (kernels with sync_version 0 send others).

    :raises Damaged: it is damaged.
    """
    if len(data) < _HEADER.size:
        raise Damaged(f"a sync message of {len(data)} bytes has no header")
    zero, sync_id, size, number, version, spare = _HEADER.unpack_from(data)
    if zero or spare or version != VERSION:
        return None
    if size != len(data):
        raise Damaged(f"a sync message of {len(data)} bytes gives its length as {size}")
    if not number:
        return Message(sync_id, payload=data[_HEADER.size :])
    connections = []
    offset = _HEADER.size
    for _index in range(number):
        connection, offset = _unpack_connection(data, offset)
        connections.append(connection)
    return Message(sync_id, tuple(connections))


def _unpack_connection(data: bytes, offset: int) -> tuple[SyncConnection, int]:
    if offset + _V4.size > len(data):
        raise Damaged("a sync message ends within a connection")
    layout = _V6 if data[offset] & _TYPE_IPV6 else _V4
    size = int.from_bytes(data[offset + 2 : offset + 4], "big") & _SIZE_MASK
    end = offset + size
    if size < layout.size or end > len(data):
        raise Damaged(f"a connection of {size} bytes does not fit into its sync message")
    (_kind, protocol, _size, flags, state, client_port, port, destination_port, fwmark, timeout, client, address, destination) = (
        layout.unpack_from(data, offset)
    )
    options = dict(_options(data[offset + layout.size : end]))
    found = SyncConnection(
        protocol,
        client,
        client_port,
        address,
        port,
        destination,
        destination_port,
        state,
        flags,
        fwmark,
        timeout,
        options.get(_OPTION_ENGINE_NAME, b""),
        options.get(_OPTION_ENGINE_DATA, b""),
    )
    return found, end + -size % 4


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        if len(data) < 2 or len(data) < 2 + data[1]:
            raise Damaged("an option of a connection does not fit into its sync message")
        yield data[0], data[2 : 2 + data[1]]
        data = data[2 + data[1] :]
