# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""Parse the kernel's list of connections (/proc/net/ip_vs_conn, ip_vs_conn_sync) for ``ipvs_connection_info``.

There may be millions of connections: filters compare the raw text, and only returned connections are decoded. The format is that
of ip_vs_conn_seq_show() in net/netfilter/ipvs/ip_vs_conn.c:

    Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
    TCP C0000264 9C40 0A0A0003 0050 0A000001 1F90 ESTABLISHED     893

Addresses are eight hexadecimal digits for IPv4, and eight groups of four for IPv6; a destination may be of another family
than the rest. Ports are four hexadecimal digits. Expires is in seconds. In ip_vs_conn_sync, the origin precedes it, and no
persistence engine follows.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.connections import Connection, WantedConnections
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsNotReadyError, IpvsProtocolError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.table import format_address
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import TEMPLATE_STATES

# Exist in every network namespace while ip_vs is loaded, and are world-readable.
CONNECTIONS = "/proc/net/ip_vs_conn"
CONNECTIONS_WITH_ORIGIN = "/proc/net/ip_vs_conn_sync"

_PROTOCOL, _CLIENT, _CLIENT_PORT, _ADDRESS, _PORT, _DESTINATION, _DESTINATION_PORT, _STATE = range(8)
_EXPIRES, _ENGINE, _ENGINE_DATA = 8, 9, 10
_ORIGIN = 8

# The kernel's name for protocol 0: the template of a firewall mark, which replaces the virtual address.
_FWMARK = b"IP"
_NO_PORT = b"0000"
_TEMPLATE_STATES = frozenset(word.encode() for word in TEMPLATE_STATES)

Fields = list[bytes]


class DestinationLoad(NamedTuple):
    """The number of connections of a destination by state."""

    address: bytes
    port: int
    states: dict[str, int]


class Connections(NamedTuple):
    """The first matching connections, and counts of all matching ones."""

    connections: tuple[Connection, ...]
    states: dict[str, int]
    destinations: tuple[DestinationLoad, ...]
    origins: Optional[dict[str, int]] = None

    @property
    def total(self) -> int:
        """The number of matching connections, listed or only counted."""
        return sum(self.states.values())


def listing(path: str) -> Iterator[bytes]:
    """Yield the lines of a listing while reading it; only one page is in memory.

    :raises IpvsUnavailableError: it does not exist, or cannot be read.
    """
    try:
        with open(path, "rb") as lines:
            yield from lines
    except FileNotFoundError as exc:
        raise IpvsNotReadyError(
            f"IPVS is not available: {path} does not exist, so the kernel module ip_vs is not loaded. "
            "Load it (modprobe ip_vs, or the role lvs.director.ipvs_director)"
        ) from exc
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot read {path}: {os.strerror(exc.errno or 0)}") from exc


def read_connections(lines: Iterable[bytes], wanted: WantedConnections) -> Connections:
    """Return the first matching connections, up to the limit, and counts of all matching ones.

    :param lines: of /proc/net/ip_vs_conn.
    :raises IpvsProtocolError: a line cannot be understood.
    """
    matches = _matcher(wanted)
    listed: list[Connection] = []
    counts: Counter[tuple[bytes, bytes, bytes]] = Counter()
    for fields in _records(lines, _EXPIRES + 1):
        if matches(fields):
            counts[(fields[_DESTINATION], fields[_DESTINATION_PORT], fields[_STATE])] += 1
            if len(listed) < wanted.limit:
                listed.append(_connection(fields))
    states: Counter[str] = Counter()
    loads: dict[tuple[bytes, int], dict[str, int]] = {}
    for (address, port, raw_state), number in sorted(counts.items()):
        state = _word(raw_state)
        states[state] += number
        loads.setdefault((_address(address), _number(port, 16)), {})[state] = number
    destinations = [DestinationLoad(*key, found) for key, found in sorted(loads.items(), key=lambda load: (len(load[0][0]), load[0]))]
    return Connections(tuple(listed), dict(sorted(states.items())), tuple(destinations))


def add_origins(lines: Iterable[bytes], wanted: WantedConnections, found: Connections) -> Connections:
    """Add the origin of connections: ``local``, or ``sync`` for those received from another director.

    :param lines: of /proc/net/ip_vs_conn_sync: the same table, listed again a moment later.
    :raises IpvsProtocolError: a line cannot be understood.
    """
    matches = _matcher(wanted)
    listed: dict[tuple[bytes, ...], set[str]] = {_identity(connection): set() for connection in found.connections}
    origins: Counter[str] = Counter()
    for fields in _records(lines, _ORIGIN + 2):
        origin = _word(fields[_ORIGIN]).lower()
        seen = listed.get(tuple(fields[:_STATE]))
        if seen is not None:
            seen.add(origin)
        if matches(fields):
            origins[origin] += 1

    def with_origin(connection: Connection) -> Connection:
        # Ended in the meantime, or templates that differ only in the data of a persistence engine.
        seen = listed[_identity(connection)]
        return connection._replace(origin=next(iter(seen))) if len(seen) == 1 else connection

    return found._replace(connections=tuple(map(with_origin, found.connections)), origins=dict(sorted(origins.items())))


def _records(lines: Iterable[bytes], least: int) -> Iterator[Fields]:
    """Yield the fields of each connection, skipping the heading."""
    for line in lines:
        fields = line.split(None, _ENGINE_DATA)
        if len(fields) < least:
            raise IpvsProtocolError(f"a line in the kernel's listing of connections cannot be understood: {line!r}")
        if fields[_PROTOCOL] != b"Pro":
            yield fields


