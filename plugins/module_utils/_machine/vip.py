# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Virtual addresses: add them to interfaces, remove them, and save them for the next boot.

The saved file has ``added`` with each address: whether this collection added it. Addresses that others configured are never removed.
The program that restores at boot uses ``saved()``, ``add()``, ``add_each()`` and ``remove()``.

Where systemd-networkd manages the interface, that is not enough: it removes every address that is not in its own files, when it
configures the interface at boot and whenever it reconfigures it. So a drop-in of its file lists them.

With VRRP the addresses belong to keepalived: nothing is saved, and those that an earlier run added stay until keepalived has them.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._machine import addresses, files
from ansible_collections.lvs.director.plugins.module_utils._machine.addresses import Links, Place, parse
from ansible_collections.lvs.director.plugins.module_utils._machine.command import run
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import unfinished
from ansible_collections.lvs.director.plugins.module_utils._machine.vrrp_configuration import listed
from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    IpvsError,
    IpvsInputError,
    IpvsUnavailableError,
    IpvsVerificationError,
)

Vips = Sequence[Mapping[str, Any]]

SAVED = "/var/lib/lvs.director/vips.json"
NETWORKS = "/etc/systemd/network"
DROP_IN = "ipvs_director.conf"
# Exists only while systemd-networkd runs.
NETWORKD = "/run/systemd/netif/links"
# The files that configure a machine's own addresses.
CONFIGURED = (
    "/etc/network/interfaces",
    "/etc/network/interfaces.d/*",
    "/etc/netplan/*",
    "/etc/systemd/network/*.network",
    "/etc/systemd/network/*.network.d/*",
    "/etc/NetworkManager/system-connections/*",
    "/etc/sysconfig/network-scripts/ifcfg-*",
)


class Plan(NamedTuple):
    """The remaining changes: addresses to delete and to add, and the new texts of files, None to remove one."""

    delete: list[Place]
    add: list[Place]
    files: dict[str, Optional[str]]

    def steps(self) -> list[str]:
        return [
            *(f"{'remove' if text is None else 'write'} {path}" for path, text in self.files.items()),
            *(f"remove {place.address} from {place.interface}" for place in self.delete),
            *(f"add {place.address} to {place.interface}" for place in self.add),
        ]


def saved() -> list[dict[str, str]]:
    """Return the addresses to add at boot, each with ``address`` and ``interface``.

    :raises IpvsUnavailableError: the file is damaged.
    """
    return [{"address": str(place.address), "interface": place.interface} for place in _saved()]


def add(vips: Vips) -> list[str]:
    """Add the missing addresses, and return the changes.

    :raises IpvsError: an address cannot be added.
    """
    links = addresses.read()
    by_ip = _by_ip(links)
    missing = [place for place in map(_place, vips) if not _is_assigned(place, links, by_ip)]
    _bring(links, delete=[], add=missing)
    return [f"add {place.address} to {place.interface}" for place in missing]


def add_each(vips: Vips) -> list[Optional[str]]:
    """Add as many of the addresses as possible, and return for each the reason why it is missing, or None.

    :raises IpvsUnavailableError: ip fails.
    """
    places = [_place(vip) for vip in vips]
    links = addresses.read()
    missing = [place for place, reason in zip(places, _reasons(places, links)) if reason == _MISSING]
    if not missing:
        return _reasons(places, links)
    refused = addresses.add_each(missing)
    reasons = _reasons(places, addresses.detected(missing))
    return [refused.get(place, reason) if reason == _MISSING else reason for place, reason in zip(places, reasons)]


def remove(vips: Vips) -> list[str]:
    """Remove those that this collection added, and return the changes.

    :raises IpvsError: an address cannot be removed.
    """
    links, record = addresses.read(), _saved()
    places = [place for place in map(_place, vips) if place in links.places and record.get(place, True)]
    _bring(links, delete=places, add=[])
    return [f"remove {place.address} from {place.interface}" for place in places]


def converge(vips: Vips, *, vrrp: bool = False, check_mode: bool) -> list[str]:
    """Add these addresses, remove unlisted ones that an earlier run added, and save them for the next boot.

    :param vrrp: keepalived has them: neither add nor save them, and forget that an earlier run did.
    :returns: the changes; in check mode, the predicted ones.
    :raises IpvsError: it failed; everything is as before, or the text says what is not.
    """
    wanted = _distinct(vips)
    if (vrrp or not wanted) and not existing_files():
        return []
    links = addresses.read()
    plan = _plan(wanted, links, vrrp=vrrp)
    if plan.steps() and not check_mode:
        _carry_out(plan, links)
        left = _plan(wanted, addresses.read(), vrrp=vrrp).steps()
        if left:
            raise unfinished(left)
    return plan.steps()


