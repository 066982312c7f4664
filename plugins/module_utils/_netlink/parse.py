# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Bytes -> model: the services and destinations in the kernel's messages. Pure functions, no input or output.

What is sent to change them: ``build``; timeouts and sync daemons, both ways: ``settings``. A task that finds nothing to do
needs neither.

Byte order: ports (service, destination, tunnel) and addresses travel in network order, everything else in host order, the sync
daemon's port included.

All kernels from 5.10 on send a destination's attributes in the same order. A listing of thousands is decoded by one struct,
which takes the headers out together with the values; where a header is not the expected one, the messages are decoded
attribute by attribute instead. Destination 10.0.0.1:80, masquerade, weight 1, on a little-endian machine::

      0  64 01 00 00 ..        struct nlmsghdr: 356 bytes
     16  01 01 00 00           struct genlmsghdr
     20  50 01 02 00           IPVS_CMD_ATTR_DEST: 336 bytes
     24  14 00 01 00           IPVS_DEST_ATTR_ADDR: 20 bytes with this header
     28  0a 00 00 01 00 ..     16 bytes, of which IPv4 uses the first four
     44  06 00 02 00           IPVS_DEST_ATTR_PORT
     48  00 50 00 00           80, and padding
     52  08 00 03 00 00 00 00 00    FWD_METHOD  0: masquerade   \\
     60  08 00 04 00 01 00 00 00    WEIGHT      1               | 56 bytes: the configuration, which most
     68  05 00 0d 00 00 00 00 00    TUN_TYPE                    | destinations of a table share. Decoded
     76  06 00 0e 00 00 00 00 00    TUN_PORT                    | once, then looked up.
     84  06 00 0f 00 00 00 00 00    TUN_FLAGS                   |
     92  08 00 05 00 00 00 00 00    U_THRESH                    |
    100  08 00 06 00 00 00 00 00    L_THRESH                    /
    108  08 00 07 00 .. 08 00 08 00 .. 08 00 09 00 ..   ACTIVE_CONNS, INACT_CONNS, PERSIST_CONNS
    132  06 00 0b 00 02 00 00 00    ADDR_FAMILY 2: AF_INET
    140  5c 00 0a 00 ..             STATS: 92 bytes
    232  7c 00 0c 00 0c 00 01 00 .. STATS64: 124 bytes, ten numbers of 8 bytes, each with its header

pyroute2's own IPVS classes are not used: Debian 12 and 13 ship versions without them, and later ones swap the tunnel port's
bytes, type an IPv6 prefix length as an IPv4 address, and leave out the netmask that the kernel demands.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationCounters,
    DestinationKey,
    Service,
    ServiceKey,
    Stats,
    canonical_destination,
    canonical_service,
)
from ansible_collections.lvs.director.plugins.module_utils._netlink.decode import HEADER, number, require, text, values

_new = tuple.__new__
_FIRST_FOUR = itemgetter(slice(4))
_FLAGS = struct.Struct("=II")
_U16_ATTRIBUTE = struct.Struct("=HHH2x")


class _OtherLayout(Exception):
    """The messages are not laid out as the struct has it."""


def _u16_attribute(kind: int, value: int) -> bytes:
    return _U16_ATTRIBUTE.pack(6, kind, value)


_AF_INET = int(uapi.FAMILIES["ipv4"])


def _address(raw: bytes, family: int) -> bytes:
    """Return the address inside the kernel's ``union nf_inet_addr``."""
    length = 4 if family == _AF_INET else 16
    if len(raw) < length:
        raise IpvsProtocolError(f"an address of {len(raw)} bytes for address family {family} in the kernel's reply")
    return raw[:length]


def _port(raw: bytes) -> int:
    if len(raw) != 2:
        raise IpvsProtocolError(f"a port of {len(raw)} bytes in the kernel's reply")
    return int.from_bytes(raw, "big")


def _messages(data: bytes, length: int) -> list[bytes]:
    """Return the messages of a run, all of the same length."""
    return [data[begin : begin + length] for begin in range(0, len(data), length)]


