# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Bytes <-> model: the attributes of IPVS' generic netlink messages. Pure functions, no input or output.

pyroute2's own IPVS classes are not used: they are missing from the versions that
Debian 12 and 13 ship, and in later ones swap the tunnel port's bytes, type an IPv6 prefix length as an IPv4 address
and leave out the netmask which the kernel demands.

The kernel's byte orders: ports (service, destination, tunnel) and addresses in network order, all else in host order,
the sync daemon's port included.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat
from operator import add, itemgetter
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils import _uapi as uapi
from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsProtocolError
from ansible_collections.lvs.director.plugins.module_utils._model import (
    Destination,
    DestinationCounters,
    DestinationKey,
    Info,
    Service,
    ServiceKey,
    Stats,
    SyncDaemon,
    Timeouts,
    canonical_destination,
    canonical_service,
)
from ansible_collections.lvs.director.plugins.module_utils._shapes import HEADER, Field, Shapes, Together, attributes

_KNOWN_SERVICE_FLAGS = uapi.IP_VS_SVC_F_PERSISTENT | uapi.IP_VS_SVC_F_ONEPACKET | uapi.IP_VS_SVC_F_SCHED_ANY

# Also the methods that cannot be asked for: a destination that has one keeps it when something else is edited.
_FORWARD_METHOD_NUMBERS = {word: number for number, word in uapi.FORWARD_METHOD_WORDS.items()}

_FAMILY_NUMBERS = {4: int(uapi.FAMILIES["ipv4"]), 16: int(uapi.FAMILIES["ipv6"])}

_IPV4 = _FAMILY_NUMBERS[4]

_U16 = struct.Struct("=H")
_BE16 = struct.Struct(">H")
_U32 = struct.Struct("=I")
_U64 = struct.Struct("=Q")
_FLAGS = struct.Struct("=II")


