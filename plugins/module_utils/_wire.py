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

import struct
from collections.abc import Iterator
from typing import Optional

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

_KNOWN_SERVICE_FLAGS = uapi.IP_VS_SVC_F_PERSISTENT | uapi.IP_VS_SVC_F_ONEPACKET | uapi.IP_VS_SVC_F_SCHED_ANY
_NLA_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

# Also the methods that cannot be asked for: a destination that has one keeps it when something else is edited.
_FORWARD_METHOD_NUMBERS = {word: number for number, word in uapi.FORWARD_METHOD_WORDS.items()}

_HEADER = struct.Struct("=HH")
_U16 = struct.Struct("=H")
_BE16 = struct.Struct(">H")
_U32 = struct.Struct("=I")
_U64 = struct.Struct("=Q")
_FLAGS = struct.Struct("=II")


def _pack(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return _HEADER.pack(4 + len(value), kind) + value + b"\0" * padding


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


def _attributes(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield each attribute's kind and value.

    :raises IpvsProtocolError: a length does not fit.
    """
    offset, end = 0, len(data)
    while end - offset >= 4:
        length, kind = _HEADER.unpack_from(data, offset)
        if length < 4 or length > end - offset:
            raise IpvsProtocolError(f"netlink attribute {kind} claims {length} bytes where {end - offset} are left")
        yield kind & _NLA_TYPE_MASK, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def _number(value: memoryview) -> int:
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


def _port(value: memoryview) -> int:
    if len(value) != 2:
        raise IpvsProtocolError(f"a port of {len(value)} bytes in the kernel's reply")
    return int(_BE16.unpack(value)[0])


def _text(value: memoryview) -> str:
    return bytes(value).split(b"\0", 1)[0].decode("ascii", "replace")


def _signed(number: int) -> int:
    """The kernel's weight is a C int that travels as u32."""
    return number - (1 << 32) if number > uapi.INT_MAX else number


def _require(found: dict[int, memoryview], kind: int, what: str) -> memoryview:
    try:
        return found[kind]
    except KeyError:
        raise IpvsProtocolError(f"the kernel's reply has no {what} (attribute {kind})") from None


def _address(found: dict[int, memoryview], kind: int, family: Optional[int]) -> bytes:
    raw = bytes(_require(found, kind, "address"))
    length = 4 if family == uapi.FAMILIES["ipv4"] else 16
    if family is None or len(raw) < length:
        raise IpvsProtocolError(f"an address of {len(raw)} bytes for address family {family} in the kernel's reply")
    return raw[:length]


def _union(address: bytes) -> bytes:
    """An address as the kernel's ``union nf_inet_addr``."""
    return address.ljust(16, b"\0")


# -- services ---------------------------------------------------------------------------------------------------------


def pack_service_key(key: ServiceKey) -> bytes:
    """Return the attributes that name a service."""
    family = _u16(uapi.IPVS_SVC_ATTR_AF, uapi.FAMILIES[key.family])
    if key.fwmark:
        return family + _u32(uapi.IPVS_SVC_ATTR_FWMARK, key.fwmark)
    return (
        family
        + _u16(uapi.IPVS_SVC_ATTR_PROTOCOL, uapi.PROTOCOLS[key.protocol or ""])
        + _pack(uapi.IPVS_SVC_ATTR_ADDR, _union(key.address))
        + _be16(uapi.IPVS_SVC_ATTR_PORT, key.port)
    )


def pack_service(service: Service) -> bytes:
    """Return the attributes of a whole service.

    The kernel replaces all of it at each change, so everything is always there; an engine's name that is not sent is
    taken off the service. The mask names only the flags known here: bits of a later kernel stay as they are.
    """
    flags = service.scheduler_flags & uapi.IP_VS_SVC_F_SCHED_ANY
    if service.persistence_timeout:
        flags |= uapi.IP_VS_SVC_F_PERSISTENT
    if service.one_packet:
        flags |= uapi.IP_VS_SVC_F_ONEPACKET
    parts = [
        pack_service_key(service.key),
        _string(uapi.IPVS_SVC_ATTR_SCHED_NAME, service.scheduler),
        _pack(uapi.IPVS_SVC_ATTR_FLAGS, _FLAGS.pack(flags, _KNOWN_SERVICE_FLAGS)),
        _u32(uapi.IPVS_SVC_ATTR_TIMEOUT, service.persistence_timeout),
        _pack(uapi.IPVS_SVC_ATTR_NETMASK, _pack_netmask(service.key.family, service.persistence_netmask)),
    ]
    if service.persistence_engine:
        parts.append(_string(uapi.IPVS_SVC_ATTR_PE_NAME, service.persistence_engine))
    return b"".join(parts)


def _pack_netmask(family: str, netmask: str) -> bytes:
    if family == "ipv6":
        return _U32.pack(int(netmask or "128"))
    return bytes(int(part) for part in (netmask or "255.255.255.255").split("."))


def _unpack_netmask(family: str, value: memoryview) -> str:
    if len(value) != 4:
        raise IpvsProtocolError(f"a netmask of {len(value)} bytes in the kernel's reply")
    if family == "ipv6":
        return str(_number(value))
    return ".".join(str(part) for part in value)


def unpack_service(data: memoryview) -> tuple[Service, Stats]:
    """Return a service and its counters from the inside of IPVS_CMD_ATTR_SERVICE."""
    found = dict(_attributes(data))
    family_number = _number(_require(found, uapi.IPVS_SVC_ATTR_AF, "address family"))
    family = uapi.FAMILY_WORDS.get(family_number)
    if family is None:
        raise IpvsProtocolError(f"address family {family_number} in the kernel's reply is neither IPv4 nor IPv6")
    if uapi.IPVS_SVC_ATTR_FWMARK in found:
        key = ServiceKey(family, fwmark=_number(found[uapi.IPVS_SVC_ATTR_FWMARK]))
    else:
        number = _number(_require(found, uapi.IPVS_SVC_ATTR_PROTOCOL, "protocol"))
        if number not in uapi.PROTOCOL_WORDS:
            raise IpvsProtocolError(f"protocol {number} in the kernel's reply is none of {', '.join(uapi.PROTOCOLS)}")
        key = ServiceKey(
            family,
            uapi.PROTOCOL_WORDS[number],
            _address(found, uapi.IPVS_SVC_ATTR_ADDR, family_number),
            _port(_require(found, uapi.IPVS_SVC_ATTR_PORT, "port")),
        )
    raw_flags = _require(found, uapi.IPVS_SVC_ATTR_FLAGS, "flags")
    if len(raw_flags) != _FLAGS.size:
        raise IpvsProtocolError(f"flags of {len(raw_flags)} bytes in the kernel's reply")
    flags = int(_FLAGS.unpack(raw_flags)[0])
    persistent = bool(flags & uapi.IP_VS_SVC_F_PERSISTENT)
    engine = found.get(uapi.IPVS_SVC_ATTR_PE_NAME)
    service = Service(
        key,
        scheduler=_text(_require(found, uapi.IPVS_SVC_ATTR_SCHED_NAME, "scheduler")),
        scheduler_flags=flags & uapi.IP_VS_SVC_F_SCHED_ANY,
        persistence_timeout=_number(_require(found, uapi.IPVS_SVC_ATTR_TIMEOUT, "timeout")) if persistent else 0,
        persistence_netmask=_unpack_netmask(family, _require(found, uapi.IPVS_SVC_ATTR_NETMASK, "netmask")),
        persistence_engine=_text(engine) if engine is not None else "",
        one_packet=bool(flags & uapi.IP_VS_SVC_F_ONEPACKET),
    )
    return canonical_service(service), _unpack_best_stats(found, uapi.IPVS_SVC_ATTR_STATS64, uapi.IPVS_SVC_ATTR_STATS)


# -- destinations -----------------------------------------------------------------------------------------------------


def pack_destination_key(key: DestinationKey) -> bytes:
    """Return the attributes that name a destination."""
    family = uapi.FAMILIES["ipv4" if len(key.address) == 4 else "ipv6"]
    return (
        _u16(uapi.IPVS_DEST_ATTR_ADDR_FAMILY, family)
        + _pack(uapi.IPVS_DEST_ATTR_ADDR, _union(key.address))
        + _be16(uapi.IPVS_DEST_ATTR_PORT, key.port)
    )


def pack_destination(destination: Destination) -> bytes:
    """Return the attributes of a whole destination: the kernel replaces all of it at each change."""
    return (
        pack_destination_key(destination.key)
        + _u32(uapi.IPVS_DEST_ATTR_FWD_METHOD, _FORWARD_METHOD_NUMBERS[destination.forward_method])
        + _u32(uapi.IPVS_DEST_ATTR_WEIGHT, destination.weight & 0xFFFFFFFF)
        + _u8(uapi.IPVS_DEST_ATTR_TUN_TYPE, uapi.TUNNEL_TYPES[destination.tunnel_type])
        + _be16(uapi.IPVS_DEST_ATTR_TUN_PORT, destination.tunnel_port)
        + _u16(uapi.IPVS_DEST_ATTR_TUN_FLAGS, destination.tunnel_flags)
        + _u32(uapi.IPVS_DEST_ATTR_U_THRESH, destination.upper_threshold)
        + _u32(uapi.IPVS_DEST_ATTR_L_THRESH, destination.lower_threshold)
    )


def unpack_destination(data: memoryview, service: ServiceKey) -> tuple[Destination, DestinationCounters]:
    """Return a destination and its counters from the inside of IPVS_CMD_ATTR_DEST.

    The address comes before its family, so everything is gathered first. Kernels before 3.18 do not send the family:
    there it is the service's.
    """
    found = dict(_attributes(data))
    family = found.get(uapi.IPVS_DEST_ATTR_ADDR_FAMILY)
    family_number = uapi.FAMILIES[service.family] if family is None else _number(family)
    if family_number not in uapi.FAMILY_WORDS:
        raise IpvsProtocolError(f"address family {family_number} in the kernel's reply is neither IPv4 nor IPv6")

    def number(kind: int, what: str) -> int:
        return _number(_require(found, kind, what))

    method = number(uapi.IPVS_DEST_ATTR_FWD_METHOD, "forwarding method") & uapi.IP_VS_CONN_F_FWD_MASK
    tunnel_type = found.get(uapi.IPVS_DEST_ATTR_TUN_TYPE)
    tunnel_port = found.get(uapi.IPVS_DEST_ATTR_TUN_PORT)
    tunnel_flags = found.get(uapi.IPVS_DEST_ATTR_TUN_FLAGS)
    if method not in uapi.FORWARD_METHOD_WORDS:
        raise IpvsProtocolError(f"forwarding method {method} in the kernel's reply is not known")
    type_number = 0 if tunnel_type is None else _number(tunnel_type)
    if type_number not in uapi.TUNNEL_TYPE_WORDS:
        raise IpvsProtocolError(f"tunnel type {type_number} in the kernel's reply is not known")
    destination = Destination(
        DestinationKey(
            _address(found, uapi.IPVS_DEST_ATTR_ADDR, family_number),
            _port(_require(found, uapi.IPVS_DEST_ATTR_PORT, "port")),
        ),
        forward_method=uapi.FORWARD_METHOD_WORDS[method],
        weight=_signed(number(uapi.IPVS_DEST_ATTR_WEIGHT, "weight")),
        upper_threshold=number(uapi.IPVS_DEST_ATTR_U_THRESH, "upper threshold"),
        lower_threshold=number(uapi.IPVS_DEST_ATTR_L_THRESH, "lower threshold"),
        tunnel_type=uapi.TUNNEL_TYPE_WORDS[type_number],
        tunnel_port=0 if tunnel_port is None else _port(tunnel_port),
        tunnel_flags=0 if tunnel_flags is None else _number(tunnel_flags),
    )
    counters = DestinationCounters(
        active_connections=number(uapi.IPVS_DEST_ATTR_ACTIVE_CONNS, "count of active connections"),
        inactive_connections=number(uapi.IPVS_DEST_ATTR_INACT_CONNS, "count of inactive connections"),
        persistent_connections=number(uapi.IPVS_DEST_ATTR_PERSIST_CONNS, "count of persistent connections"),
        stats=_unpack_best_stats(found, uapi.IPVS_DEST_ATTR_STATS64, uapi.IPVS_DEST_ATTR_STATS),
    )
    return canonical_destination(destination), counters


# -- counters ---------------------------------------------------------------------------------------------------------


def unpack_stats(data: memoryview) -> Stats:
    """Return the counters from the inside of a STATS64 or STATS attribute; those that are missing are 0."""
    found = dict(_attributes(data))
    return Stats(*(_number(found[kind]) if kind in found else 0 for kind in range(1, len(Stats._fields) + 1)))


def _unpack_best_stats(found: dict[int, memoryview], wide: int, narrow: int) -> Stats:
    """Take the 64-bit counters; kernels before 4.1 have only the narrow ones."""
    return unpack_stats(found[wide] if wide in found else _require(found, narrow, "statistics"))


# -- messages ---------------------------------------------------------------------------------------------------------


def pack_command(service: Optional[bytes], destination: Optional[bytes] = None) -> bytes:
    """Return the first level of a command's attributes from what ``pack_service*`` and ``pack_destination*`` made."""
    data = b"" if service is None else _pack(uapi.IPVS_CMD_ATTR_SERVICE, service)
    return data if destination is None else data + _pack(uapi.IPVS_CMD_ATTR_DEST, destination)


def unpack_command(data: memoryview) -> dict[int, memoryview]:
    """Return the first level of a message's attributes by kind."""
    return dict(_attributes(data))


def unpack_info(data: memoryview) -> Info:
    """Return version and table size from the reply to IPVS_CMD_GET_INFO."""
    found = dict(_attributes(data))
    code = _number(_require(found, uapi.IPVS_INFO_ATTR_VERSION, "version"))
    return Info(
        version=f"{(code >> 16) & 0xFF}.{(code >> 8) & 0xFF}.{code & 0xFF}",
        connection_table_size=_number(_require(found, uapi.IPVS_INFO_ATTR_CONN_TAB_SIZE, "connection table size")),
    )


def unpack_timeouts(data: memoryview) -> Timeouts:
    """Return the timeouts from the reply to IPVS_CMD_GET_CONFIG; one whose protocol the kernel lacks is 0."""
    found = dict(_attributes(data))
    kinds = (uapi.IPVS_CMD_ATTR_TIMEOUT_TCP, uapi.IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, uapi.IPVS_CMD_ATTR_TIMEOUT_UDP)
    return Timeouts(*(_number(found[kind]) if kind in found else 0 for kind in kinds))


def unpack_sync_daemon(data: memoryview) -> SyncDaemon:
    """Return a sync daemon from the inside of IPVS_CMD_ATTR_DAEMON. Kernels before 4.3 send only the first three."""
    found = dict(_attributes(data))
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
