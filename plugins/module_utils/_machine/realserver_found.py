# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Read the state of a real server: interfaces, addresses, GUE ports and settings, from iproute2 and /proc/sys."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
from collections.abc import Iterable
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import realserver_segments
from ansible_collections.lvs.director.plugins.module_utils._machine.command import must_run
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import ARP, Address, Found, Link, Port

SYSCTL = "/proc/sys/net/ipv4/conf"
_FOU = "/sys/module/fou"


def read() -> Found:
    """Read the machine.

    :raises IpvsUnavailableError: iproute2 is missing, or fails.
    """
    listed = _ip("-details", "address", "show")
    links = {each["ifname"]: _link(each) for each in listed}
    addresses = frozenset(address for each in listed for address in _addresses(each))
    return Found(links, addresses, _ports(), _settings(links), realserver_segments.read())


def _ip(*words: str) -> list[dict[str, Any]]:
    # Some versions print nothing for an empty list, and {} for entries that a filter removed.
    return [each for each in json.loads(must_run("ip", "-json", *words) or "[]") if each]


def _link(each: dict[str, Any]) -> Link:
    information = each.get("linkinfo", {})
    data = information.get("info_data", {})
    return Link(
        information.get("info_kind", ""), _local(data.get("local", "any")), bool(data.get("icsum")), each["mtu"], "UP" in each["flags"]
    )


def _local(text: str) -> str:
    """Return a tunnel's local address in canonical form; empty for "any", and for kinds of interfaces that use the name differently."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _addresses(each: dict[str, Any]) -> Iterable[Address]:
    for found in each.get("addr_info", []):
        if found.get("family") in ("inet", "inet6") and "local" in found:
            yield each["ifname"], f"{ipaddress.ip_address(found['local'])}/{found['prefixlen']}"


def _ports() -> frozenset[Port]:
    """Return the UDP ports that receive GUE. Without the module fou, the kernel cannot be asked."""
    if not os.path.exists(_FOU):
        return frozenset()
    return frozenset((6 if each["family"] == "inet6" else 4, each["port"]) for each in _ip("fou", "show") if "gue" in each)


def _settings(links: Iterable[str]) -> dict[str, str]:
    settings = {}
    for name in [*ARP, *(f"{link}/rp_filter" for link in links)]:
        with contextlib.suppress(FileNotFoundError), open(f"{SYSCTL}/{name}", encoding="ascii") as file:
            settings[name] = file.read().strip()
    return settings