def existing_files() -> list[str]:
    """Return those of our files that exist."""
    return [path for path in (SAVED, *sorted(glob.glob(os.path.join(NETWORKS, "*.network.d", DROP_IN)))) if os.path.exists(path)]


def _distinct(vips: Vips) -> dict[Place, str]:
    """Return the places with the paths of their options.

    :raises IpvsInputError: an address is listed on two interfaces, or with two prefixes.
    """
    wanted: dict[Place, str] = {}
    first: dict[object, Place] = {}
    for number, vip in enumerate(vips):
        path = f"vips[{number}]"
        place = _place(vip, path)
        other = first.setdefault(place.address.ip, place)
        if other != place:
            raise IpvsInputError(f"{path}.address", f"{place}: the same address is listed as {other}. List it once")
        wanted.setdefault(place, path)
    return wanted


def _place(vip: Mapping[str, Any], path: str = "") -> Place:
    return Place(parse(vip["address"], f"{path}.address" if path else ""), vip["interface"])


def _plan(wanted: Mapping[Place, str], links: Links, *, vrrp: bool) -> Plan:
    earlier = _saved()
    delete = [place for place in earlier if place not in wanted and place in links.places and _is_ours(place, earlier[place], links)]
    going = set(delete)
    left = Links(links.interfaces, {place: flags for place, flags in links.places.items() if place not in going})
    by_ip = _by_ip(left)
    add = [] if vrrp else [place for place, path in wanted.items() if not _is_assigned(place, left, by_ip, path)]
    # What keepalived has added for us is ours as well.
    missing = {*add, *(() if vrrp else listed())}
    record = {place: place in missing or (place in earlier and _is_ours(place, earlier[place], links)) for place in wanted}
    texts = {} if vrrp else _files(record)
    known = dict.fromkeys([*texts, *existing_files()])
    return Plan(delete, add, {path: texts.get(path) for path in known if files.content(path) != texts.get(path)})


def _by_ip(links: Links) -> dict[object, list[Place]]:
    found: dict[object, list[Place]] = {}
    for place in links.places:
        found.setdefault(place.address.ip, []).append(place)
    return found


_MISSING = "it is missing"


def _is_assigned(place: Place, links: Links, by_ip: Mapping[object, list[Place]], path: str = "") -> bool:
    """Return whether an interface has an address, and it works.

    :raises IpvsInputError: the address cannot be added, or does not work.
    """
    address, interface = place
    if interface not in links.interfaces:
        names = ", ".join(sorted(links.interfaces))
        raise IpvsInputError(path, f"Cannot add {address} to {interface}: no such interface. There are: {names}")
    for other in by_ip.get(address.ip, ()):
        if other != place:
            raise IpvsInputError(
                path, f"Cannot add {address} to {interface}: {other.interface} already has {other.address}. Remove one of the two"
            )
    flags = links.places.get(place, frozenset())
    if "dadfailed" in flags:
        raise IpvsInputError(
            path,
            f"{place} does not work: duplicate address detection found another machine on the network that has it. Remove it there, then"
            f" here with 'ip address delete {address} dev {interface}', and run this again",
        )
    if "temporary" in flags:
        raise IpvsInputError(
            path, f"{place} is a temporary address, which the kernel made for privacy and soon replaces. Choose another one"
        )
    return place in links.places


def _reasons(places: Sequence[Place], links: Links) -> list[Optional[str]]:
    by_ip, found = _by_ip(links), []
    for place in places:
        try:
            found.append(None if _is_assigned(place, links, by_ip) else _MISSING)
        except IpvsInputError as exc:
            found.append(str(exc))
    return found


def _saved() -> dict[Place, Optional[bool]]:
    """Return the saved addresses, and whether this collection added each; None if version 0.1.0 saved it, which did not record that."""
    text = files.content(SAVED)
    try:
        content = json.loads(text)["vips"] if text is not None else []
        found: dict[Place, Optional[bool]] = {}
        for vip in content:
            if not isinstance(vip["interface"], str) or not isinstance(vip["address"], str) or vip.get("added") not in (None, False, True):
                raise TypeError(vip)
            found[_place(vip)] = vip.get("added")
    except (ValueError, KeyError, TypeError, AttributeError, IpvsInputError) as exc:
        raise IpvsUnavailableError(
            f"Cannot read {SAVED}, from which virtual addresses are added at boot: {exc!r}. Remove it, and run the task again"
        ) from exc
    return found