def _pack(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return HEADER.pack(4 + len(value), kind) + value + b"\0" * padding


def _u8(kind: int, value: int) -> bytes:
    return _pack(kind, bytes((value,)))


def _u16(kind: int, value: int) -> bytes:
    return _pack(kind, _U16.pack(value))


def _be16(kind: int, value: int) -> bytes:
    return _pack(kind, _BE16.pack(value))


def _u32(kind: int, value: int) -> bytes:
    return _pack(kind, _U32.pack(value))


def _string(kind: int, value: str) -> bytes:
    return _pack(kind, value.encode("ascii") + b"\0")


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each attribute's kind and value.

    :raises IpvsProtocolError: a length does not fit.
    """
    for kind, begin, end in attributes(data):
        yield kind, data[begin:end]


def _number(value: bytes) -> int:
    """Return an unsigned number in host order, of the width in which it came."""
    if len(value) == 4:
        return int(_U32.unpack(value)[0])
    if len(value) == 2:
        return int(_U16.unpack(value)[0])
    if len(value) == 1:
        return value[0]
    if len(value) == 8:
        return int(_U64.unpack(value)[0])
    raise IpvsProtocolError(f"a number of {len(value)} bytes in the kernel's reply")


def _text(value: bytes) -> str:
    return bytes(value).split(b"\0", 1)[0].decode("ascii", "replace")


def _require(found: dict[int, bytes], kind: int, what: str) -> bytes:
    try:
        return found[kind]
    except KeyError:
        raise IpvsProtocolError(f"the kernel's reply has no {what} (attribute {kind})") from None


def _address(raw: bytes, family: int) -> bytes:
    """Return the address inside the kernel's ``union nf_inet_addr``."""
    length = 4 if family == uapi.FAMILIES["ipv4"] else 16
    if len(raw) < length:
        raise IpvsProtocolError(f"an address of {len(raw)} bytes for address family {family} in the kernel's reply")
    return raw[:length]


def _family_word(number: int) -> str:
    word = uapi.FAMILY_WORDS.get(number)
    if word is None:
        raise IpvsProtocolError(f"address family {number} in the kernel's reply is neither IPv4 nor IPv6")
    return word


# -- services ---------------------------------------------------------------------------------------------------------


# Family, protocol, address and port: the same four attributes of every service that has no firewall mark.
_SERVICE_KEY = struct.Struct("=HHH2xHHH2xHH16sHHH2x")


def pack_service_key(key: ServiceKey) -> bytes:
    """Return the attributes that name a service."""
    if key.fwmark:
        return _u16(uapi.IPVS_SVC_ATTR_AF, uapi.FAMILIES[key.family]) + _u32(uapi.IPVS_SVC_ATTR_FWMARK, key.fwmark)
    return _SERVICE_KEY.pack(
        *(6, uapi.IPVS_SVC_ATTR_AF, uapi.FAMILIES[key.family]),
        *(6, uapi.IPVS_SVC_ATTR_PROTOCOL, uapi.PROTOCOLS[key.protocol or ""]),
        *(20, uapi.IPVS_SVC_ATTR_ADDR, key.address),
        *(6, uapi.IPVS_SVC_ATTR_PORT, socket.htons(key.port)),
    )


def pack_service(service: Service) -> bytes:
    """Return the attributes of a whole service.

    The kernel replaces all of it at each change, so everything is always there; an engine's name that is not sent is
    taken off the service. The mask names only the flags known here: bits of a later kernel stay as they are.
    """
    return pack_service_key(service.key) + _service_tail(service.key.family, *service[1:])


@lru_cache(maxsize=1024)
def _service_tail(
    family: str, scheduler: str, scheduler_flags: int, persistence_timeout: int, netmask: str, engine: str, one_packet: bool
) -> bytes:
    """Return all but the name; most services of a table share it with many others."""
    flags = scheduler_flags & uapi.IP_VS_SVC_F_SCHED_ANY
    if persistence_timeout:
        flags |= uapi.IP_VS_SVC_F_PERSISTENT
    if one_packet:
        flags |= uapi.IP_VS_SVC_F_ONEPACKET
    return (
        _string(uapi.IPVS_SVC_ATTR_SCHED_NAME, scheduler)
        + _pack(uapi.IPVS_SVC_ATTR_FLAGS, _FLAGS.pack(flags, _KNOWN_SERVICE_FLAGS))
        + _u32(uapi.IPVS_SVC_ATTR_TIMEOUT, persistence_timeout)
        + _pack(uapi.IPVS_SVC_ATTR_NETMASK, _pack_netmask(family, netmask))
        + (_string(uapi.IPVS_SVC_ATTR_PE_NAME, engine) if engine else b"")
    )


def _pack_netmask(family: str, netmask: str) -> bytes:
    if family == "ipv6":
        return _U32.pack(int(netmask or "128"))
    return bytes(int(part) for part in (netmask or "255.255.255.255").split("."))


def _unpack_netmask(family: str, value: bytes) -> str:
    if len(value) != 4:
        raise IpvsProtocolError(f"a netmask of {len(value)} bytes in the kernel's reply")
    if family == "ipv6":
        return str(_U32.unpack(value)[0])
    return socket.inet_ntop(socket.AF_INET, value)


# All but the name.
_SERVICE_VALUES = (
    Field(uapi.IPVS_SVC_ATTR_SCHED_NAME, "scheduler", "bytes"),
    Field(uapi.IPVS_SVC_ATTR_FLAGS, "flags", "bytes"),
    Field(uapi.IPVS_SVC_ATTR_TIMEOUT, "timeout"),
    Field(uapi.IPVS_SVC_ATTR_NETMASK, "netmask", "bytes"),
    Field(uapi.IPVS_SVC_ATTR_PE_NAME, "persistence engine", "bytes", b""),
)
_SERVICE = (
    Field(uapi.IPVS_SVC_ATTR_AF, "address family"),
    Field(uapi.IPVS_SVC_ATTR_FWMARK, "firewall mark", default=0),
    Field(uapi.IPVS_SVC_ATTR_PROTOCOL, "protocol", default=None),
    Field(uapi.IPVS_SVC_ATTR_ADDR, "address", "bytes", b""),
    Field(uapi.IPVS_SVC_ATTR_PORT, "port", "port", 0),
    Together(tuple(field.kind for field in _SERVICE_VALUES)),
)
_SERVICE_STATS = (
    Field(uapi.IPVS_SVC_ATTR_STATS64, "statistics", "bytes", None),
    Field(uapi.IPVS_SVC_ATTR_STATS, "statistics", "bytes", None),
)
_IN_SERVICE = {"offset": uapi.MESSAGE_HEADERS, "inside": uapi.IPVS_CMD_ATTR_SERVICE}
_SERVICE_CONFIGURATION = Shapes(*_SERVICE_VALUES)
_SERVICES = Shapes(*_SERVICE, **_IN_SERVICE)
_COUNTED_SERVICES = Shapes(*_SERVICE, *_SERVICE_STATS, **_IN_SERVICE)


def unpack_services(data: bytes, length: int) -> list[Service]:
    """Return the services of a run of messages."""
    return [_service(*row) for row in _SERVICES.rows(data, length)]


def unpack_counted_services(data: bytes, length: int) -> list[tuple[Service, Stats]]:
    """Return the services of a run of messages, with their counters."""
    return [(_service(*fields), _best_stats(wide, narrow)) for *fields, wide, narrow in _COUNTED_SERVICES.rows(data, length)]


def _service(family_number: int, fwmark: int, protocol: Optional[int], address: bytes, port: int, values: bytes) -> Service:
    family = uapi.FAMILY_WORDS.get(family_number) or _family_word(family_number)
    if fwmark:
        key = ServiceKey(family, fwmark=fwmark)
    else:
        word = uapi.PROTOCOL_WORDS.get(protocol or 0)
        if word is None:
            raise IpvsProtocolError(f"protocol {protocol} in the kernel's reply is none of {', '.join(uapi.PROTOCOLS)}")
        key = ServiceKey(family, word, _address(address, family_number), socket.ntohs(port))
    return Service(key, *_service_values(family, values))


@lru_cache(maxsize=1024)
def _service_values(family: str, values: bytes) -> tuple[Any, ...]:
    """Return all but the name, in its canonical form."""
    scheduler, flags, timeout, netmask, engine = _SERVICE_CONFIGURATION.unpack(values)
    if len(flags) != _FLAGS.size:
        raise IpvsProtocolError(f"flags of {len(flags)} bytes in the kernel's reply")
    bits = int(_FLAGS.unpack(flags)[0])
    service = Service(
        ServiceKey(family),
        _text(scheduler),
        bits & uapi.IP_VS_SVC_F_SCHED_ANY,
        timeout if bits & uapi.IP_VS_SVC_F_PERSISTENT else 0,
        _unpack_netmask(family, netmask),
        _text(engine),
        bool(bits & uapi.IP_VS_SVC_F_ONEPACKET),
    )
    return tuple(canonical_service(service))[1:]


# -- destinations -----------------------------------------------------------------------------------------------------


# The name of a destination: what comes before the address, the address, the port's header, the port.
_DESTINATION_KEY = struct.Struct("=16s16s4sH2x")
_PORT = HEADER.pack(6, uapi.IPVS_DEST_ATTR_PORT)


def pack_destination_key(key: DestinationKey) -> bytes:
    """Return the attribute of a command that names a destination."""
    address, port = key
    return _DESTINATION_KEY.pack(_destination_head(len(address), 0), address, _PORT, socket.htons(port))


def pack_destination(destination: Destination) -> bytes:
    """Return the attribute of a command with a whole destination: the kernel replaces all of it at each change."""
    address, port = destination[0]
    head, tail = _destination_frame(len(address), destination[1:])
    return _DESTINATION_KEY.pack(head, address, _PORT, socket.htons(port)) + tail


def _destination_head(address_length: int, tail_length: int) -> bytes:
    """Return what comes before the address: headers and the family."""
    return (
        HEADER.pack(4 + 8 + 20 + 8 + tail_length, uapi.IPVS_CMD_ATTR_DEST)
        + _u16(uapi.IPVS_DEST_ATTR_ADDR_FAMILY, _FAMILY_NUMBERS[address_length])
        + HEADER.pack(20, uapi.IPVS_DEST_ATTR_ADDR)
    )


@lru_cache(maxsize=1024)
def _destination_frame(address_length: int, values: tuple[Any, ...]) -> tuple[bytes, bytes]:
    """Return what comes before and after the name; most destinations of a table share it with many others."""
    forward_method, weight, upper, lower, tunnel_type, tunnel_port, tunnel_flags = values
    tail = (
        _u32(uapi.IPVS_DEST_ATTR_FWD_METHOD, _FORWARD_METHOD_NUMBERS[forward_method])
        + _u32(uapi.IPVS_DEST_ATTR_WEIGHT, weight & 0xFFFFFFFF)
        + _u8(uapi.IPVS_DEST_ATTR_TUN_TYPE, uapi.TUNNEL_TYPES[tunnel_type])
        + _be16(uapi.IPVS_DEST_ATTR_TUN_PORT, tunnel_port)
        + _u16(uapi.IPVS_DEST_ATTR_TUN_FLAGS, tunnel_flags)
        + _u32(uapi.IPVS_DEST_ATTR_U_THRESH, upper)
        + _u32(uapi.IPVS_DEST_ATTR_L_THRESH, lower)
    )
    return _destination_head(address_length, len(tail)), tail


# All but the name. Most destinations of a table share them with many others.
_DESTINATION_VALUES = (
    Field(uapi.IPVS_DEST_ATTR_FWD_METHOD, "forwarding method"),
    Field(uapi.IPVS_DEST_ATTR_WEIGHT, "weight", "signed"),  # a C int that travels as u32
    Field(uapi.IPVS_DEST_ATTR_U_THRESH, "upper threshold"),
    Field(uapi.IPVS_DEST_ATTR_L_THRESH, "lower threshold"),
    Field(uapi.IPVS_DEST_ATTR_TUN_TYPE, "tunnel type", default=0),
    Field(uapi.IPVS_DEST_ATTR_TUN_PORT, "tunnel port", "port", 0),
    Field(uapi.IPVS_DEST_ATTR_TUN_FLAGS, "tunnel flags", default=0),
)
_DESTINATION = (
    Field(uapi.IPVS_DEST_ATTR_ADDR, "address", "bytes"),
    Field(uapi.IPVS_DEST_ATTR_PORT, "port", "port"),
    Together(tuple(field.kind for field in _DESTINATION_VALUES)),
    # Kernels before 3.18 do not send the family: there it is the service's.
    Field(uapi.IPVS_DEST_ATTR_ADDR_FAMILY, "address family", default=None),
)
_DESTINATION_COUNTERS = (
    Field(uapi.IPVS_DEST_ATTR_ACTIVE_CONNS, "count of active connections"),
    Field(uapi.IPVS_DEST_ATTR_INACT_CONNS, "count of inactive connections"),
    Field(uapi.IPVS_DEST_ATTR_PERSIST_CONNS, "count of persistent connections"),
    Field(uapi.IPVS_DEST_ATTR_STATS64, "statistics", "bytes", None),
    Field(uapi.IPVS_DEST_ATTR_STATS, "statistics", "bytes", None),
)
_IN_DESTINATION = {"offset": uapi.MESSAGE_HEADERS, "inside": uapi.IPVS_CMD_ATTR_DEST}
_DESTINATIONS = Shapes(*_DESTINATION, **_IN_DESTINATION)
_VALUES = Shapes(*_DESTINATION_VALUES)
_COUNTED_DESTINATIONS = Shapes(*_DESTINATION, *_DESTINATION_COUNTERS, **_IN_DESTINATION)


def unpack_destinations(data: bytes, length: int, family: str) -> list[Destination]:
    """Return the destinations of a run of messages.

    :param family: that of their services.
    """
    rows = _DESTINATIONS.rows(data, length)
    addresses, ports, values, families = zip(*rows)
    if families.count(_IPV4) != len(rows) or len(addresses[0]) != 16:
        return [_destination(address, port, inside, number, family) for address, port, inside, number in rows]
    # The same as below, without running Python's own code once for each of a hundred thousand.
    keys = map(_new, repeat(DestinationKey), zip(map(_FIRST_FOUR, addresses), map(socket.ntohs, ports)))
    return list(map(_new, repeat(Destination), map(add, zip(keys), map(_destination_values, values))))


_new = tuple.__new__
_FIRST_FOUR = itemgetter(slice(4))


def unpack_counted_destinations(data: bytes, length: int, family: str) -> list[tuple[Destination, DestinationCounters]]:
    """Return the destinations of a run of messages, with their counters."""
    found = []
    for address, port, values, number, active, inactive, persistent, wide, narrow in _COUNTED_DESTINATIONS.rows(data, length):
        counters = DestinationCounters(active, inactive, persistent, _best_stats(wide, narrow))
        found.append((_destination(address, port, values, number, family), counters))
    return found


def _destination(address: bytes, port: int, values: bytes, number: Optional[int], family: str) -> Destination:
    if number not in uapi.FAMILY_WORDS:
        number = uapi.FAMILIES[family if number is None else _family_word(number)]
    key = DestinationKey(_address(address, number), socket.ntohs(port))
    return Destination(key, *_destination_values(values))


@lru_cache(maxsize=1024)
def _destination_values(values: bytes) -> tuple[Any, ...]:
    """Return all but the name, in its canonical form."""
    method, weight, upper, lower, tunnel_type, tunnel_port, tunnel_flags = _VALUES.unpack(values)
    word = uapi.FORWARD_METHOD_WORDS.get(method & uapi.IP_VS_CONN_F_FWD_MASK)
    if word is None:
        raise IpvsProtocolError(f"forwarding method {method & uapi.IP_VS_CONN_F_FWD_MASK} in the kernel's reply is not known")
    if tunnel_type not in uapi.TUNNEL_TYPE_WORDS:
        raise IpvsProtocolError(f"tunnel type {tunnel_type} in the kernel's reply is not known")
    tunnel = uapi.TUNNEL_TYPE_WORDS[tunnel_type], socket.ntohs(tunnel_port), tunnel_flags
    return tuple(canonical_destination(Destination(_NOBODY, word, weight, upper, lower, *tunnel)))[1:]


_NOBODY = DestinationKey(b"", 0)


# -- counters ---------------------------------------------------------------------------------------------------------


_STATS = Shapes(*(Field(kind, name, default=0) for kind, name in enumerate(Stats._fields, 1)))


def _best_stats(wide: Optional[bytes], narrow: Optional[bytes]) -> Stats:
    """Take the 64-bit counters; kernels before 4.1 have only the narrow ones. Those that are missing are 0."""
    data = narrow if wide is None else wide
    if data is None:
        raise IpvsProtocolError("the kernel's reply has no statistics")
    return Stats(*_STATS.unpack(data))


# -- messages ---------------------------------------------------------------------------------------------------------


def pack_command(service: Optional[ServiceKey]) -> bytes:
    """Return the attribute of a command that names a service; none for a command about all of them."""
    return b"" if service is None else _pack(uapi.IPVS_CMD_ATTR_SERVICE, pack_service_key(service))


def pack_service_command(service: Service) -> bytes:
    """Return the attributes of a command that adds or edits a service."""
    return _pack(uapi.IPVS_CMD_ATTR_SERVICE, pack_service(service))


def unpack_info(message: bytes) -> Info:
    """Return version and table size from the reply to IPVS_CMD_GET_INFO."""
    found = dict(_attributes(message[uapi.MESSAGE_HEADERS:]))
    code = _number(_require(found, uapi.IPVS_INFO_ATTR_VERSION, "version"))
    return Info(
        version=f"{(code >> 16) & 0xFF}.{(code >> 8) & 0xFF}.{code & 0xFF}",
        connection_table_size=_number(_require(found, uapi.IPVS_INFO_ATTR_CONN_TAB_SIZE, "connection table size")),
    )


def unpack_timeouts(message: bytes) -> Timeouts:
    """Return the timeouts from the reply to IPVS_CMD_GET_CONFIG; one whose protocol the kernel lacks is 0."""
    found = dict(_attributes(message[uapi.MESSAGE_HEADERS:]))
    kinds = (uapi.IPVS_CMD_ATTR_TIMEOUT_TCP, uapi.IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, uapi.IPVS_CMD_ATTR_TIMEOUT_UDP)
    return Timeouts(*(_number(found[kind]) if kind in found else 0 for kind in kinds))


def unpack_sync_daemons(data: bytes, length: int) -> list[SyncDaemon]:
    """Return the sync daemons of a run of messages."""
    return [_unpack_sync_daemon(data[begin : begin + length]) for begin in range(0, len(data), length)]


def _unpack_sync_daemon(message: bytes) -> SyncDaemon:
    """Kernels before 4.3 send only the first three attributes."""
    around = dict(_attributes(message[uapi.MESSAGE_HEADERS:]))
    found = dict(_attributes(_require(around, uapi.IPVS_CMD_ATTR_DAEMON, "sync daemon")))
    state = _number(_require(found, uapi.IPVS_DAEMON_ATTR_STATE, "state"))
    if state not in uapi.SYNC_DAEMON_STATES:
        raise IpvsProtocolError(f"sync daemon state {state} in the kernel's reply is neither master nor backup")

    def number(kind: int) -> int:
        return _number(found[kind]) if kind in found else 0

    group = found.get(uapi.IPVS_DAEMON_ATTR_MCAST_GROUP6, found.get(uapi.IPVS_DAEMON_ATTR_MCAST_GROUP))
    if group is not None and len(group) not in (4, 16):
        raise IpvsProtocolError(f"a multicast group of {len(group)} bytes in the kernel's reply")
    return SyncDaemon(
        state=uapi.SYNC_DAEMON_STATES[state],
        interface=_text(_require(found, uapi.IPVS_DAEMON_ATTR_MCAST_IFN, "interface")),
        sync_id=number(uapi.IPVS_DAEMON_ATTR_SYNC_ID),
        maximum_length=number(uapi.IPVS_DAEMON_ATTR_SYNC_MAXLEN),
        group=b"" if group is None else bytes(group),
        port=number(uapi.IPVS_DAEMON_ATTR_MCAST_PORT),
        ttl=number(uapi.IPVS_DAEMON_ATTR_MCAST_TTL),
    )


def pack_timeouts(timeouts: Timeouts) -> bytes:
    """Return the first level of IPVS_CMD_SET_CONFIG's attributes: those timeouts that are not 0, the others stay."""
    kinds = (uapi.IPVS_CMD_ATTR_TIMEOUT_TCP, uapi.IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, uapi.IPVS_CMD_ATTR_TIMEOUT_UDP)
    return b"".join(_u32(kind, seconds) for kind, seconds in zip(kinds, timeouts) if seconds)


def pack_sync_daemon_state(state: str) -> bytes:
    """Return the first level of IPVS_CMD_DEL_DAEMON's attributes: which daemon is meant."""
    return _pack(uapi.IPVS_CMD_ATTR_DAEMON, _u32(uapi.IPVS_DAEMON_ATTR_STATE, uapi.SYNC_DAEMON_NUMBERS[state]))


def pack_sync_daemon(daemon: SyncDaemon) -> bytes:
    """Return the first level of IPVS_CMD_NEW_DAEMON's attributes: the whole daemon, so that the kernel fills in nothing."""
    group = uapi.IPVS_DAEMON_ATTR_MCAST_GROUP if len(daemon.group) == 4 else uapi.IPVS_DAEMON_ATTR_MCAST_GROUP6
    return _pack(
        uapi.IPVS_CMD_ATTR_DAEMON,
        _u32(uapi.IPVS_DAEMON_ATTR_STATE, uapi.SYNC_DAEMON_NUMBERS[daemon.state])
        + _string(uapi.IPVS_DAEMON_ATTR_MCAST_IFN, daemon.interface)
        + _u32(uapi.IPVS_DAEMON_ATTR_SYNC_ID, daemon.sync_id)
        + _u16(uapi.IPVS_DAEMON_ATTR_SYNC_MAXLEN, daemon.maximum_length)
        + _pack(group, daemon.group)
        + _u16(uapi.IPVS_DAEMON_ATTR_MCAST_PORT, daemon.port)
        + _u8(uapi.IPVS_DAEMON_ATTR_MCAST_TTL, daemon.ttl),
    )
