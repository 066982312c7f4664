# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Read and change the IP addresses of interfaces with ip(8), any number of them in one run of the program."""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Iterable
from typing import NamedTuple, Union

from ansible_collections.lvs.director.plugins.module_utils._machine.command import must_run, run
from ansible_collections.lvs.director.plugins.module_utils._model.errors import NO_PERMISSION, IpvsInputError, IpvsUnavailableError

Address = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

# Seconds to wait for duplicate address detection, which takes one or two. On a link that is down it never ends.
_DETECTION = 4.0
_PAUSE = 0.5
_FAILED = re.compile(r"^Command failed -:(\d+)\s*$", re.MULTILINE)


class Place(NamedTuple):
    """An address with its prefix, on an interface."""

    address: Address
    interface: str

    def __str__(self) -> str:
        """Return the text for messages."""
        return f"{self.address} on {self.interface}"


class Links(NamedTuple):
    """The interfaces, and every address with the flags that ip shows: ``tentative``, ``dadfailed``, ``dynamic``..."""

    interfaces: frozenset[str]
    places: dict[Place, frozenset[str]]


def parse(text: str, path: str = "") -> Address:
    """Parse an address; without /PREFIX, the prefix covers a single address.

    :param path: path of the option, for errors.
    :raises IpvsInputError: no interface can have this address.
    """
    try:
        address = ipaddress.ip_interface(text)
    except ValueError:
        raise IpvsInputError(path, f"{text!r} is not an IP address, with or without /PREFIX") from None
    if address.ip.is_unspecified or address.ip.is_multicast or "%" in text:
        raise IpvsInputError(path, f"{text!r} is not an address that an interface can have")
    return address


def read() -> Links:
    """Return the addresses of all interfaces.

    :raises IpvsUnavailableError: ip fails.
    """
    interfaces, places = set(), {}
    for link in json.loads(must_run("ip", "-json", "address", "show")):
        if not link:  # some versions of iproute2 print {} for entries that a filter removed
            continue
        interfaces.add(link["ifname"])
        for entry in link.get("addr_info", ()):
            if "local" in entry:
                place = Place(ipaddress.ip_interface(f"{entry['local']}/{entry['prefixlen']}"), link["ifname"])
                places[place] = frozenset(flag for flag, value in entry.items() if value is True)
    return Links(frozenset(interfaces), places)


def change(delete: Iterable[Place], add: Iterable[Place]) -> None:
    """Delete addresses, then add others. Stop at the first one that the kernel refuses.

    :raises IpvsUnavailableError: the kernel refused one; the text names it.
    """
    commands = [
        f"address {verb} {place.address} dev {place.interface}" for verb, each in (("delete", delete), ("add", add)) for place in each
    ]
    for number, reason in batch(commands):
        raise IpvsUnavailableError(f"ip {commands[number]}: {reason}")


def add_again(places: Iterable[Place]) -> None:
    """Add addresses that this machine had a moment ago, without asking the network whether another one has them."""
    batch([f"address add {place.address} dev {place.interface}{' nodad' * (place.address.version == 6)}" for place in places], "-force")


def add_each(places: list[Place]) -> dict[Place, str]:
    """Add as many of the addresses as possible, and return the refused ones with the reasons."""
    commands = [f"address add {place.address} dev {place.interface}" for place in places]
    return {places[number]: f"ip {commands[number]}: {reason}" for number, reason in batch(commands, "-force")}


def detected(added: Iterable[Place]) -> Links:
    """Read the addresses after duplicate address detection for the IPv6 ones just added.

    :raises IpvsUnavailableError: ip fails.
    """
    waiting = {place for place in added if place.address.version == 6}
    deadline = time.monotonic() + _DETECTION
    links = read()
    while any("tentative" in links.places.get(place, ()) and "dadfailed" not in links.places[place] for place in waiting):
        if time.monotonic() > deadline:
            break
        time.sleep(_PAUSE)
        links = read()
    return links


def batch(commands: list[str], *options: str) -> list[tuple[int, str]]:
    """Run ip commands, and return the indexes of those that failed, with ip's messages."""
    if not commands:
        return []
    done = run("ip", *options, "-batch", "-", stdin="".join(f"{command}\n" for command in commands))
    failures, start = [], 0
    for match in _FAILED.finditer(done.errors):
        reason = " ".join(done.errors[start : match.start()].split()) or "refused"
        failures.append((int(match[1]) - 1, f"{reason} ({NO_PERMISSION})" if "not permitted" in reason else reason))
        start = match.end()
    if done.code and not failures:
        raise IpvsUnavailableError(f"ip -batch: {done.errors.strip() or f'exit status {done.code}'}")
    return failures
