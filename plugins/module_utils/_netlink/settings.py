# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Bytes <-> model: version and table size, the timeouts of connections, and the sync daemons."""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import Info, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._netlink.decode import number, require, text, values
from ansible_collections.lvs.director.plugins.module_utils._netlink.encode import pack, string, u8, u16, u32


def unpack_info(message: bytes) -> Info:
    """Return version and table size from the reply to IPVS_CMD_GET_INFO."""
    found = values(message[uapi.MESSAGE_HEADERS :])
    code = number(require(found, uapi.IPVS_INFO_ATTR_VERSION, "version"))
    return Info(
        version=f"{(code >> 16) & 0xFF}.{(code >> 8) & 0xFF}.{code & 0xFF}",
        connection_table_size=number(require(found, uapi.IPVS_INFO_ATTR_CONN_TAB_SIZE, "connection table size")),
    )


def unpack_timeouts(message: bytes) -> Timeouts:
    """Return the timeouts from the reply to IPVS_CMD_GET_CONFIG; 0 if the kernel lacks the protocol."""
    found = values(message[uapi.MESSAGE_HEADERS :])
    kinds = (uapi.IPVS_CMD_ATTR_TIMEOUT_TCP, uapi.IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, uapi.IPVS_CMD_ATTR_TIMEOUT_UDP)
    return Timeouts(*(number(found[kind]) if kind in found else 0 for kind in kinds))


def unpack_sync_daemons(data: bytes, length: int) -> list[SyncDaemon]:
    """Return the sync daemons of a run of messages."""
    return [_unpack_sync_daemon(data[begin : begin + length]) for begin in range(0, len(data), length)]


def _unpack_sync_daemon(message: bytes) -> SyncDaemon:
    around = values(message[uapi.MESSAGE_HEADERS :])
    found = values(require(around, uapi.IPVS_CMD_ATTR_DAEMON, "sync daemon"))
    state = number(require(found, uapi.IPVS_DAEMON_ATTR_STATE, "state"))
    if state not in uapi.SYNC_DAEMON_STATES:
        raise IpvsProtocolError(f"sync daemon state {state} in the kernel's reply is neither master nor backup")

    def number_of(kind: int, name: str) -> int:
        return number(require(found, kind, name))

    group = found.get(uapi.IPVS_DAEMON_ATTR_MCAST_GROUP6)
    if group is None:
        group = require(found, uapi.IPVS_DAEMON_ATTR_MCAST_GROUP, "multicast group")
    if len(group) not in (4, 16):
        raise IpvsProtocolError(f"a multicast group of {len(group)} bytes in the kernel's reply")
    return SyncDaemon(
        state=uapi.SYNC_DAEMON_STATES[state],
        interface=text(require(found, uapi.IPVS_DAEMON_ATTR_MCAST_IFN, "interface")),
        sync_id=number_of(uapi.IPVS_DAEMON_ATTR_SYNC_ID, "sync ID"),
        maximum_length=number_of(uapi.IPVS_DAEMON_ATTR_SYNC_MAXLEN, "maximum length"),
        group=group,
        port=number_of(uapi.IPVS_DAEMON_ATTR_MCAST_PORT, "port"),
        ttl=number_of(uapi.IPVS_DAEMON_ATTR_MCAST_TTL, "TTL"),
    )


def pack_timeouts(timeouts: Timeouts) -> bytes:
    """Return the first level of IPVS_CMD_SET_CONFIG's attributes: those timeouts that are not 0, the others stay."""
    kinds = (uapi.IPVS_CMD_ATTR_TIMEOUT_TCP, uapi.IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, uapi.IPVS_CMD_ATTR_TIMEOUT_UDP)
    return b"".join(u32(kind, seconds) for kind, seconds in zip(kinds, timeouts) if seconds)


def pack_sync_daemon_state(state: str) -> bytes:
    """Return the first level of IPVS_CMD_DEL_DAEMON's attributes: which daemon is meant."""
    return pack(uapi.IPVS_CMD_ATTR_DAEMON, u32(uapi.IPVS_DAEMON_ATTR_STATE, uapi.SYNC_DAEMON_NUMBERS[state]))


def pack_sync_daemon(daemon: SyncDaemon) -> bytes:
    """Return the first level of IPVS_CMD_NEW_DAEMON's attributes: the whole daemon; the kernel fills in nothing."""
    group = uapi.IPVS_DAEMON_ATTR_MCAST_GROUP if len(daemon.group) == 4 else uapi.IPVS_DAEMON_ATTR_MCAST_GROUP6
    return pack(
        uapi.IPVS_CMD_ATTR_DAEMON,
        u32(uapi.IPVS_DAEMON_ATTR_STATE, uapi.SYNC_DAEMON_NUMBERS[daemon.state])
        + string(uapi.IPVS_DAEMON_ATTR_MCAST_IFN, daemon.interface)
        + u32(uapi.IPVS_DAEMON_ATTR_SYNC_ID, daemon.sync_id)
        + u16(uapi.IPVS_DAEMON_ATTR_SYNC_MAXLEN, daemon.maximum_length)
        + pack(group, daemon.group)
        + u16(uapi.IPVS_DAEMON_ATTR_MCAST_PORT, daemon.port)
        + u8(uapi.IPVS_DAEMON_ATTR_MCAST_TTL, daemon.ttl),
    )
