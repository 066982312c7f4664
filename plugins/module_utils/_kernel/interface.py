# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""Checks of a sync daemon's network interface, in the network namespace of this process."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import sys
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import format_address

# Has a directory for each interface with IPv6, which needs a minimum MTU.
_IPV6_INTERFACES = "/proc/sys/net/ipv6/conf"

_SIOCGIFMTU = 0x8921
_IFREQ = struct.Struct("=16si20x")
_MREQN = struct.Struct("=4s4si")
# The multicast groups that interfaces have joined.
_GROUPS = "/proc/net/igmp"
_GROUPS6 = "/proc/net/igmp6"


def read_mtu(name: str) -> Optional[int]:
    """Return the MTU of an interface in bytes, or None if no interface has that name."""
    # Only for existing names: for some (tunl0), the ioctl makes the kernel load a module.
    if read_index(name) is None:
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            answer = fcntl.ioctl(control, _SIOCGIFMTU, _IFREQ.pack(name.encode("ascii"), 0))
        except OSError as exc:
            if exc.errno == errno.ENODEV:
                return None
            raise
    return int(_IFREQ.unpack(answer)[1])


def try_sockets(daemon: SyncDaemon) -> int:
    """Return the error number with which the kernel would refuse the socket of a sync daemon, or 0.

    Opens and closes a socket as the kernel does for the daemon. Sends nothing and joins no group.
    """
    index = read_index(daemon.interface)
    if index is None:
        return errno.ENODEV
    ipv4 = len(daemon.group) == 4
    try:
        with socket.socket(socket.AF_INET if ipv4 else socket.AF_INET6, socket.SOCK_DGRAM) as tried:
            if daemon.state == "master":
                if ipv4:
                    tried.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _MREQN.pack(bytes(4), bytes(4), index))
                else:
                    tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
                tried.connect((format_address(daemon.group), daemon.port))
            else:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, daemon.interface.encode("ascii") + b"\0")
                tried.bind((format_address(daemon.group), daemon.port))
                if not ipv4 and not os.path.isdir(f"{_IPV6_INTERFACES}/{daemon.interface}"):
                    return errno.EINVAL
    except OSError as exc:
        return exc.errno or errno.EIO
    return 0


def read_index(name: str) -> Optional[int]:
    """Return the index of an interface, which the kernel never reuses; None if the interface does not exist."""
    return next((index for index, found in socket.if_nameindex() if found == name), None)


def has_joined(daemon: SyncDaemon) -> bool:
    """Return whether a backup's interface has joined its group. Deleting the interface leaves the group, but the daemon keeps running."""
    if len(daemon.group) == 16:
        with open(_GROUPS6, encoding="ascii") as lines:
            return any(line.split()[1:3] == [daemon.interface, daemon.group.hex()] for line in lines)
    group = f"{int.from_bytes(daemon.group, sys.byteorder):08X}"
    interface = ""
    with open(_GROUPS, encoding="ascii") as lines:
        for line in lines:
            words = line.split()
            if line.startswith("\t"):
                if interface == daemon.interface and words[0] == group:
                    return True
            elif len(words) > 1:
                interface = words[1]
    return False
