# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The real server's side of direct routing and tunnels: the request, the wanted state, and the state found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Optional

LOOPBACK = "lo"

# The kernel uses the greater of "all" and the interface's own value, so "all" is a minimum.
# For each setting the value to set, then other values that are good enough.
ARP: Mapping[str, tuple[str, ...]] = {"all/arp_ignore": ("1", "2"), "all/arp_announce": ("2",)}
# With rp_filter strict in "all", only 2 on a tunnel's interface accepts packets whose replies leave by another one.
LOOSE = ("2",)

Command = tuple[str, ...]
Address = tuple[str, str]  # interface, address/prefix length
Port = tuple[int, int]  # family, UDP port


class Tunnel(NamedTuple):
    """The end of a tunnel, with the options of the director's destination."""

    tunnel_type: str
    address: str
    tunnel_port: Optional[int] = None
    tunnel_flags: tuple[str, ...] = ()
    mtu: Optional[int] = None


class Request(NamedTuple):
    """The options of a task. Always has a virtual address; without one, this is no real server."""

    interface: str
    vips: tuple[str, ...]
    tunnels: tuple[Tunnel, ...] = ()


class Link(NamedTuple):
    """A network interface. Each kind of tunnel has one for each local address."""

    kind: str
    local: str = ""
    csum: bool = False
    mtu: int = 0  # if wanted: 0 leaves it to the kernel
    up: bool = True


class Wanted(NamedTuple):
    """The wanted state of a real server."""

    links: Mapping[str, Link] = {}
    addresses: frozenset[Address] = frozenset()
    ports: frozenset[Port] = frozenset()
    settings: Mapping[str, tuple[str, ...]] = {}  # below /proc/sys/net/ipv4/conf: the value to set, then other good ones
    segments: Mapping[str, int] = {}  # the MSS in bytes to announce, by virtual address


class Found(NamedTuple):
    """The state found on the machine."""

    links: Mapping[str, Link]
    addresses: frozenset[Address]
    ports: frozenset[Port]
    settings: Mapping[str, str]
    segments: Optional[Mapping[str, int]] = None  # None without the table; empty if its rules are not ours


class Change(NamedTuple):
    """One change: a line for people, the commands that make it, and those that undo it.

    A command begins with its program: ``ip``, ``modprobe``; ``nft`` with a text for its standard input; ``sysctl`` with a
    setting and its value.
    """

    text: str
    do: tuple[Command, ...]
    undo: tuple[Command, ...] = ()
