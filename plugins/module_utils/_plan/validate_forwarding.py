# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Validate how destinations are reached: address and port, forwarding method, tunnel. Few tasks need these checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, at
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, Service, address_family, format_address
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import FORWARD_METHODS, TUNNEL_FLAGS, TUNNEL_TYPES
from ansible_collections.lvs.director.plugins.module_utils._plan.validate import PLAIN_METHODS, as_warning

# Methods that do not rewrite ports.
_KEEPS_PORT = frozenset({"direct", "tunnel", "localnode"})
_REMCSUM = TUNNEL_FLAGS["remcsum"]


def check_place(
    desired: DesiredDestination,
    service: Service,
    before: Optional[Destination],
    destination: Destination,
    strict: bool,
    warnings: list[str],
) -> None:
    """Refuse a destination that does not fit its service.

    :param before: the current destination, None if it is new.
    :param destination: the complete destination after the merge.
    :param warnings: receives the reasons that ``strict: false`` tolerates.
    :raises IpvsInputError: with the option's path.
    """
    (address, port), method = destination.key, destination.forward_method
    if before is None and not 0 < address[0] < 224:  # any other address is an ordinary one, in both families
        _check_new_address(desired.path, address)
    if (len(address) == 4) is not (service.key.family == "ipv4") and method != "tunnel":
        raise IpvsInputError(
            at(desired.path, "address"),
            f"{format_address(address)} is {address_family(address)} and the service is {service.key.family}: "
            f"only forward_method tunnel can cross families, not {destination.forward_method}",
        )
    # It is already odd: another change, such as draining it, does not make it worse.
    if (port != service.key.port or method not in PLAIN_METHODS) and (before is None or "forward_method" in desired.given):
        check_odd_place(desired, service, destination, strict, warnings)


def check_odd_place(desired: DesiredDestination, service: Service, destination: Destination, strict: bool, warnings: list[str]) -> None:
    """Refuse, or warn of, a destination that the kernel accepts but that does not work as it looks."""
    for error in _odd_places(desired.path, service, destination):
        if strict:
            raise error
        warnings.append(as_warning(error))


def _odd_places(path: str, service: Service, destination: Destination) -> Iterator[IpvsInputError]:
    method = destination.forward_method
    if destination.key.port != service.key.port and method in _KEEPS_PORT and not service.key.fwmark:
        yield IpvsInputError(
            at(path, "port"),
            f"{destination.key.port} differs from the service's port {service.key.port}, but forward_method "
            f"{method} does not rewrite ports: leave port out, or use masquerade",
        )
    if method not in FORWARD_METHODS:
        yield IpvsInputError(at(path, "forward_method"), f"no packet gets anywhere with the kernel's method {method}")
    if destination.tunnel_type not in TUNNEL_TYPES:
        yield IpvsInputError(at(path, "tunnel_type"), f"no packet gets anywhere with the kernel's type {destination.tunnel_type}")
    elif destination.tunnel_flags > _REMCSUM:
        yield IpvsInputError(at(path, "tunnel_flags"), "csum and remcsum exclude each other")


def _check_new_address(path: str, address: bytes) -> None:
    problem = _address_problem(address)
    if problem:
        raise IpvsInputError(at(path, "address"), f"{format_address(address)} {problem}, a real server cannot have it")


def _address_problem(address: bytes) -> str:
    if not any(address):
        return "is the unspecified address"
    if len(address) == 4:
        if 224 <= address[0] <= 239:
            return "is a multicast address"
        return "is the broadcast address" if address == b"\xff" * 4 else ""
    if address[0] == 0xFF:
        return "is a multicast address"
    if address[0] == 0xFE and address[1] & 0xC0 == 0x80:
        return "is a link-local address"
    return "is an IPv4-mapped address" if address[:12] == b"\0" * 10 + b"\xff\xff" else ""


def check_tunnel(desired: DesiredDestination, destination: Destination) -> None:
    """Refuse a tunnel whose values do not go together, and values of a tunnel where there is none.

    :param destination: the complete destination after the merge.
    :raises IpvsInputError: with the option's path.
    """
    given, path = desired.given, desired.path
    kind = destination.tunnel_type
    for option in ("tunnel_type", "tunnel_port", "tunnel_flags"):
        if given.get(option) and destination.forward_method != "tunnel":
            raise IpvsInputError(at(path, option), f"only forward_method tunnel has tunnels, not {destination.forward_method}")
    if destination.forward_method != "tunnel" or kind not in TUNNEL_TYPES:
        return
    if kind == "gue" and not destination.tunnel_port:
        raise IpvsInputError(at(path, "tunnel_port"), "tunnel_type gue needs the UDP port at the other end of the tunnel")
    if given.get("tunnel_port") and kind != "gue":
        raise IpvsInputError(at(path, "tunnel_port"), f"only tunnel_type gue has a port, not {kind}")
    flags = given.get("tunnel_flags") or 0
    if flags and kind == "ipip":
        raise IpvsInputError(at(path, "tunnel_flags"), "tunnel_type ipip has no checksum")
    if flags & TUNNEL_FLAGS["remcsum"] and kind == "gre":
        raise IpvsInputError(at(path, "tunnel_flags"), "only tunnel_type gue knows remcsum, not gre")
