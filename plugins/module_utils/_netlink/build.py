# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Model -> bytes: a plan's steps as commands with their attributes."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    SetTimeouts,
    StartSyncDaemon,
    Step,
    StopSyncDaemon,
    ZeroCounters,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Service, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._netlink.decode import HEADER
from ansible_collections.lvs.director.plugins.module_utils._netlink.encode import be16, pack, string, u8, u16, u32
from ansible_collections.lvs.director.plugins.module_utils._netlink.parse import pack_command, pack_service_key
from ansible_collections.lvs.director.plugins.module_utils._netlink.settings import pack_sync_daemon, pack_sync_daemon_state, pack_timeouts

_KNOWN_SERVICE_FLAGS = uapi.IP_VS_SVC_F_PERSISTENT | uapi.IP_VS_SVC_F_ONEPACKET | uapi.IP_VS_SVC_F_SCHED_ANY

# All methods, not only those that a task can ask for: a destination keeps its own when another option of it changes.
_FORWARD_METHOD_NUMBERS = {word: number for number, word in uapi.FORWARD_METHOD_WORDS.items()}

_FAMILY_NUMBERS = {4: int(uapi.FAMILIES["ipv4"]), 16: int(uapi.FAMILIES["ipv6"])}

_U32 = struct.Struct("=I")
_FLAGS = struct.Struct("=II")


def pack_service_command(service: Service) -> bytes:
    """Return the attributes of a command that adds or edits a service."""
    return pack(uapi.IPVS_CMD_ATTR_SERVICE, pack_service(service))


def pack_service(service: Service) -> bytes:
    """Return the attributes of a whole service.

    A set command replaces all of it, so all is sent; a service loses a persistence engine that is not. The mask names only
    the flags known here: bits of later kernels stay as they are.
    """
    return pack_service_key(service.key) + _service_tail(service.key.family, *service[1:])


@lru_cache(maxsize=1024)
def _service_tail(
    family: str, scheduler: str, scheduler_flags: int, persistence_timeout: int, netmask: str, engine: str, one_packet: bool
) -> bytes:
    """Return everything but the key. Cached: most services of a table share it with many others."""
    flags = scheduler_flags & uapi.IP_VS_SVC_F_SCHED_ANY
    if persistence_timeout:
        flags |= uapi.IP_VS_SVC_F_PERSISTENT
    if one_packet:
        flags |= uapi.IP_VS_SVC_F_ONEPACKET
    return (
        string(uapi.IPVS_SVC_ATTR_SCHED_NAME, scheduler)
        + pack(uapi.IPVS_SVC_ATTR_FLAGS, _FLAGS.pack(flags, _KNOWN_SERVICE_FLAGS))
        + u32(uapi.IPVS_SVC_ATTR_TIMEOUT, persistence_timeout)
        + pack(uapi.IPVS_SVC_ATTR_NETMASK, _pack_netmask(family, netmask))
        + (string(uapi.IPVS_SVC_ATTR_PE_NAME, engine) if engine else b"")
    )


def _pack_netmask(family: str, netmask: str) -> bytes:
    if family == "ipv6":
        return _U32.pack(int(netmask or "128"))
    return bytes(int(part) for part in (netmask or "255.255.255.255").split("."))


# A destination's key: what precedes the address, the address, the port's header, the port.
_DESTINATION_KEY = struct.Struct("=16s16s4sH2x")
_PORT = HEADER.pack(6, uapi.IPVS_DEST_ATTR_PORT)


def pack_destination_key(key: DestinationKey) -> bytes:
    """Return the attribute of a command that names a destination."""
    address, port = key
    return _DESTINATION_KEY.pack(_destination_head(len(address), 0), address, _PORT, socket.htons(port))


def pack_destination(destination: Destination) -> bytes:
    """Return the attribute of a command with a whole destination: a set command replaces all of it."""
    return destination_packer()(destination)