def _is_ours(place: Place, added: Optional[bool], links: Links) -> bool:
    """Return whether this collection added a saved address."""
    if added is None:
        return "dynamic" not in links.places.get(place, ()) and not _is_configured(place)
    return added


def _is_configured(place: Place) -> bool:
    """Return whether a file of the machine's own network configuration names an address."""
    pattern = re.compile(rf"(?<![\w.:]){re.escape(str(place.address.ip))}(?![\w.:])")
    paths = [path for each in CONFIGURED for path in glob.glob(each) if os.path.isfile(path) and os.path.basename(path) != DROP_IN]
    return any(pattern.search(files.content(path) or "") for path in paths)


def _files(record: Mapping[Place, bool]) -> dict[str, str]:
    """Return the texts of the files that restore the addresses at boot."""
    if not record:
        return {}
    vips = [{"address": str(place.address), "interface": place.interface, "added": added} for place, added in record.items()]
    wanted = {SAVED: json.dumps({"vips": vips}, indent=2) + "\n"}
    managed = networkd()
    for name in sorted({place.interface for place in record} & managed.keys()):
        network = managed[name]
        others = sorted(each for each, file in managed.items() if file == network and each != name)
        if others:
            raise IpvsUnavailableError(
                f"systemd-networkd configures {name} and {', '.join(others)} from the same {network}, and would remove"
                f" addresses of {name} alone. Give {name} a file of its own, with [Match] Name={name}"
            )
        lines = [f"Address={place.address}\n" for place in record if place.interface == name]
        path = os.path.join(NETWORKS, f"{os.path.basename(network)}.d", DROP_IN)
        wanted[path] = f"# By lvs.director.ipvs_vip: networkd would remove them otherwise.\n[Network]\n{''.join(lines)}"
    return wanted


def networkd() -> dict[str, str]:
    """Return the interfaces that systemd-networkd configures, each with its .network file."""
    if not os.path.isdir(NETWORKD):
        return {}
    try:
        done = run("networkctl", "list", "--json=short")
        links = json.loads(done.output)["Interfaces"] if done.code == 0 else []
    except (IpvsUnavailableError, ValueError, KeyError):
        links = []
    return {link["Name"]: link["NetworkFile"] for link in links if link.get("NetworkFile")}


def _carry_out(plan: Plan, links: Links) -> None:
    """Write the files, then change the addresses. After a failure, undo everything.

    :raises IpvsError: it failed; the text says whether everything is as before.
    """
    before = {path: files.content(path) for path in plan.files}
    try:
        # The files first: no address works now that would be missing after a reboot.
        _write(plan.files)
        _bring(links, plan.delete, plan.add)
    except IpvsError as exc:
        try:
            _go_back(links, plan.add)
            _write(before)
        except IpvsError as second:
            raise IpvsUnavailableError(f"{exc}. The earlier changes could not be undone: {second}") from exc
        raise IpvsUnavailableError(f"{exc}. Everything is as it was before") from exc


def _write(texts: Mapping[str, Optional[str]]) -> None:
    for path, text in texts.items():
        if text is None:
            files.remove(path)
        else:
            files.write(path, text, files.PRIVATE if path == SAVED else files.PUBLIC)


def _bring(links: Links, delete: Sequence[Place], add: Sequence[Place]) -> None:
    """Delete and add addresses, and verify the result.

    :raises IpvsError: not all changes took effect.
    """
    if not delete and not add:
        return
    addresses.change(delete, add)
    after, deleted = addresses.detected(add), set(delete)
    # Some kernels delete the secondary addresses along with their primary one.
    lost = [place for place in _static(links) if place not in after.places and place not in deleted]
    if lost:
        addresses.change([], lost)
        after = addresses.read()
    by_ip = _by_ip(after)
    left = [place for place in add if not _is_assigned(place, after, by_ip)] + [place for place in delete if place in after.places]
    if left:
        raise IpvsVerificationError(f"Just changed, and changed back by something else: {', '.join(map(str, left))}")


def _go_back(links: Links, added: Sequence[Place]) -> None:
    now = addresses.read().places
    addresses.change(
        [place for place in added if place in now and place not in links.places],
        [place for place in _static(links) if place not in now],
    )


def _static(links: Links) -> list[Place]:
    return [place for place, flags in links.places.items() if not flags & {"dynamic", "temporary"}]