def _matcher(wanted: WantedConnections) -> Callable[[Fields], bool]:
    """Return a predicate for the wanted connections."""
    equal: list[tuple[int, bytes]] = []
    if wanted.protocol is not None:
        equal.append((_PROTOCOL, wanted.protocol.upper().encode()))
    if wanted.address is not None:
        equal.append((_ADDRESS, _address_text(wanted.address)))
    if wanted.port is not None:
        equal.append((_PORT, _port_text(wanted.port)))
    if wanted.destination_address is not None:
        equal.append((_DESTINATION, _address_text(wanted.destination_address)))
    if wanted.destination_port is not None:
        equal.append((_DESTINATION_PORT, _port_text(wanted.destination_port)))
    tests: list[Callable[[Fields], bool]] = []
    if equal:
        tests.append(lambda fields: all(fields[index] == text for index, text in equal))
    if wanted.address is not None:
        tests.append(lambda fields: fields[_PROTOCOL] != _FWMARK)
    if wanted.states is not None:
        states = {state.encode() for state in wanted.states}
        tests.append(lambda fields: fields[_STATE] in states)
    if wanted.template is not None:
        tests.append(lambda fields: _is_template(fields) == wanted.template)
    if wanted.client is not None:
        tests.append(_client_matcher(*wanted.client))
    return lambda fields: all(test(fields) for test in tests)


def _client_matcher(address: bytes, length: int) -> Callable[[Fields], bool]:
    digits, shift = len(_address_text(address)), 8 * len(address) - length
    network = int.from_bytes(address, "big") >> shift

    def matches(fields: Fields) -> bool:
        text = fields[_CLIENT]
        return len(text) == digits and int(text.replace(b":", b""), 16) >> shift == network

    return matches


def _is_template(fields: Fields) -> bool:
    """Return whether this is a template: only templates have no client port and one of these states.

    The listing does not mark templates. A TCP or SCTP connection leaves NONE with its first packet.
    """
    return fields[_CLIENT_PORT] == _NO_PORT and fields[_STATE] in _TEMPLATE_STATES


def _connection(fields: Fields) -> Connection:
    address = _address(fields[_ADDRESS])
    marked = fields[_PROTOCOL] == _FWMARK
    return Connection(
        protocol=None if marked else _word(fields[_PROTOCOL]).lower(),
        client_address=_address(fields[_CLIENT]),
        client_port=_number(fields[_CLIENT_PORT], 16),
        address=b"" if marked else address,
        port=_number(fields[_PORT], 16),
        fwmark=int.from_bytes(address[:4], "big") if marked else 0,
        destination_address=_address(fields[_DESTINATION]),
        destination_port=_number(fields[_DESTINATION_PORT], 16),
        state=_word(fields[_STATE]),
        expires_seconds=_number(fields[_EXPIRES], 10),
        template=_is_template(fields),
        persistence_engine=_word(fields[_ENGINE]) if len(fields) > _ENGINE else "",
        persistence_data=_word(fields[_ENGINE_DATA].strip()) if len(fields) > _ENGINE_DATA else "",
    )


def _identity(connection: Connection) -> tuple[bytes, ...]:
    """Return the identity of a connection in a listing: the fields before its state."""
    address = connection.address
    if connection.fwmark:
        address = connection.fwmark.to_bytes(4, "big").ljust(len(connection.client_address), b"\0")
    return (
        _FWMARK if connection.protocol is None else connection.protocol.upper().encode(),
        _address_text(connection.client_address),
        _port_text(connection.client_port),
        _address_text(address),
        _port_text(connection.port),
        _address_text(connection.destination_address),
        _port_text(connection.destination_port),
    )


def _address_text(address: bytes) -> bytes:
    text = address.hex().encode()
    return text.upper() if len(address) == 4 else b":".join(text[start : start + 4] for start in range(0, 32, 4))


def _port_text(port: int) -> bytes:
    return b"%04X" % port


def _address(text: bytes) -> bytes:
    try:
        packed = bytes.fromhex(text.replace(b":", b"").decode("ascii"))
    except ValueError:
        packed = b""
    if len(packed) not in (4, 16):
        raise IpvsProtocolError(f"an address in the kernel's listing of connections cannot be understood: {text!r}")
    return packed


def _number(text: bytes, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise IpvsProtocolError(f"a number in the kernel's listing of connections cannot be understood: {text!r}") from None


def _word(text: bytes) -> str:
    return text.decode("ascii", "replace")


# -- results ----------------------------------------------------------------------------------------------------------


def connection_result(connection: Connection) -> dict[str, Any]:
    """Return a connection or template; missing values are None."""
    return {
        "protocol": connection.protocol,
        "client_address": format_address(connection.client_address),
        "client_port": connection.client_port,
        "address": format_address(connection.address) if connection.address else None,
        "port": None if connection.fwmark else connection.port,
        "fwmark": connection.fwmark or None,
        "destination_address": format_address(connection.destination_address),
        "destination_port": connection.destination_port,
        "state": connection.state,
        "expires_seconds": connection.expires_seconds,
        "template": connection.template,
        "persistence_engine": connection.persistence_engine or None,
        "persistence_data": connection.persistence_data or None,
        "origin": connection.origin or None,
    }


def connections_result(found: Connections) -> dict[str, Any]:
    """Return a listing of connections with its counts."""
    return {
        "connections": [connection_result(connection) for connection in found.connections],
        "truncated": found.total > len(found.connections),
        "total": found.total,
        "states": found.states,
        "destinations": [
            {
                "address": format_address(load.address),
                "port": load.port,
                "connections": sum(load.states.values()),
                "states": load.states,
            }
            for load in found.destinations
        ],
        "origins": found.origins,
    }
