# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Compute the wanted state from a request: interfaces, addresses, GUE ports, settings, MSS. Refuses impossible values."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Optional, Union

from ansible_collections.lvs.director.plugins.module_utils._machine import addresses
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import (
    ARP,
    LOOPBACK,
    LOOSE,
    Link,
    Port,
    Request,
    Tunnel,
    Wanted,
)
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError

Host = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

# The kind of interface that decapsulates a tunnel, by type and family of the outer packets, then by family of the inner ones.
# GUE hands its payload to the interface of the inner protocol, as if it had arrived without GUE.
_KINDS: Mapping[tuple[str, int], Mapping[int, str]] = {
    ("ipip", 4): {4: "ipip", 6: "sit"},
    ("ipip", 6): {4: "ip6tnl", 6: "ip6tnl"},
    ("gre", 4): {4: "gre", 6: "gre"},
    ("gre", 6): {4: "ip6gre", 6: "ip6gre"},
}
_CARRIES_IPV4 = frozenset(("ipip", "ip6tnl", "gre", "ip6gre"))
# The least MTU that a family's hosts must support (RFC 791, RFC 8200).
_LEAST_MTU = {4: 576, 6: 1280}
# An IP header and TCP's.
_HEADERS = {4: 40, 6: 60}
# Shorter than IFNAMSIZ, and without characters that are special in an ip(8) batch.
_INTERFACE = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,15}")


def wanted(request: Optional[Request], existing: Mapping[str, Link]) -> Wanted:
    """Return the wanted state on a machine with these interfaces.

    :raises IpvsInputError: a value is impossible.
    """
    if request is None:
        return Wanted()
    interface = _interface(request.interface)
    vips = [_host(text, f"vips[{index}]") for index, text in enumerate(request.vips)]
    families = sorted({vip.version for vip in vips})
    links = {} if interface == LOOPBACK else {interface: Link("dummy")}
    ports: set[Port] = set()
    for index, tunnel in enumerate(request.tunnels):
        path = f"tunnels[{index}]"
        local = _host(tunnel.address, f"{path}.address")
        port = _port(tunnel, path)
        if port:
            ports.add((local.version, port))
        for link in _links(tunnel, local, families, path):
            name = _name(link, {**existing, **links})
            # GUE and ipip share an interface.
            links[name] = _merged(links[name], link, path) if name in links else link
    carriers = [name for name, link in links.items() if link.kind in _CARRIES_IPV4]
    places = {(interface, f"{vip}/{vip.max_prefixlen}") for vip in vips}
    # With rp_filter on, the kernel drops packets from an interface without an address.
    places |= {(name, f"{vip}/32") for name in carriers for vip in vips if vip.version == 4}
    settings = {**ARP, **{f"{name}/rp_filter": LOOSE for name in carriers}}
    mtu = min((link.mtu for link in links.values() if link.mtu), default=0)
    segments = {str(vip): mtu - _HEADERS[vip.version] for vip in vips} if mtu else {}
    return Wanted(links, frozenset(places), frozenset(ports), settings, segments)


def _interface(name: str) -> str:
    if not _INTERFACE.fullmatch(name):
        raise IpvsInputError("interface", f"{name!r} is not a name of 1 to 15 letters, digits, and _ . -")
    return name


def _host(text: str, path: str) -> Host:
    interface = addresses.parse(text, path)
    if interface.network.prefixlen != interface.max_prefixlen:
        raise IpvsInputError(
            path,
            f"{text} is a network. A real server has single addresses (/{interface.max_prefixlen}): with a shorter prefix it would "
            "look for its clients behind the wrong interface",
        )
    return interface.ip


def _port(tunnel: Tunnel, path: str) -> int:
    port = int(tunnel.tunnel_port or 0)
    if (tunnel.tunnel_type == "gue") != (1 <= port <= 65535):
        raise IpvsInputError(f"{path}.tunnel_port", "tunnel_type gue needs a UDP port, 1 to 65535, and no other type has one")
    return port


def _links(tunnel: Tunnel, local: Host, families: Sequence[int], path: str) -> list[Link]:
    """Return the interfaces that decapsulate a tunnel for virtual addresses of these families."""
    flags = set(tunnel.tunnel_flags)
    if len(flags) > 1:
        raise IpvsInputError(f"{path}.tunnel_flags", f"{' and '.join(sorted(flags))} exclude each other")
    least = max(_LEAST_MTU[family] for family in families)
    mtu = int(tunnel.mtu or 0)
    if mtu and not least <= mtu <= 65535:
        raise IpvsInputError(f"{path}.mtu", f"{mtu} is not in the range {least} to 65535 bytes")
    kinds = _KINDS["gre" if tunnel.tunnel_type == "gre" else "ipip", local.version]
    csum = tunnel.tunnel_type == "gre" and "csum" in flags
    return [Link(kinds[family], str(local), csum, mtu) for family in families]


def _merged(first: Link, second: Link, path: str) -> Link:
    """Return the interface that serves two tunnels."""
    if first.csum != second.csum:
        raise IpvsInputError(
            f"{path}.tunnel_flags", f"an earlier tunnel of this type at {second.local} differs, and they share an interface"
        )
    if first.mtu and second.mtu and first.mtu != second.mtu:
        raise IpvsInputError(f"{path}.mtu", f"an earlier tunnel at {second.local} has mtu {first.mtu}, and they share an interface")
    return first._replace(mtu=first.mtu or second.mtu)


def _name(link: Link, existing: Mapping[str, Link]) -> str:
    """Return the name of our interface of this kind with this local address, or a new one."""
    prefix = f"ipvs-{link.kind}"
    for name, other in existing.items():
        if (other.kind, other.local) == (link.kind, link.local) and name.startswith(prefix):
            return name
    return next(name for name in (f"{prefix}{number or ''}" for number in range(len(existing) + 1)) if name not in existing)
