# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Bytes -> model: the services and destinations in the kernel's messages. Pure functions, no input or output.

What is sent to change them: ``build``; timeouts and sync daemons, both ways: ``settings``. A task that has
nothing to do needs neither.

pyroute2's own IPVS classes are not used: they are missing from the versions that
Debian 12 and 13 ship, and in later ones swap the tunnel port's bytes, type an IPv6 prefix length as an IPv4 address
and leave out the netmask which the kernel demands.

The kernel's byte orders: ports (service, destination, tunnel) and addresses in network order, all else in host order,
the sync daemon's port included.
"""

from __future__ import annotations

import socket
import struct
from functools import lru_cache
from itertools import repeat
from operator import add, itemgetter
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
from ansible_collections.lvs.director.plugins.module_utils._netlink.decode import HEADER, Field, Shapes, Together

_IPV4 = int(uapi.FAMILIES["ipv4"])

_U32 = struct.Struct("=I")
_FLAGS = struct.Struct("=II")


def text(value: bytes) -> str:
    """Return a string, without the zero byte at its end."""
    return bytes(value).split(b"\0", 1)[0].decode("ascii", "replace")


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
_FWMARK_KEY = struct.Struct("=HHH2xHHI")


def pack_service_key(key: ServiceKey) -> bytes:
    """Return the attributes that name a service."""
    if key.fwmark:
        return _FWMARK_KEY.pack(
            *(6, uapi.IPVS_SVC_ATTR_AF, uapi.FAMILIES[key.family]),
            *(8, uapi.IPVS_SVC_ATTR_FWMARK, key.fwmark),
        )
    return _SERVICE_KEY.pack(
        *(6, uapi.IPVS_SVC_ATTR_AF, uapi.FAMILIES[key.family]),
        *(6, uapi.IPVS_SVC_ATTR_PROTOCOL, uapi.PROTOCOLS[key.protocol or ""]),
        *(20, uapi.IPVS_SVC_ATTR_ADDR, key.address),
        *(6, uapi.IPVS_SVC_ATTR_PORT, socket.htons(key.port)),
    )


def pack_command(service: Optional[ServiceKey]) -> bytes:
    """Return the attribute of a command that names a service; none for a command about all of them."""
    if service is None:
        return b""
    key = pack_service_key(service)
    return HEADER.pack(HEADER.size + len(key), uapi.IPVS_CMD_ATTR_SERVICE) + key


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
        text(scheduler),
        bits & uapi.IP_VS_SVC_F_SCHED_ANY,
        timeout if bits & uapi.IP_VS_SVC_F_PERSISTENT else 0,
        _unpack_netmask(family, netmask),
        text(engine),
        bool(bits & uapi.IP_VS_SVC_F_ONEPACKET),
    )
    return tuple(canonical_service(service))[1:]


# -- destinations -----------------------------------------------------------------------------------------------------


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
