# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add virtual addresses to interfaces, with ip(8).

argv[1] is base64 of JSON: {"vips": [{"address", "interface"}], "check": bool}. Answers with JSON: {"steps": [what was
done, or with "check" would be done]}, or {"steps", "error"}. Addresses that are not named are left alone.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import subprocess
import sys
import typing as t

Address = t.Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]


class CannotError(Exception):
    """What the person who runs the play must know; nothing else raises it."""


def ip(*words: str) -> str:
    environment = {**os.environ, "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(["ip", *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def read() -> dict[str, list[Address]]:
    """All interfaces of the machine with their addresses."""
    return {
        link["ifname"]: [
            ipaddress.ip_interface(f"{address['local']}/{address['prefixlen']}")
            for address in link.get("addr_info", [])
            if "local" in address
        ]
        for link in json.loads(ip("-json", "address", "show"))
        if link  # iproute2 of some versions prints {} for what a filter left out
    }


def plan(vips: list[dict[str, str]], there: dict[str, list[Address]]) -> list[tuple[Address, str]]:
    """What is to be added. Everything that ip would refuse, or that would give the address twice, is refused here."""
    missing = []
    for vip in vips:
        interface = vip["interface"]
        try:
            # 10.211.55.3 alone means /32, as ip(8) has it.
            address = ipaddress.ip_interface(vip["address"])
        except ValueError:
            raise CannotError(f"{vip['address']!r} is no IP address, with or without /PREFIX.") from None
        if interface not in there:
            raise CannotError(f"Cannot add {address} to {interface}: no such interface. There are: {', '.join(sorted(there))}.")
        for other, addresses in there.items():
            for each in addresses:
                if each.ip == address.ip and (each != address or other != interface):
                    raise CannotError(f"Cannot add {address} to {interface}: {other} already has {each}. Remove one of the two.")
        if address not in there[interface] and (address, interface) not in missing:
            missing.append((address, interface))
    return missing


def converge(request: dict[str, t.Any]) -> dict[str, t.Any]:
    missing = plan(request["vips"], read())
    if not request["check"]:
        for address, interface in missing:
            ip("address", "add", str(address), "dev", interface)
        left = plan(request["vips"], read())
        if left:
            raise CannotError(f"Just added, and not there: {', '.join(f'{address} on {interface}' for address, interface in left)}.")
    return {"steps": [f"add {address} to {interface}" for address, interface in missing]}


if __name__ == "__main__":
    try:
        answer = converge(json.loads(base64.b64decode(sys.argv[1])))
    except CannotError as error:
        answer = {"steps": [], "error": str(error)}
    json.dump(answer, sys.stdout)
