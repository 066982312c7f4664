# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The sockets of a sync daemon's multicast group, beside the kernel's own."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import NamedTuple, Optional, Protocol

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon

# Datagrams wait here while a listing is read: a thousand of them, each with some forty connections.
_RECEIVE_BYTES = 4 << 20
_SO_RCVBUFFORCE = 33
_LARGEST_DATAGRAM = 65535
_MREQN = struct.Struct("=4s4si")
_MREQ6 = struct.Struct("=16si")


class Datagram(NamedTuple):
    """What was received, and from whom."""

    source: str
    data: bytes


class Group(Protocol):
    """Where sync messages go to and come from."""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""

    def tell(self, data: bytes) -> None:
        """Send a datagram to the other directors.

        :raises IpvsUnavailableError: the interface is gone.
        """

    def tell_here(self, data: bytes) -> None:
        """Send a datagram to the backup daemon of this director, and to nobody else.

        :raises IpvsUnavailableError: the interface is gone.
        """

    def receive(self) -> Optional[Datagram]:
        """Return the next datagram of another director; None if it was this one's own.

        :raises IpvsUnavailableError: the interface is gone.
        """


class MulticastGroup:
    """The group of a sync daemon.

    :raises IpvsUnavailableError: the interface is gone, or this is not root.
    """

    def __init__(self, daemon: SyncDaemon) -> None:
        self._daemon = daemon
        self._family = socket.AF_INET if len(daemon.group) == 4 else socket.AF_INET6
        self._to = (socket.inet_ntop(self._family, daemon.group), daemon.port)
        try:
            self._index = socket.if_nametoindex(daemon.interface)
            self._others = self._sender(hops=daemon.ttl, loop=False)
            # With no hop to go, a datagram does not leave the machine; the loop brings it to the kernel's backup daemon.
            self._here = self._sender(hops=0, loop=True)
            self._own_port = self._here.getsockname()[1]
            self._receiver = self._receive_socket()
        except OSError as exc:
            raise self._unusable(exc) from exc

    def fileno(self) -> int:
        return self._receiver.fileno()

    def close(self) -> None:
        """Close all sockets."""
        for each in (self._others, self._here, self._receiver):
            each.close()

    def tell(self, data: bytes) -> None:
        self._send(self._others, data)

    def tell_here(self, data: bytes) -> None:
        self._send(self._here, data)

    def receive(self) -> Optional[Datagram]:
        try:
            data, (address, port, *_scope) = self._receiver.recvfrom(_LARGEST_DATAGRAM)
        except OSError as exc:
            raise self._unusable(exc) from exc
        return None if port == self._own_port else Datagram(address, data)

    def _send(self, sender: socket.socket, data: bytes) -> None:
        try:
            sender.sendto(data, self._to)
        except OSError as exc:
            raise self._unusable(exc) from exc

    def _unusable(self, exc: OSError) -> IpvsUnavailableError:
        group, interface = self._to[0], self._daemon.interface
        return IpvsUnavailableError(
            f"Cannot use the sync daemon's group {group} on {interface}: {exc.strerror or exc}. Does the interface exist?"
        )

    def _sender(self, *, hops: int, loop: bool) -> socket.socket:
        sender = socket.socket(self._family, socket.SOCK_DGRAM)
        if self._family == socket.AF_INET:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _MREQN.pack(bytes(4), bytes(4), self._index))
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, hops)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, loop)
            sender.bind(("0.0.0.0", 0))
        else:
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, self._index)
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, hops)
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, loop)
            sender.bind(("::", 0))
        return sender

    def _receive_socket(self) -> socket.socket:
        receiver = socket.socket(self._family, socket.SOCK_DGRAM)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._daemon.interface.encode())
        with contextlib.suppress(PermissionError):  # the limit of net.core.rmem_max is for others than root
            receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
        receiver.bind(self._to)
        if self._family == socket.AF_INET:
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _MREQN.pack(self._daemon.group, bytes(4), self._index))
        else:
            receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, _MREQ6.pack(self._daemon.group, self._index))
        return receiver
