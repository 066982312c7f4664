# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert the kernel's listing of connections for sync messages.

The listing (/proc/net/ip_vs_conn) lacks two fields of a message: the forwarding method, which the backup takes from its own
destination, and the firewall mark of a connection, which is looked up in the table of services.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry
from ansible_collections.lvs.director.plugins.module_utils._sync.message import F_INACTIVE, F_NOOUTPUT, F_TEMPLATE, SyncConnection

_TCP_STATES = "NONE ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN SYNACK".split()
_SCTP_STATES = "NONE INIT1 INIT C-SENT C-REPLIED C-WAIT COOKIE C-ECHOED ESTABLISHED S-SENT S-RECEIVED S-ACK-SENT REJECTED CLOSED".split()
_IP, _TCP, _UDP, _SCTP = 0, uapi.PROTOCOLS["tcp"], uapi.PROTOCOLS["udp"], uapi.PROTOCOLS["sctp"]
_PROTOCOLS = {b"TCP": _TCP, b"UDP": _UDP, b"SCTP": _SCTP, b"IP": _IP}
_TEMPLATE_STATES = {word.encode(): number for number, word in enumerate(uapi.TEMPLATE_STATES)}
_STATES = {
    _TCP: {word.encode(): number for number, word in enumerate(_TCP_STATES)},
    _SCTP: {word.encode(): number for number, word in enumerate(_SCTP_STATES)},
    _UDP: {b"UDP": 0},
}
# As the kernel's own daemon (ip_vs_sync_conn_needed): no handshakes, which last only seconds.
_TOLD = {
    _TCP: {b"ESTABLISHED", b"FIN_WAIT", b"TIME_WAIT", b"CLOSE", b"CLOSE_WAIT"},
    _SCTP: {b"ESTABLISHED", b"S-SENT", b"S-RECEIVED", b"S-ACK-SENT", b"CLOSED"},
    _UDP: {b"UDP"},
}
# Connections in other states, and all of UDP, count as inactive (the kernel's tcp_state_active_table).
_ACTIVE = {_TCP: {b"ESTABLISHED"}, _SCTP: {b"ESTABLISHED"}, _UDP: frozenset[bytes]()}
# The state that ends a connection.
_CLOSED = {_TCP: _TCP_STATES.index("CLOSE"), _SCTP: _SCTP_STATES.index("CLOSED"), _UDP: 0}

Complete = Callable[[SyncConnection], SyncConnection]


def read_connections(lines: Iterable[bytes], complete: Complete) -> Iterator[SyncConnection]:
    """Yield the connections of a listing to send. Skips protocols that are not synchronised.

    :param lines: of /proc/net/ip_vs_conn.
    :param complete: adds the fields that the listing lacks (``completing``).
    """
    for line in lines:
        found = _connection(line.split(None, 10))
        if found is not None:
            yield complete(found)


def _connection(fields: list[bytes]) -> Optional[SyncConnection]:
    protocol = _PROTOCOLS.get(fields[0]) if len(fields) >= 9 else None
    if protocol is None:
        return None
    state = fields[7]
    template = state in _TEMPLATE_STATES and fields[2] == b"0000"
    if not template and state not in _TOLD.get(protocol, ()):
        return None
    client, address, destination = (bytes.fromhex(fields[index].replace(b":", b"").decode("ascii")) for index in (1, 3, 5))
    if len(client) != len(destination):
        # Tunnelled between families. The kernel runs no sync daemon beside such a destination.
        return None
    if template:
        number, flags = _TEMPLATE_STATES[state], F_TEMPLATE
    else:
        number, flags = _STATES[protocol][state], 0 if state in _ACTIVE[protocol] else F_INACTIVE
    return SyncConnection(
        protocol,
        client,
        int(fields[2], 16),
        address,
        int(fields[4], 16),
        destination,
        int(fields[6], 16),
        number,
        flags,
        # The remaining time, but never 0, which means the state's own timeout.
        timeout=max(1, int(fields[8])),
        engine=fields[9] if len(fields) > 10 else b"",
        engine_data=fields[10].rstrip(b"\n") if len(fields) > 10 else b"",
    )


def ended(connection: SyncConnection) -> SyncConnection:
    """Return the message that makes the kernel forget a connection within a second or two."""
    if connection.flags & F_TEMPLATE:
        return connection._replace(state=0, flags=F_TEMPLATE, timeout=1)
    return connection._replace(state=_CLOSED[connection.protocol], flags=F_INACTIVE, timeout=1)


class Fingerprints(NamedTuple):
    """Hashes of all services and destinations in order. Directors with equal ones choose from the same real servers."""

    table: str  # without the weights
    weights: str  # with them


def fingerprints(table: Iterable[Entry]) -> Fingerprints:
    """Return the fingerprints of a table."""
    found = sorted(table, key=lambda entry: repr(entry.service.key))
    bare = [entry._replace(destinations=tuple(each._replace(weight=0) for each in entry.destinations)) for entry in found]
    return Fingerprints(*(hashlib.sha256(repr(entries).encode()).hexdigest()[:16] for entries in (bare, found)))


def completing(table: Iterable[Entry]) -> Complete:
    """Return a function that adds the firewall mark and the forwarding method of a connection's service.

    A connection that matches a service by address has no mark. Any other connection has the mark of the only marked service with its
    destination. If there are several, 0 leaves the connection without a destination on the backup: it is still forwarded, but not
    counted.
    """
    services: set[tuple[int, bytes, int]] = set()
    marks: dict[tuple[bytes, int], set[int]] = {}
    methods: dict[tuple[bytes, int], int] = {}
    for entry in table:
        key = entry.service.key
        if not key.fwmark and key.protocol in uapi.PROTOCOLS:
            services.add((uapi.PROTOCOLS[key.protocol], key.address, key.port))
        for destination in entry.destinations:
            name = (destination.key.address, destination.key.port)
            method = uapi.FORWARD_METHODS.get(destination.forward_method, 0)
            methods[name] = method | (F_NOOUTPUT if method else 0)
            if key.fwmark:
                marks.setdefault(name, set()).add(key.fwmark)

    def complete(connection: SyncConnection) -> SyncConnection:
        named, any_port = (connection.destination_address, connection.destination_port), (connection.destination_address, 0)
        mark = 0
        if connection.protocol == _IP:
            # The template of a mark has it instead of the virtual address.
            mark = int.from_bytes(connection.address[:4], "big")
        elif marks:
            protocol, address, port = connection.protocol, connection.address, connection.port
            if (protocol, address, port) not in services and (protocol, address, 0) not in services:
                found = marks.get(named) or marks.get(any_port) or set()
                mark = next(iter(found)) if len(found) == 1 else 0
        method = methods.get(named) or methods.get(any_port) or 0
        return connection._replace(fwmark=mark, flags=connection.flags | method) if mark or method else connection

    return complete