def _inside(message: bytes, kind: int) -> dict[int, bytes]:
    """Return the attributes nested in a message's only attribute."""
    around = values(message[uapi.MESSAGE_HEADERS :])
    if kind not in around:
        raise IpvsProtocolError(f"the kernel's reply lacks attribute {kind}")
    return values(around[kind])


# -- services ---------------------------------------------------------------------------------------------------------


# Family, protocol, address and port; or family and firewall mark.
_SERVICE_KEY = struct.Struct("=HHH2xHHH2xHH16sHHH2x")
_FWMARK_KEY = struct.Struct("=HHH2xHHI")


def pack_service_key(key: ServiceKey) -> bytes:
    """Return the attributes that name a service."""
    family = uapi.number_of(uapi.FAMILIES, key.family)
    if key.fwmark:
        return _FWMARK_KEY.pack(
            *(6, uapi.IPVS_SVC_ATTR_AF, family),
            *(8, uapi.IPVS_SVC_ATTR_FWMARK, key.fwmark),
        )
    return _SERVICE_KEY.pack(
        *(6, uapi.IPVS_SVC_ATTR_AF, family),
        *(6, uapi.IPVS_SVC_ATTR_PROTOCOL, uapi.number_of(uapi.PROTOCOLS, key.protocol or "")),
        *(20, uapi.IPVS_SVC_ATTR_ADDR, key.address),
        *(6, uapi.IPVS_SVC_ATTR_PORT, socket.htons(key.port)),
    )


def pack_command(service: Optional[ServiceKey]) -> bytes:
    """Return the attribute of a command that names a service; none for a command about all of them."""
    if service is None:
        return b""
    key = pack_service_key(service)
    return HEADER.pack(HEADER.size + len(key), uapi.IPVS_CMD_ATTR_SERVICE) + key


def unpack_services(data: bytes, length: int) -> list[Service]:
    """Return the services of a run of messages."""
    try:
        return _services_alike(data, length)
    except _OtherLayout:
        return [_service(message) for message in _messages(data, length)]


def unpack_counted_services(data: bytes, length: int) -> list[tuple[Service, Stats]]:
    """Return the services of a run of messages, with their counters."""
    statistics = [
        _stats_at_end(message) or _stats(_inside(message, uapi.IPVS_CMD_ATTR_SERVICE), uapi.IPVS_SVC_ATTR_STATS64)
        for message in _messages(data, length)
    ]
    return list(zip(unpack_services(data, length), statistics))


# A service with an address, as 10.0.0.1:80 over TCP with the scheduler rr: families and protocols by their whole attribute.
#
#      20  .. .. 01 00                          IPVS_CMD_ATTR_SERVICE
#      24  06 00 01 00 02 00 00 00              AF
#      32  06 00 02 00 06 00 00 00              PROTOCOL
#      40  14 00 03 00 0a 00 00 01 00 ..        ADDR
#      60  06 00 04 00 00 50 00 00              PORT
#      68  07 00 06 00 72 72 00 00 ..           the configuration: SCHED_NAME, PE_NAME (if any), FLAGS, TIMEOUT, NETMASK
#    -216  5c 00 0a 00 .. 7c 00 0c 00 ..        STATS and STATS64
_FAMILY_OF = {_u16_attribute(uapi.IPVS_SVC_ATTR_AF, code): word for code, word in uapi.FAMILY_WORDS.items()}
_PROTOCOL_OF = {_u16_attribute(uapi.IPVS_SVC_ATTR_PROTOCOL, code): word for code, word in uapi.PROTOCOL_WORDS.items()}
_SERVICE_CONFIGURATION_AT = 68
_ADDRESS_HEADER = HEADER.pack(20, uapi.IPVS_SVC_ATTR_ADDR)
_PORT_HEADER = HEADER.pack(6, uapi.IPVS_SVC_ATTR_PORT)
_STATS_HEADER = HEADER.pack(92, uapi.IPVS_SVC_ATTR_STATS)
_STATISTICS = 92 + 124