def destination_packer() -> Callable[[Destination], bytes]:
    """Return ``pack_destination`` for a large table, where most destinations share all but the key with the one before."""
    last: tuple[Any, ...] = ()
    length = 0
    head = tail = b""
    pack, to_network_order = _DESTINATION_KEY.pack, socket.htons

    def pack_next(destination: Destination) -> bytes:
        nonlocal last, length, head, tail
        address, port = destination[0]
        values = destination[1:]
        if values != last or len(address) != length:
            last, length = values, len(address)
            head, tail = _destination_frame(length, values)
        return pack(head, address, _PORT, to_network_order(port)) + tail

    return pack_next


def _destination_head(address_length: int, tail_length: int) -> bytes:
    """Return what precedes the address: headers and the family."""
    return (
        HEADER.pack(4 + 8 + 20 + 8 + tail_length, uapi.IPVS_CMD_ATTR_DEST)
        + u16(uapi.IPVS_DEST_ATTR_ADDR_FAMILY, _FAMILY_NUMBERS[address_length])
        + HEADER.pack(20, uapi.IPVS_DEST_ATTR_ADDR)
    )


@lru_cache(maxsize=1024)
def _destination_frame(address_length: int, values: tuple[Any, ...]) -> tuple[bytes, bytes]:
    """Return what precedes and follows the key; most destinations of a table share it with many others."""
    forward_method, weight, upper, lower, tunnel_type, tunnel_port, tunnel_flags, *_marks = values
    tail = (
        u32(uapi.IPVS_DEST_ATTR_FWD_METHOD, uapi.number_of(_FORWARD_METHOD_NUMBERS, forward_method))
        + u32(uapi.IPVS_DEST_ATTR_WEIGHT, weight & 0xFFFFFFFF)
        + u8(uapi.IPVS_DEST_ATTR_TUN_TYPE, uapi.number_of(uapi.TUNNEL_TYPES, tunnel_type))
        + be16(uapi.IPVS_DEST_ATTR_TUN_PORT, tunnel_port)
        + u16(uapi.IPVS_DEST_ATTR_TUN_FLAGS, tunnel_flags)
        + u32(uapi.IPVS_DEST_ATTR_U_THRESH, upper)
        + u32(uapi.IPVS_DEST_ATTR_L_THRESH, lower)
    )
    return _destination_head(address_length, len(tail)), tail


# -- commands ---------------------------------------------------------------------------------------------------------


# The command's number and its attributes.
Command = tuple[int, bytes]


def commands(steps: Iterable[Step]) -> Iterator[Command]:
    """Yield the command of each step."""
    named: Optional[ServiceKey] = None
    service = b""
    pack_next = destination_packer()
    for step in steps:
        if isinstance(step, AddDestination):
            # Most steps of a large plan are of this kind, and those of a service are consecutive.
            key, destination = step
            if key is not named:
                named, service = key, pack_command(key)
            yield uapi.IPVS_CMD_NEW_DEST, service + pack_next(destination)
        else:
            yield _command(step)


def _command(step: Step) -> Command:
    if isinstance(step, EditDestination):
        return uapi.IPVS_CMD_SET_DEST, pack_command(step.service) + pack_destination(step.destination)
    if isinstance(step, DeleteDestination):
        return uapi.IPVS_CMD_DEL_DEST, pack_command(step.service) + pack_destination_key(step.key)
    if isinstance(step, AddService):
        return uapi.IPVS_CMD_NEW_SERVICE, pack_service_command(step.service)
    if isinstance(step, EditService):
        return uapi.IPVS_CMD_SET_SERVICE, pack_service_command(step.service)
    if isinstance(step, DeleteService):
        return uapi.IPVS_CMD_DEL_SERVICE, pack_command(step.key)
    if isinstance(step, SetTimeouts):
        return uapi.IPVS_CMD_SET_CONFIG, pack_timeouts(step.timeouts)
    if isinstance(step, StartSyncDaemon):
        return uapi.IPVS_CMD_NEW_DAEMON, pack_sync_daemon(step.daemon)
    if isinstance(step, StopSyncDaemon):
        return uapi.IPVS_CMD_DEL_DAEMON, pack_sync_daemon_state(step.state)
    if isinstance(step, ZeroCounters):
        return uapi.IPVS_CMD_ZERO, pack_command(step.key)
    raise TypeError(step)
