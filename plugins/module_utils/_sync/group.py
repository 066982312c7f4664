# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The sockets of a sync daemon's multicast group, beside the kernel's own."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from typing import NamedTuple, Optional, Protocol

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import format_address
from ansible_collections.lvs.director.plugins.module_utils._sync.round import Source

# Holds datagrams while a listing is read: a thousand, each with some forty connections.
_RECEIVE_BYTES = 4 << 20
_SO_RCVBUFFORCE = 33
_LARGEST_DATAGRAM = 65535
_MREQN = struct.Struct("=4s4si")
_MREQ6 = struct.Struct("=16si")


class Datagram(NamedTuple):
    """A received datagram and its sender."""

    source: Source
    data: bytes


class Group(Protocol):
    """Sends and receives sync messages."""

    def tell(self, data: bytes) -> None:
        """Send a datagram to the other directors.

        :raises IpvsUnavailableError: the interface is gone.
        """

    def tell_here(self, data: bytes) -> None:
        """Send a datagram to the backup daemon of this director only.

        :raises IpvsUnavailableError: the interface is gone.
        """

    def receive(self, patience: float) -> Optional[Datagram]:
        """Return the next datagram of another director; None after a timeout, or if it was our own.

        :raises IpvsUnavailableError: the interface is gone.
        """


class MulticastGroup:
    """The group of a director's sync daemons.

    :param backup: the backup daemon, whose group to join.
    :param master: the master daemon, whose group to send to.
    :param ports: number of ports that the kernel's daemons use (net.ipv4.vs.sync_ports), starting with the daemon's own.
    :raises IpvsUnavailableError: the interface is gone, or the process is not root.
    """

    def __init__(self, backup: SyncDaemon, master: SyncDaemon, ports: int) -> None:
        self._backup, self._master = backup, master
        self._receivers: list[socket.socket] = []
        self._open: list[socket.socket] = []
        try:
            self._others = self._sender(master, hops=master.ttl, loop=False)
            # With TTL 0, a datagram does not leave the machine; the loopback delivers it to the kernel's backup daemon.
            self._here = self._sender(backup, hops=0, loop=True)
            self._own_port = self._here.getsockname()[1]
            self._receivers = [self._receiver(backup, backup.port + index) for index in range(ports)]
        except OSError as exc:
            self.close()
            raise _unusable(backup if self._open else master, exc) from exc

    def close(self) -> None:
        """Close all sockets."""
        for each in self._open:
            each.close()

    def tell(self, data: bytes) -> None:
        self._send(self._others, self._master, data)

    def tell_here(self, data: bytes) -> None:
        self._send(self._here, self._backup, data)

    def receive(self, patience: float) -> Optional[Datagram]:
        try:
            ready = select.select(self._receivers, [], [], max(0.0, patience))[0]
            if not ready:
                return None
            data, (address, port, *_scope) = ready[0].recvfrom(_LARGEST_DATAGRAM)
        except OSError as exc:
            raise _unusable(self._backup, exc) from exc
        return None if port == self._own_port else Datagram(Source(address, port), data)

    def _send(self, sender: socket.socket, daemon: SyncDaemon, data: bytes) -> None:
        try:
            sender.sendto(data, (_group(daemon), daemon.port))
        except OSError as exc:
            raise _unusable(daemon, exc) from exc

    def _sender(self, daemon: SyncDaemon, *, hops: int, loop: bool) -> socket.socket:
        index = socket.if_nametoindex(daemon.interface)
        sender = self._socket(daemon)
        if sender.family == socket.AF_INET:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _MREQN.pack(bytes(4), bytes(4), index))
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, hops)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, loop)
            sender.bind(("0.0.0.0", 0))
        else:
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, hops)
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, loop)
            sender.bind(("::", 0))
        return sender

    def _receiver(self, daemon: SyncDaemon, port: int) -> socket.socket:
        index = socket.if_nametoindex(daemon.interface)
        receiver = self._socket(daemon)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, daemon.interface.encode())
        with contextlib.suppress(PermissionError):  # root may exceed net.core.rmem_max
            receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
        receiver.bind((_group(daemon), port))
        if receiver.family == socket.AF_INET:
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _MREQN.pack(daemon.group, bytes(4), index))
        else:
            receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, _MREQ6.pack(daemon.group, index))
        return receiver

    def _socket(self, daemon: SyncDaemon) -> socket.socket:
        made = socket.socket(socket.AF_INET if len(daemon.group) == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        self._open.append(made)
        return made


def _group(daemon: SyncDaemon) -> str:
    return format_address(daemon.group)


def _unusable(daemon: SyncDaemon, exc: OSError) -> IpvsUnavailableError:
    return IpvsUnavailableError(
        f"Cannot use the sync daemon's group {_group(daemon)} on {daemon.interface}: {exc.strerror or exc}. Does the interface exist?"
    )