@lru_cache(maxsize=64)
def _service_layout(length: int) -> tuple[struct.Struct, tuple[bytes, ...]]:
    """Return the struct for messages of that length, and the headers that they must have."""
    configuration = length - _SERVICE_CONFIGURATION_AT - _STATISTICS
    if configuration < 0:
        raise _OtherLayout
    around = HEADER.pack(length - uapi.MESSAGE_HEADERS, uapi.IPVS_CMD_ATTR_SERVICE)
    headers = around, _ADDRESS_HEADER, _PORT_HEADER, _STATS_HEADER
    return struct.Struct(f">20x4s8s8s4s16s4sH2x{configuration}s4s{_STATISTICS - 4}x"), headers


def _services_alike(data: bytes, length: int) -> list[Service]:
    layout, headers = _service_layout(length)
    found = []
    for first, family, protocol, second, address, third, port, configuration, last in layout.iter_unpack(data):
        family_word, protocol_word = _FAMILY_OF.get(family), _PROTOCOL_OF.get(protocol)
        if (first, second, third, last) != headers or family_word is None or protocol_word is None:
            raise _OtherLayout
        key = _new(ServiceKey, (family_word, protocol_word, address if family_word == "ipv6" else address[:4], port, 0))
        found.append(_new(Service, (key, *_service_configuration(family_word, configuration))))
    return found


def _service(message: bytes) -> Service:
    found = _inside(message, uapi.IPVS_CMD_ATTR_SERVICE)
    code = number(require(found, uapi.IPVS_SVC_ATTR_AF, "address family"))
    family = uapi.word_of(uapi.FAMILY_WORDS, code)
    mark = number(found.get(uapi.IPVS_SVC_ATTR_FWMARK, b"\0"))
    if mark:
        key = ServiceKey(family, fwmark=mark)
    else:
        key = ServiceKey(
            family,
            uapi.word_of(uapi.PROTOCOL_WORDS, number(require(found, uapi.IPVS_SVC_ATTR_PROTOCOL, "protocol"))),
            _address(require(found, uapi.IPVS_SVC_ATTR_ADDR, "address"), code),
            _port(require(found, uapi.IPVS_SVC_ATTR_PORT, "port")),
        )
    return Service(key, *_configured_service(family, found))


@lru_cache(maxsize=1024)
def _service_configuration(family: str, attributes: bytes) -> tuple[Any, ...]:
    """Return everything but the key. Cached: most services of a table share it with many others."""
    return _configured_service(family, values(attributes))


def _configured_service(family: str, found: dict[int, bytes]) -> tuple[Any, ...]:
    flags = require(found, uapi.IPVS_SVC_ATTR_FLAGS, "flags")
    netmask = require(found, uapi.IPVS_SVC_ATTR_NETMASK, "netmask")
    for value, size, name in ((flags, _FLAGS.size, "flags"), (netmask, 4, "a netmask")):
        if len(value) != size:
            raise IpvsProtocolError(f"{name} of {len(value)} bytes in the kernel's reply")
    bits = int(_FLAGS.unpack(flags)[0])
    timeout = number(require(found, uapi.IPVS_SVC_ATTR_TIMEOUT, "timeout"))
    service = Service(
        ServiceKey(family),
        text(require(found, uapi.IPVS_SVC_ATTR_SCHED_NAME, "scheduler")),
        bits & uapi.IP_VS_SVC_F_SCHED_ANY,
        timeout if bits & uapi.IP_VS_SVC_F_PERSISTENT else 0,
        str(number(netmask)) if family == "ipv6" else socket.inet_ntop(socket.AF_INET, netmask),
        text(found.get(uapi.IPVS_SVC_ATTR_PE_NAME, b"")),
        bool(bits & uapi.IP_VS_SVC_F_ONEPACKET),
    )
    return tuple(canonical_service(service))[1:]


# -- destinations -----------------------------------------------------------------------------------------------------


