# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""VRRP instances, and their configuration for keepalived.conf(5).

An advertisement lists the addresses of its instance, and keepalived drops one with another list than its own. With all addresses in
the list, two directors would both be master while only one of them has a new list. So ours lists an address that never changes, the
marker: 127.112.0.ID, or fe80::112:ID over IPv6, on lo. All virtual addresses are "excluded" ones, which keepalived adds and removes in
the same way. The director that has the marker is the master of that instance.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._machine import addresses, files
from ansible_collections.lvs.director.plugins.module_utils._machine.addresses import Place
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError

OURS = "/etc/keepalived/conf.d/ipvs_director.conf"
MARK = "# By lvs.director.ipvs_vrrp"

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_INTERFACE = re.compile(r"[A-Za-z0-9_.-]{1,15}")
_PLACE = re.compile(r"^ +(\S+) dev (\S+)$", re.MULTILINE)
_MOST_SECONDS = 40.95  # twelve bits of hundredths of a second


class Instance(NamedTuple):
    """A VRRP instance (RFC 5798)."""

    name: str
    router_id: int
    interface: str
    address: str
    peers: tuple[str, ...]
    priority: int
    advertisement_interval: float  # seconds
    preempt: bool
    vips: tuple[Place, ...]

    @property
    def marker(self) -> Place:
        """Return the address on lo that the advertisements list."""
        if _family(self.address) == 6:
            return Place(ipaddress.ip_interface(f"fe80::112:{self.router_id:x}/128"), "lo")
        return Place(ipaddress.ip_interface(f"127.112.0.{self.router_id}/32"), "lo")


def instances_of(options: Sequence[Mapping[str, Any]]) -> tuple[Instance, ...]:
    """Return the instances of the option ``instances``.

    :raises IpvsInputError: a value is wrong, or two instances conflict; with the option's path.
    """
    if not options:
        raise IpvsInputError("instances", "there is none. To run none, use state absent")
    found = [_instance(f"instances[{index}]", values) for index, values in enumerate(options)]
    names: dict[str, int] = {}
    identifiers: dict[tuple[str, int], int] = {}
    owners: dict[object, int] = {}
    for index, instance in enumerate(found):
        path = f"instances[{index}]"
        if names.setdefault(instance.name, index) != index:
            raise IpvsInputError(f"{path}.name", f"instances[{names[instance.name]}] has the name {instance.name} already")
        other = identifiers.setdefault((instance.interface, instance.router_id), index)
        if other != index:
            raise IpvsInputError(f"{path}.router_id", f"instances[{other}] has {instance.router_id} already, on the same interface")
        for number, place in enumerate(instance.vips):
            other = owners.setdefault(place.address.ip, index)
            if other != index:
                raise IpvsInputError(f"{path}.vips[{number}].address", f"instances[{other}] has {place.address.ip} already")
    return tuple(found)


def configuration(instances: Sequence[Instance], claimed: Collection[Instance] = ()) -> str:
    """Return the text of our file.

    :param claimed: instances whose addresses this director already has, and keeps. An address owner, priority 255, is master at
        once; any other instance first removes its addresses, and waits for three intervals.
    """
    return f"{MARK}. Changes are lost\n" + "".join(_text(instance, instance in claimed) for instance in instances)


def listed() -> set[Place]:
    """Return the virtual addresses in our file."""
    return {Place(ipaddress.ip_interface(address), interface) for address, interface in _PLACE.findall(files.content(OURS) or "")}


def _instance(path: str, values: Mapping[str, Any]) -> Instance:
    def within(name: str, least: float, most: float) -> Any:
        if not least <= values[name] <= most:
            raise IpvsInputError(f"{path}.{name}", f"{values[name]} is not in the range {least} to {most}")
        return values[name]

    if not _NAME.fullmatch(values["name"]):
        raise IpvsInputError(f"{path}.name", f"{values['name']!r} is not a name of letters, digits, and _ . -")
    for where, name in ((path, values["interface"]), *((f"{path}.vips[{n}]", vip["interface"]) for n, vip in enumerate(values["vips"]))):
        if not _INTERFACE.fullmatch(name):
            raise IpvsInputError(f"{where}.interface", f"{name!r} is not the name of an interface")
    address = _single(f"{path}.address", values["address"])
    peers = tuple(_single(f"{path}.peers[{index}]", peer) for index, peer in enumerate(values["peers"]))
    for index, peer in enumerate(peers):
        if peer == address:
            raise IpvsInputError(f"{path}.peers[{index}]", f"{peer} is this director's own address")
        if _family(peer) != _family(address):
            raise IpvsInputError(f"{path}.peers[{index}]", f"{peer} is of another family than the address {address}")
    if not values["vips"]:
        raise IpvsInputError(f"{path}.vips", "there is none, so there is nothing to take over")
    vips = [
        Place(addresses.parse(vip["address"], f"{path}.vips[{index}].address"), vip["interface"])
        for index, vip in enumerate(values["vips"])
    ]
    return Instance(
        values["name"],
        within("router_id", 1, 255),
        values["interface"],
        address,
        tuple(dict.fromkeys(peers)),
        within("priority", 1, 254),
        within("advertisement_interval", 0.01, _MOST_SECONDS),
        values["preempt"],
        tuple(dict.fromkeys(vips)),
    )


def _single(path: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise IpvsInputError(path, f"{text!r} is not an IPv4 or IPv6 address") from None


def _family(address: str) -> int:
    return ipaddress.ip_address(address).version


def _text(instance: Instance, claimed: bool) -> str:
    marker, interface = instance.marker
    lines = [
        f"vrrp_instance {instance.name} {{",
        "    version 3",
        f"    state {'MASTER' if claimed else 'BACKUP'}",
        *([] if claimed or instance.preempt else ["    nopreempt"]),
        f"    interface {instance.interface}",
        f"    virtual_router_id {instance.router_id}",
        f"    priority {255 if claimed else instance.priority}",
        f"    advert_int {instance.advertisement_interval:g}",
        # After a split, the one that yields may do so before the other one has heard of it, which then announces nothing.
        "    garp_master_refresh 5",
        f"    unicast_src_ip {instance.address}",
        *_block("unicast_peer", instance.peers),
        # The marker: see the docstring of this file.
        *_block("virtual_ipaddress", [f"{marker} dev {interface} scope host"]),
        *_block("virtual_ipaddress_excluded", [f"{place.address} dev {place.interface}" for place in instance.vips]),
        "}",
    ]
    return "\n".join([*lines, ""])


def _block(name: str, lines: Sequence[str]) -> list[str]:
    return [f"    {name} {{", *(f"        {line}" for line in lines), "    }"]
