# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have nftables put firewall marks on packets, in a table of its own (inet ipvs_director).

argv[1] is base64 of JSON: {"fwmarks": [{"fwmark", "addresses", "protocol", "ports"}], "check": bool}. Answers with JSON:
{"steps": [what was done, or with "check" would be done], "rules": the text that nft -f reads at boot}, or {"steps", "error"}.
No other table is looked at or touched; without marks, there is no table.

What is there is compared with what nft makes of the same rules in a network namespace of its own: so both have nft's own
form, and what it or the kernel would refuse is refused before anything is touched, in check mode too.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
import subprocess
import sys
import typing as t

TABLE = "inet ipvs_director"
FAMILIES = {4: "ip", 6: "ip6"}


class CannotError(Exception):
    """What the person who runs the play must know; nothing else raises it."""


def run(*command: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, what was printed, and what went wrong; 127 if there is no such program."""
    environment = {**os.environ, "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    try:
        done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return 127, "", f"there is no program {command[0]}"
    return done.returncode, done.stdout, done.stderr.strip()


def rules_of(index: int, mark: dict[str, t.Any]) -> list[str]:
    """A rule for each family of the addresses."""
    option = f"ipvs_director_fwmarks[{index}]"
    number, protocol, ports = mark["fwmark"], mark.get("protocol"), mark.get("ports") or []
    if not 1 <= number <= 0xFFFFFFFF:
        raise CannotError(f"{option}.fwmark: {number} is not a mark, from 1 to {0xFFFFFFFF}.")
    if ports and not protocol:
        raise CannotError(f"{option}.ports: ports are a protocol's. Say which one.")
    what = f" {protocol} dport {{ {', '.join(port_of(option, port) for port in ports)} }}" if ports else ""
    if protocol and not ports:
        what = f" meta l4proto {protocol}"
    networks = [network_of(option, address) for address in mark["addresses"]]
    if not networks:
        raise CannotError(f"{option}.addresses: names none. Without an address, packets to this machine itself would get the mark.")
    return [
        f"{FAMILIES[family]} daddr {{ {', '.join(str(each) for each in networks if each.version == family)} }}{what} meta mark set {number}"
        for family in sorted({each.version for each in networks})
    ]


def network_of(option: str, address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(address)
    except ValueError as error:
        raise CannotError(f"{option}.addresses: {error}.") from None


def port_of(option: str, port: str) -> str:
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", str(port))
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise CannotError(f"{option}.ports: {port!r} is no port, from 1 to 65535, and no range of them, like 8000-8099.")
    return str(port)


def table_of(marks: list[dict[str, t.Any]]) -> str:
    rules = [rule for index, mark in enumerate(marks) for rule in rules_of(index, mark)]
    if not rules:
        return ""
    # Before routing, and where others that change packets are: in time for IPVS, which looks at what has come in.
    hook = "type filter hook prerouting priority mangle; policy accept;"
    lines = ["\tchain prerouting {", *(f"\t\t{line}" for line in [hook, *rules]), "\t}"]
    return "\n".join([f"table {TABLE} {{", *lines, "}", ""])


def replacing(table: str) -> str:
    """What nft -f makes the table of, in one transaction, whether there is one or not."""
    return f"table {TABLE}\ndelete table {TABLE}\n{table}" if table else ""


def listed() -> str:
    """The table as nft shows it; empty if there is none, or no nft."""
    code, output, _error = run("nft", "list", "table", *TABLE.split())
    return output if code == 0 else ""


def normal(table: str) -> str:
    """The same of a table that is not there."""
    script = f"nft -f - && nft list table {TABLE}"
    code, output, error = run("unshare", "--net", "sh", "-c", script, stdin=table)
    if code:
        raise CannotError(f"nft does not take the rules for ipvs_director_fwmarks, and nothing was changed: {error}")
    return output


def answer(request: dict[str, t.Any]) -> dict[str, t.Any]:
    table = table_of(request["fwmarks"])
    said = {"steps": [], "rules": replacing(table)}
    there = listed()
    if table:
        if run("nft", "--version")[0] == 127:
            if not request["check"]:
                raise CannotError("Firewall marks are set by nft, which is not on this machine. Install the package nftables.")
            # The role is about to install it.
            return {**said, "steps": [f"add table {TABLE}"]}
        wanted = normal(table)
        if there != wanted:
            said["steps"].append(f"{'change' if there else 'add'} table {TABLE}")
            load(replacing(table), wanted, request["check"])
    elif there:
        said["steps"].append(f"delete table {TABLE}")
        load(f"delete table {TABLE}\n", "", request["check"])
    return said


def load(rules: str, wanted: str, check: bool) -> None:
    if check:
        return
    code, _output, error = run("nft", "-f", "-", stdin=rules)
    if code:
        raise CannotError(f"nft cannot load the rules for ipvs_director_fwmarks, and nothing was changed: {error}")
    if listed() != wanted:
        raise CannotError(f"The table {TABLE} was just loaded, and is not what was loaded. Does something else change it?")


if __name__ == "__main__":
    try:
        result = answer(json.loads(base64.b64decode(sys.argv[1])))
    except CannotError as error:
        result = {"steps": [], "error": str(error)}
    json.dump(result, sys.stdout)
