# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Find out which addresses this machine serves: those that its routing delivers locally.

The kernel answers (RTM_GETROUTE, as ``ip route get``): addresses on interfaces count, and so do local routes for whole networks.
"""

from __future__ import annotations

import os
import socket
import struct

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

_RTM_GETROUTE = 26
_NLM_F_REQUEST = 1
_RTA_DST = 1
_RTN_LOCAL = 2
_NLMSG_ERROR = 2
_NLMSGHDR = struct.Struct("=IHHII")
_RTMSG = struct.Struct("=BBBBBBBBI")
_RTATTR = struct.Struct("=HH")


class Routing:
    """Queries the kernel's routing."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.settimeout(10)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def is_local(self, address: bytes) -> bool:
        """Return whether packets to an address end at this machine.

        :raises IpvsUnavailableError: the kernel does not answer.
        """
        family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
        attribute = _RTATTR.pack(_RTATTR.size + len(address), _RTA_DST) + address
        body = _RTMSG.pack(family, 8 * len(address), 0, 0, 0, 0, 0, 0, 0) + attribute
        request = _NLMSGHDR.pack(_NLMSGHDR.size + len(body), _RTM_GETROUTE, _NLM_F_REQUEST, 1, 0) + body
        try:
            self._socket.send(request)
            reply = self._socket.recv(1 << 14)
        except OSError as exc:
            raise IpvsUnavailableError(f"Cannot ask the kernel for a route: {os.strerror(exc.errno or 0)}") from exc
        _length, kind, _flags, _sequence, _port = _NLMSGHDR.unpack_from(reply)
        # An address without a route is not this machine's.
        return kind != _NLMSG_ERROR and int(_RTMSG.unpack_from(reply, _NLMSGHDR.size)[7]) == _RTN_LOCAL
