# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What the kernel or ipvsadm(8) would refuse, found before anything is touched.

The rules look at whole values: what the task gives, laid over what the kernel has.
"""

from __future__ import annotations

from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, at
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    Service,
    address_family,
    format_address,
)
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import TUNNEL_FLAGS


def check_service(desired: DesiredService, service: Service) -> None:
    """Refuse a service that cannot be.

    :param service: the whole service as it would become.
    :raises IpvsInputError: with the option's path.
    """
    key, path = service.key, desired.path
    if not key.fwmark and not key.port and not service.persistence_timeout:
        raise IpvsInputError(at(path, "port"), "0 stands for all ports and needs a persistent service: give persistence_timeout too")
    if service.one_packet and key.protocol not in ("udp", None):
        raise IpvsInputError(at(path, "one_packet"), f"one-packet scheduling is only for UDP, not for {key.protocol}")
    if desired.given.get("persistence_netmask") and not service.persistence_timeout:
        raise IpvsInputError(at(path, "persistence_netmask"), "the service is not persistent: give persistence_timeout too")
    for word in desired.flag_words:
        owner = word.partition("-")[0]
        if owner in ("sh", "mh") and owner != service.scheduler:
            raise IpvsInputError(at(path, "scheduler_flags"), f"{word} belongs to scheduler {owner}, the service's is {service.scheduler}")


def check_values(desired: DesiredDestination, destination: Destination) -> None:
    """Refuse a destination whose values do not go together, whatever its name and its service.

    :param destination: the whole destination as it would become.
    :raises IpvsInputError: with the option's path.
    """
    if destination.lower_threshold > destination.upper_threshold:
        raise IpvsInputError(
            at(desired.path, "lower_threshold"),
            f"lower_threshold {destination.lower_threshold} is above upper_threshold {destination.upper_threshold}",
        )
    _check_tunnel(desired, destination)


def check_place(desired: DesiredDestination, service: Service, before: Optional[Destination], destination: Destination) -> None:
    """Refuse a destination that cannot be one of its service.

    :param before: the destination as it is now, None if it is to be added.
    :param destination: the whole destination as it would become.
    :raises IpvsInputError: with the option's path.
    """
    address, port = destination.key
    if before is None:
        if not 0 < address[0] < 224:  # the others are all ordinary, of either family
            _check_new_address(desired.path, address)
        if port != service.key.port and destination.forward_method in ("direct", "tunnel") and not service.key.fwmark:
            raise IpvsInputError(
                at(desired.path, "port"),
                f"{port} differs from the service's port {service.key.port}, but forward_method "
                f"{destination.forward_method} does not rewrite ports: leave port out, or use masquerade",
            )
    if (len(address) == 4) is not (service.key.family == "ipv4") and destination.forward_method != "tunnel":
        raise IpvsInputError(
            at(desired.path, "address"),
            f"{format_address(address)} is {address_family(address)} and the service is {service.key.family}: "
            f"only forward_method tunnel can cross families, not {destination.forward_method}",
        )


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


def _check_tunnel(desired: DesiredDestination, destination: Destination) -> None:
    given, path = desired.given, desired.path
    kind = destination.tunnel_type
    for option in ("tunnel_type", "tunnel_port", "tunnel_flags"):
        if given.get(option) and destination.forward_method != "tunnel":
            raise IpvsInputError(at(path, option), f"only forward_method tunnel has tunnels, not {destination.forward_method}")
    if destination.forward_method != "tunnel":
        return
    if kind == "gue" and not destination.tunnel_port:
        raise IpvsInputError(at(path, "tunnel_port"), "tunnel_type gue needs the UDP port of the tunnel's other end")
    if given.get("tunnel_port") and kind != "gue":
        raise IpvsInputError(at(path, "tunnel_port"), f"only tunnel_type gue has a port, not {kind}")
    flags = given.get("tunnel_flags") or 0
    if flags and kind == "ipip":
        raise IpvsInputError(at(path, "tunnel_flags"), "tunnel_type ipip has no checksum")
    if flags & TUNNEL_FLAGS["remcsum"] and kind == "gre":
        raise IpvsInputError(at(path, "tunnel_flags"), "only tunnel_type gue knows remcsum, not gre")
