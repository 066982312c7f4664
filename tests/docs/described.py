# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the table that a page describes with ``ipvsadm -L -n --nosort --thresholds``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

THRESHOLDS = ("upper_threshold", "lower_threshold")

Service = dict[str, Any]
# The destinations of each service, in listed order: address with port, and thresholds.
Table = dict[str, list[tuple[str, ...]]]


def listed(text: str) -> Table:
    """Return the table that ipvsadm prints with these options. Without a table it prints nothing."""
    found: Table = {}
    rows: list[tuple[str, ...]] = []
    for words in map(str.split, text.splitlines()[3:]):
        if words[0] == "->":
            rows.append(tuple(words[1:4]))
        else:
            rows = found.setdefault(" ".join(words[: 3 if words[2] == "IPv6" else 2]), [])
    return found


def services(content: Any) -> Iterator[Service]:
    """Yield the services that a playbook, a list of tasks or variables have with their destinations."""
    if isinstance(content, dict):
        if isinstance(content.get("destinations"), list):
            yield content
        content = list(content.values())
    if isinstance(content, list):
        for part in content:
            yield from services(part)


def services_of_diff(text: str) -> list[Service]:
    """Return the services that a diff of the modules leaves."""
    found: list[Service] = []
    for line in text.splitlines():
        words = line[1:].split()
        if line.startswith(("-", "+++", "@@")):
            continue
        if words[0] == "->":
            address, _colon, port = words[1].rpartition(":")
            given = dict(zip(words[3::2], words[4::2], strict=True))
            found[-1]["destinations"].append({**given, "address": address, "port": port})
        else:
            address, _colon, port = words[1].rpartition(":")
            found.append({"protocol": words[0], "address": address, "port": port, "destinations": []})
    return found


def broken(table: Table, described: Service) -> str:
    """Describe how the table differs from a described service: the order of destinations, and given thresholds."""
    name, destinations = name_of(described), described["destinations"]
    rows = table.get(name)
    if rows is None:
        return f"{name} is missing"
    wanted = [
        (
            end(one["address"], one.get("port", described.get("port", 0))),
            *(str(one.get(key, shown)) for key, shown in zip(THRESHOLDS, row[1:], strict=True)),
        )
        for one, row in zip(destinations, rows, strict=False)
    ]
    return "" if wanted == rows and len(rows) == len(destinations) else f"{name} has {rows}, and should have {wanted}"


def name_of(service: Service) -> str:
    if "fwmark" in service:
        return f"FWM {service['fwmark']}" + (" IPv6" if service.get("family") == "ipv6" else "")
    return f"{service['protocol'].upper()} {end(service['address'], service['port'])}"


def end(address: str, port: int | str) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
