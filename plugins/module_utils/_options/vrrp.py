# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""From one variable that all directors of a group share to the VRRP instances of one of them.

What differs between directors comes from the inventory: their addresses from variables or facts, their priorities from the order
of the list of peers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError

VARIABLE = "ipvs_director_vrrp"
_HIGHEST = 100
_STEP = 10


class Director(NamedTuple):
    """A director of the group: its name in the inventory, if it is listed by that, and its address."""

    name: Optional[str]
    address: str


def instances(
    group: Mapping[str, Any], vips: Sequence[Mapping[str, Any]], own: str, hostvars: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the option ``instances`` of ``ipvs_vrrp`` for a director.

    :param group: the role's variable.
    :param vips: its virtual addresses; each may have a ``router_id``.
    :param own: the director's name in the inventory.
    :raises IpvsInputError: the address of a director is not known, or this director's priority.
    """
    directors, position = _directors(group, vips, own, hostvars)
    if not vips:
        raise IpvsInputError(VARIABLE, "ipvs_director_vips is empty, so there is nothing to take over")
    shares: dict[int, list[dict[str, Any]]] = {}
    for vip in vips:
        share = shares.setdefault(int(vip.get("router_id") or group["router_id"]), [])
        share.append({name: vip[name] for name in ("address", "interface")})
    passed_on = {name: group[name] for name in ("advertisement_interval", "preempt", "authentication") if group.get(name) is not None}
    return [
        {
            "name": f"ipvs_director_{router_id}",
            "router_id": router_id,
            "interface": group["interface"],
            "address": directors[position].address,
            "peers": [each.address for each in directors if each is not directors[position]],
            # With several instances, the first director of the list is the first choice of the first one, and so on.
            "priority": group.get("priority") or _priority((position - number) % len(directors)),
            "vips": share,
            **passed_on,
        }
        for number, (router_id, share) in enumerate(shares.items())
    ]


def unknown_hosts(
    group: Mapping[str, Any], vips: Sequence[Mapping[str, Any]], own: str, hostvars: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the directors whose addresses are in no variable and no fact. Their facts must be gathered."""
    hosts = [own, *(str(peer) for peer in group["peers"] if str(peer) in hostvars)]
    taken = _taken(vips)
    return [host for host in dict.fromkeys(hosts) if not _known(host, group, own, hostvars, taken)]


def _directors(
    group: Mapping[str, Any], vips: Sequence[Mapping[str, Any]], own: str, hostvars: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Director], int]:
    """Return the directors in their order, and the position of this one."""
    taken = _taken(vips)
    family = _family(group, own, hostvars, taken)
    address = _address(own, group, own, hostvars, taken, family)
    found: dict[str, Director] = {}
    for index, peer in enumerate(map(str, group["peers"])):
        if peer in hostvars:
            director = Director(peer, _address(peer, group, own, hostvars, taken, family))
        else:
            try:
                director = Director(None, str(ipaddress.ip_address(peer)))
            except ValueError:
                raise IpvsInputError(
                    f"{VARIABLE}.peers[{index}]", f"{peer!r} is neither a host of the inventory nor an IP address"
                ) from None
        other = found.setdefault(director.address, director)
        if other.name != director.name and other.name and director.name:
            raise IpvsInputError(
                f"{VARIABLE}.peers[{index}]", f"{other.name} and {director.name} have the same address, {director.address}"
            )
    directors = list(found.values())
    if address in found:
        return directors, directors.index(found[address])
    if not group.get("priority"):
        raise IpvsInputError(
            f"{VARIABLE}.peers", f"{own} is not in it, so its priority is not known. List all directors, in the same order on each"
        )
    return [Director(own, address), *directors], 0


def _priority(position: int) -> int:
    # Ten directors in steps of ten, any more in steps of one.
    return max(_HIGHEST - position * _STEP, _STEP - max(position - _HIGHEST // _STEP + 1, 0), 1)


def _family(group: Mapping[str, Any], own: str, hostvars: Mapping[str, Mapping[str, Any]], taken: set[str]) -> int:
    """Return the family of the advertisements: that of an address that is given, else IPv4 if this director has one."""
    given = [_given(own, group, own, hostvars), *(str(peer) for peer in group["peers"] if str(peer) not in hostvars)]
    for text in filter(None, given):
        try:
            return ipaddress.ip_address(text).version
        except ValueError:
            continue
    first = next(iter(_facts(own, group, own, hostvars, taken)), "0.0.0.0")
    return ipaddress.ip_address(first).version


def _address(host: str, group: Mapping[str, Any], own: str, hostvars: Mapping[str, Mapping[str, Any]], taken: set[str], family: int) -> str:
    given = _given(host, group, own, hostvars)
    if given:
        try:
            return str(ipaddress.ip_address(given))
        except ValueError:
            raise IpvsInputError(f"{VARIABLE}.address", f"{given!r} of {host} is not an IPv4 or IPv6 address") from None
    for address in _facts(host, group, own, hostvars, taken):
        if ipaddress.ip_address(address).version == family:
            return address
    raise IpvsInputError(
        f"{VARIABLE}.peers",
        f"the IPv{family} address of {host} is not known: neither {VARIABLE}.address of that host, nor facts of its interface "
        f"{_interface(host, group, own, hostvars)}. Set {VARIABLE}.address in the inventory, or list the address itself",
    )


def _known(host: str, group: Mapping[str, Any], own: str, hostvars: Mapping[str, Mapping[str, Any]], taken: set[str]) -> bool:
    return bool(_given(host, group, own, hostvars)) or any(_facts(host, group, own, hostvars, taken))


def _given(host: str, group: Mapping[str, Any], own: str, hostvars: Mapping[str, Mapping[str, Any]]) -> Optional[str]:
    # Variables of a play or a role are not in hostvars, not even this host's.
    values = group if host == own else hostvars[host].get(VARIABLE, {})
    return values.get("address") or None


def _interface(host: str, group: Mapping[str, Any], own: str, hostvars: Mapping[str, Mapping[str, Any]]) -> str:
    values = group if host == own else hostvars[host].get(VARIABLE, {})
    return str(values.get("interface") or group["interface"])


def _facts(host: str, group: Mapping[str, Any], own: str, hostvars: Mapping[str, Mapping[str, Any]], taken: set[str]) -> Iterator[str]:
    """Yield the addresses of a host's interface, without virtual ones: IPv4 first."""
    facts = hostvars[host].get("ansible_facts", {}) if host in hostvars else {}
    interface = facts.get(_interface(host, group, own, hostvars).replace("-", "_").replace(":", "_"), {})
    ipv4: Iterable[Mapping[str, Any]] = [interface.get("ipv4") or {}, *interface.get("ipv4_secondaries", [])]
    ipv6: Iterable[Mapping[str, Any]] = [each for each in interface.get("ipv6", []) if each.get("scope") == "global"]
    for each in (*ipv4, *ipv6):
        address = each.get("address")
        if address and str(address) not in taken:
            yield str(address)


def _taken(vips: Sequence[Mapping[str, Any]]) -> set[str]:
    found = set()
    for index, vip in enumerate(vips):
        try:
            found.add(str(ipaddress.ip_interface(vip["address"]).ip))
        except ValueError:
            raise IpvsInputError(f"ipvs_director_vips[{index}].address", f"{vip['address']!r} is not an IP address") from None
    return found