# All but the key, in the order in which the kernel sends it: kind, what it is, and the bytes of the number.
_CONFIGURATION = (
    (uapi.IPVS_DEST_ATTR_FWD_METHOD, "forwarding method", 4),
    (uapi.IPVS_DEST_ATTR_WEIGHT, "weight", 4),
    (uapi.IPVS_DEST_ATTR_TUN_TYPE, "tunnel type", 1),
    (uapi.IPVS_DEST_ATTR_TUN_PORT, "tunnel port", 2),
    (uapi.IPVS_DEST_ATTR_TUN_FLAGS, "tunnel flags", 2),
    (uapi.IPVS_DEST_ATTR_U_THRESH, "upper threshold", 4),
    (uapi.IPVS_DEST_ATTR_L_THRESH, "lower threshold", 4),
)
_PADDED = {1: "B3x", 2: "H2x", 4: "I"}
_CONFIGURATION_LAYOUT = struct.Struct("=" + "".join(f"4s{_PADDED[size]}" for _kind, _name, size in _CONFIGURATION))
_CONFIGURATION_HEADERS = tuple(HEADER.pack(HEADER.size + size, kind) for kind, _name, size in _CONFIGURATION)

_DESTINATION_PORT_HEADER = HEADER.pack(6, uapi.IPVS_DEST_ATTR_PORT)
_IPV4, _IPV6 = (_u16_attribute(uapi.IPVS_DEST_ATTR_ADDR_FAMILY, code) for code in uapi.FAMILIES.values())


@lru_cache(maxsize=64)
def _destination_layout(length: int) -> tuple[struct.Struct, bytes]:
    """Return the struct for messages of that length, and the headers before the address."""
    rest = length - 140
    if rest < 0:
        raise _OtherLayout
    headers = HEADER.pack(length - uapi.MESSAGE_HEADERS, uapi.IPVS_CMD_ATTR_DEST) + HEADER.pack(20, uapi.IPVS_DEST_ATTR_ADDR)
    return struct.Struct(f">20x8s16s4sH2x{_CONFIGURATION_LAYOUT.size}s24x8s{rest}x"), headers


def unpack_destinations(data: bytes, length: int) -> list[Destination]:
    """Return the destinations of a run of messages."""
    try:
        return _destinations_alike(data, length)
    except _OtherLayout:
        return [_destination(_inside(message, uapi.IPVS_CMD_ATTR_DEST)) for message in _messages(data, length)]


def _destinations_alike(data: bytes, length: int) -> list[Destination]:
    """Unpack all messages at once, in C functions: there may be a hundred thousand."""
    layout, headers = _destination_layout(length)
    first, raw, second, ports, configurations, families = zip(*layout.iter_unpack(data))
    count = len(first)
    if first.count(headers) != count or second.count(_DESTINATION_PORT_HEADER) != count:
        raise _OtherLayout
    addresses: Iterable[bytes] = raw
    if families.count(_IPV4) == count:
        addresses = map(_FIRST_FOUR, raw)
    elif families.count(_IPV6) != count:
        if not {_IPV4, _IPV6}.issuperset(families):
            raise _OtherLayout
        addresses = [address[:4] if family == _IPV4 else address for address, family in zip(raw, families)]
    keys = map(_new, repeat(DestinationKey), zip(addresses, ports))
    return list(map(_new, repeat(Destination), zip(keys, *zip(*map(_destination_configuration, configurations)))))


@lru_cache(maxsize=1024)
def _destination_configuration(attributes: bytes) -> tuple[Any, ...]:
    """Return all but the key."""
    row = _CONFIGURATION_LAYOUT.unpack(attributes)
    if row[::2] != _CONFIGURATION_HEADERS:
        raise _OtherLayout
    return _configured_destination(*row[1::2])


def _destination(found: dict[int, bytes]) -> Destination:
    family = number(require(found, uapi.IPVS_DEST_ATTR_ADDR_FAMILY, "address family"))
    key = DestinationKey(
        _address(require(found, uapi.IPVS_DEST_ATTR_ADDR, "address"), family), _port(require(found, uapi.IPVS_DEST_ATTR_PORT, "port"))
    )
    return Destination(key, *_configured_destination(*(number(require(found, kind, name)) for kind, name, _size in _CONFIGURATION)))


