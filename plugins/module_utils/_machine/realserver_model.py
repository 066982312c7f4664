# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The real server's side of direct routing and tunnels: what is asked for, what it takes on a machine, and what a machine has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Optional

LOOPBACK = "lo"

# The kernel takes the greater one of "all" and of the interface's own value: "all" cannot be undercut.
# For each setting the value to set, then those that do as well.
ARP: Mapping[str, tuple[str, ...]] = {"all/arp_ignore": ("1", "2"), "all/arp_announce": ("2",)}
# With a strict "all", only 2 on a tunnel's interface lets packets in whose answers leave elsewhere.
LOOSE = ("2",)

Command = tuple[str, ...]
Address = tuple[str, str]  # interface, address with the length of its prefix
Port = tuple[int, int]  # family, UDP port


class Tunnel(NamedTuple):
    """The end of a tunnel, in the words of the director's destination."""

    tunnel_type: str
    address: str
    tunnel_port: Optional[int] = None
    tunnel_flags: tuple[str, ...] = ()
    mtu: Optional[int] = None


class Request(NamedTuple):
    """What a task asks for. Never without a virtual address: that would be no real server."""

    interface: str
    vips: tuple[str, ...]
    tunnels: tuple[Tunnel, ...] = ()


class Link(NamedTuple):
    """A network interface. Each kind of tunnel has one for each local address."""

    kind: str
    local: str = ""
    csum: bool = False
    mtu: int = 0  # wanted: 0 leaves it to the kernel
    up: bool = True


class Wanted(NamedTuple):
    """What a real server consists of."""

    links: Mapping[str, Link] = {}
    addresses: frozenset[Address] = frozenset()
    ports: frozenset[Port] = frozenset()
    settings: Mapping[str, tuple[str, ...]] = {}  # below /proc/sys/net/ipv4/conf: the value to set, then those that do as well
    segments: Mapping[str, int] = {}  # by virtual address, the MSS in bytes that clients are told


class Found(NamedTuple):
    """What the machine has of all that."""

    links: Mapping[str, Link]
    addresses: frozenset[Address]
    ports: frozenset[Port]
    settings: Mapping[str, str]
    segments: Optional[Mapping[str, int]] = None  # None without a table; empty if it says something else


class Change(NamedTuple):
    """One change: a line for people, the commands that make it, and those that undo it.

    A command begins with its program: ``ip``, ``modprobe``; ``nft`` with a text for its standard input; ``sysctl`` with a
    setting and its value.
    """

    text: str
    do: tuple[Command, ...]
    undo: tuple[Command, ...] = ()
