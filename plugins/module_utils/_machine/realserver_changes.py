# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The changes on a real server, each with its commands and those that undo it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._machine import realserver_segments
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import Address, Change, Command, Link, Port

# Missing where the kernel was booted without IPv6.
_IPV6 = "/proc/sys/net/ipv6"
_MODES: Mapping[str, Command] = {"ipip": ("mode", "ipip"), "sit": ("mode", "ip6ip"), "ip6tnl": ("mode", "any")}


def set_setting(name: str, before: str, after: str) -> Change:
    """Set a setting. ``before`` is empty for an interface that does not exist yet: undoing removes that."""
    undo: tuple[Command, ...] = (("sysctl", name, before),) if before else ()
    change = f": {before} -> {after}" if before else f" -> {after}"
    return Change(f"net/ipv4/conf/{name}{change}", (("sysctl", name, after),), undo)


def set_segments(before: Optional[Mapping[str, int]], after: Mapping[str, int]) -> Change:
    """Announce an MSS to TCP clients, or none."""
    sizes = ", ".join(f"{size} for {vip}" for vip, size in after.items())
    text = f"MSS in table {realserver_segments.TABLE}: {sizes}" if sizes else f"delete table {realserver_segments.TABLE}"
    return Change(text, (realserver_segments.command(after),), (realserver_segments.command(before or {}),))


def add_link(name: str, link: Link) -> Change:
    """Add an interface, and set it up."""
    # No automatic link-local address; must be set before the interface is up.
    quiet: Command = ("addrgenmode", "none") if os.path.exists(_IPV6) else ()
    # Not in "link add": tunnels over IPv6 would choose another MTU.
    mtu: Command = ("mtu", str(link.mtu)) if link.mtu else ()
    changes = [_set_link(name, *words) for words in (quiet, mtu, ("up",)) if words]
    local = f" at {link.local}" if link.local else ""
    details = f"{' with checksums' if link.csum else ''}{f', mtu {link.mtu}' if link.mtu else ''}"
    return Change(
        f"add interface {name}, {link.kind}{local}{details}",
        (("ip", "link", "add", "name", name, "type", link.kind, *_tunnel(link)), *changes),
        (_delete_link(name),),
    )


def change_link(name: str, before: Link, after: Link) -> Iterator[Change]:
    """Change what differs on an interface of the right kind and local address."""
    if before.csum != after.csum:
        words = ("type", after.kind)
        yield Change(
            f"{name}: {'with' if after.csum else 'without'} checksums",
            (_set_link(name, *words, *_tunnel(after)),),
            (_set_link(name, *words, *_tunnel(before)),),
        )
    if after.mtu and before.mtu != after.mtu:
        yield Change(
            f"mtu of {name}: {before.mtu} -> {after.mtu}",
            (_set_link(name, "mtu", str(after.mtu)),),
            (_set_link(name, "mtu", str(before.mtu)),),
        )
    if not before.up:
        yield Change(f"set {name} up", (_set_link(name, "up"),), (_set_link(name, "down"),))


def remove_link(name: str) -> Change:
    """Remove an interface and its addresses."""
    return Change(f"remove interface {name}", (_delete_link(name),))


def add_port(port: Port) -> Change:
    """Receive GUE on a UDP port."""
    # The kernel loads the other tunnel modules by itself, but not this one.
    return Change(
        f"receive GUE at UDP port {port[1]} (IPv{port[0]})",
        (("modprobe", "fou"), ("ip", "fou", "add", *_port(port), "gue")),
        (("ip", "fou", "del", *_port(port)),),
    )


def remove_port(port: Port) -> Change:
    """Stop receiving GUE on a UDP port."""
    return Change(f"stop receiving GUE at UDP port {port[1]} (IPv{port[0]})", (("ip", "fou", "del", *_port(port)),))


def add_address(where: Address) -> Change:
    """Add a virtual address."""
    interface, address = where
    # No duplicate address detection, and never the source address of outgoing connections.
    quiet: Command = ("nodad", "preferred_lft", "0") if ":" in address else ()
    words = (address, "dev", interface)
    return Change(f"add {address} to {interface}", (("ip", "address", "add", *words, *quiet),), (("ip", "address", "del", *words),))


def remove_address(where: Address) -> Change:
    """Remove a virtual address."""
    interface, address = where
    return Change(f"remove {address} from {interface}", (("ip", "address", "del", address, "dev", interface),))


def _set_link(name: str, *words: str) -> Command:
    return ("ip", "link", "set", "dev", name, *words)


def _delete_link(name: str) -> Command:
    return ("ip", "link", "del", "dev", name)


def _tunnel(link: Link) -> Command:
    words: Command = (*_MODES.get(link.kind, ()), "local", link.local) if link.local else ()
    return (*words, "icsum" if link.csum else "noicsum") if link.kind in ("gre", "ip6gre") else words


def _port(port: Port) -> Command:
    family, number = port
    return ("port", str(number), "-6") if family == 6 else ("port", str(number))