def _configured_destination(
    method: int, weight: int, tunnel_type: int, tunnel_port: int, tunnel_flags: int, upper: int, lower: int
) -> tuple[Any, ...]:
    """Return all but the key, in its canonical form.

    :param weight: a C int that travels as u32.
    :param tunnel_port: in network order, as it came.
    """
    destination = Destination(
        DestinationKey(b"", 0),
        uapi.word_of(uapi.FORWARD_METHOD_WORDS, method & uapi.IP_VS_CONN_F_FWD_MASK),
        weight - (1 << 32) if weight > uapi.INT_MAX else weight,
        upper,
        lower,
        uapi.word_of(uapi.TUNNEL_TYPE_WORDS, tunnel_type),
        socket.ntohs(tunnel_port),
        tunnel_flags,
    )
    return tuple(canonical_destination(destination))[1:]


# -- counters ---------------------------------------------------------------------------------------------------------


_COUNTS_AT = 108
_COUNTS = (
    (uapi.IPVS_DEST_ATTR_ACTIVE_CONNS, "count of active connections"),
    (uapi.IPVS_DEST_ATTR_INACT_CONNS, "count of inactive connections"),
    (uapi.IPVS_DEST_ATTR_PERSIST_CONNS, "count of persistent connections"),
)
_COUNTS_LAYOUT = struct.Struct("=4sI4sI4sI")
_COUNTS_HEADERS = tuple(HEADER.pack(8, kind) for kind, _name in _COUNTS)

# STATS64 has the same number for services and destinations, and is the last in both.
_STATS64_LAYOUT = struct.Struct("=4s" + 10 * "4sQ")
_STATS64_HEADER = HEADER.pack(_STATS64_LAYOUT.size, uapi.IPVS_DEST_ATTR_STATS64)
_STATS64_HEADERS = tuple(HEADER.pack(12, kind) for kind in range(1, 11))


def unpack_counted_destinations(data: bytes, length: int) -> list[tuple[Destination, DestinationCounters]]:
    """Return the destinations of a run of messages, with their counters."""
    messages = _messages(data, length)
    try:
        return list(zip(_destinations_alike(data, length), map(_counters_alike, messages)))
    except _OtherLayout:
        inside = [_inside(message, uapi.IPVS_CMD_ATTR_DEST) for message in messages]
        return [(_destination(found), _counters(found)) for found in inside]


def _counters_alike(message: bytes) -> DestinationCounters:
    """Return the counters of a message whose other attributes are where they are expected: STATS has headers like theirs inside."""
    stats = _stats_at_end(message)
    row = _COUNTS_LAYOUT.unpack_from(message, _COUNTS_AT)
    if stats is None or row[::2] != _COUNTS_HEADERS:
        raise _OtherLayout
    active, inactive, persistent = row[1::2]
    return DestinationCounters(active, inactive, persistent, stats)


def _counters(found: dict[int, bytes]) -> DestinationCounters:
    active, inactive, persistent = (number(require(found, kind, name)) for kind, name in _COUNTS)
    return DestinationCounters(active, inactive, persistent, _stats(found, uapi.IPVS_DEST_ATTR_STATS64))


def _stats_at_end(message: bytes) -> Optional[Stats]:
    """Return the counters at the end of a message, or None if they are not laid out like that."""
    begin = len(message) - _STATS64_LAYOUT.size
    if begin < 0:
        return None
    first, *row = _STATS64_LAYOUT.unpack_from(message, begin)
    if first != _STATS64_HEADER or tuple(row[::2]) != _STATS64_HEADERS:
        return None
    return Stats(*row[1::2])


def _stats(found: dict[int, bytes], kind: int) -> Stats:
    """Return the counters at any position. Kernels that align 64-bit numbers put empty attributes between them."""
    inside = values(require(found, kind, "statistics"))
    return Stats(*(number(inside.get(kind, b"\0")) for kind in range(1, 11)))
