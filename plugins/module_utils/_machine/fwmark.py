# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Firewall marks on packets, set by nftables in a dedicated table (inet ipvs_director), now and at boot.

No other table is read or changed; without marks, there is no table. To compare the kernel's table with the wanted rules, nft loads the
rules in a new network namespace and lists them: both texts then have nft's own form. That also refuses impossible rules before anything
changes, in check mode too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Union

from ansible_collections.lvs.director.plugins.module_utils._machine import files, systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.command import is_installed, run
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError, IpvsUnavailableError, IpvsVerificationError

Marks = Sequence[Mapping[str, Any]]

TABLE = "inet ipvs_director"
RULES = "/etc/ipvs_director_fwmark.nft"
UNIT = "ipvs_director_fwmark.service"
DROP_IN = "nftables.service.d/ipvs_director_fwmark.conf"

_UNIT_TEXT = """\
# By lvs.director.ipvs_fwmark
[Unit]
Description=Firewall marks for virtual services of IPVS
DefaultDependencies=no
After=local-fs.target nftables.service
# No packet arrives before the marks are in place.
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
RequiresMountsFor={rules}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {rules}

[Install]
WantedBy=multi-user.target
"""
_DROP_IN_TEXT = """\
# By lvs.director.ipvs_fwmark
# The rules of nftables.service begin with "flush ruleset" on Debian: put back the firewall marks, each time.
[Service]
ExecStartPost=-/usr/sbin/nft -f {rules}
ExecReload=-/usr/sbin/nft -f {rules}
"""

_FAMILIES = {4: "ip", 6: "ip6"}
_HIGHEST_MARK = 0xFFFFFFFF
_HIGHEST_PORT = 65535


def plan(marks: Marks, *, check_mode: bool) -> list[Step]:
    """Return the steps that set exactly these marks, now and at boot.

    :raises IpvsInputError: an entry is impossible.
    :raises IpvsUnavailableError: nft refuses the rules.
    """
    if not marks:
        return _plan_absent()
    texts = {name: text.format(rules=RULES) for name, text in ((UNIT, _UNIT_TEXT), (DROP_IN, _DROP_IN_TEXT))}
    # The file first: if this run is killed, the next one finds it.
    rules = files.plan({RULES: replacing(table_of(marks))})
    return [*rules, *plan_table(marks, check_mode=check_mode), *systemd.plan_units(texts, [UNIT])]


def plan_table(marks: Marks, *, check_mode: bool) -> list[Step]:
    """Return the steps for the running kernel only; ``plan`` adds those for the boot.

    :raises IpvsInputError: an entry is impossible.
    :raises IpvsUnavailableError: nft refuses the rules.
    """
    table = table_of(marks)
    if not is_installed("nft"):
        if check_mode or not table:
            # In a real run, an earlier task installs it.
            return [Step(f"add table {TABLE}", lambda: None)] if table else []
        raise IpvsUnavailableError("nft sets firewall marks, and is not on this machine. Install the package nftables")
    current, wanted = _listed(), _normal(table) if table else ""
    if current == wanted:
        return []
    verb = "delete" if not wanted else "change" if current else "add"
    return [Step(f"{verb} table {TABLE}", partial(_load, replacing(table) if wanted else f"delete table {TABLE}\n", wanted))]


def table_of(marks: Marks) -> str:
    """Return the table in nft's language, empty without marks."""
    rules = [rule for number, mark in enumerate(marks) for rule in rules_of(f"fwmarks[{number}]", mark)]
    if not rules:
        return ""
    # Prerouting at mangle priority comes before IPVS, which sees packets on their way in.
    hook = "type filter hook prerouting priority mangle; policy accept;"
    lines = ["\tchain prerouting {", *(f"\t\t{line}" for line in [hook, *rules]), "\t}"]
    return "\n".join([f"table {TABLE} {{", *lines, "}", ""])


def replacing(table: str) -> str:
    """Return the script with which nft -f replaces or creates the table in one transaction."""
    return f"table {TABLE}\ndelete table {TABLE}\n{table}"


def rules_of(path: str, mark: Mapping[str, Any]) -> list[str]:
    """Return one rule per address family."""
    number, protocol, ports = mark["fwmark"], mark.get("protocol"), mark.get("ports") or []
    if not 1 <= number <= _HIGHEST_MARK:
        raise IpvsInputError(f"{path}.fwmark", f"{number} is not a mark, from 1 to {_HIGHEST_MARK}")
    if ports and not protocol:
        raise IpvsInputError(f"{path}.ports", "ports belong to a protocol: give protocol as well")
    match = f" {protocol} dport {{ {', '.join(dict.fromkeys(_port_of(f'{path}.ports', port) for port in ports))} }}" if ports else ""
    if protocol and not ports:
        match = f" meta l4proto {protocol}"
    networks = [_network_of(f"{path}.addresses", address) for address in mark["addresses"]]
    if not networks:
        raise IpvsInputError(f"{path}.addresses", "there is none. Without an address, packets to this machine itself would get the mark")
    return [
        f"{_FAMILIES[family]} daddr {{ {', '.join(dict.fromkeys(str(each) for each in networks if each.version == family))} }}{match}"
        f" meta mark set {number}"
        for family in sorted({each.version for each in networks})
    ]


def _network_of(path: str, address: str) -> Union[ipaddress.IPv4Network, ipaddress.IPv6Network]:
    try:
        return ipaddress.ip_network(address)
    except ValueError as exc:
        raise IpvsInputError(path, str(exc)) from None


def _port_of(path: str, port: str) -> str:
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", port)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= _HIGHEST_PORT:
        raise IpvsInputError(path, f"{port!r} is not a port, from 1 to {_HIGHEST_PORT}, nor a range of ports like 8000-8099")
    return str(first) if first == last else f"{first}-{last}"


def _plan_absent() -> list[Step]:
    """Return the steps that remove everything. Without our files there is no table of ours, and nft need not run."""
    units = systemd.plan_no_units([UNIT, DROP_IN])
    rules = files.plan_removal([RULES])
    if not units and not rules:
        return []
    # The rules file last: while it exists, the next run completes one that was killed.
    return [*units, *plan_table([], check_mode=False), *rules]


def _listed() -> str:
    """Return the table as nft lists it, or an empty string."""
    done = run("nft", "list", "table", *TABLE.split())
    if done.code and "No such file or directory" not in done.errors:
        raise IpvsUnavailableError(f"nft cannot list table {TABLE}: {done.errors.strip()}. Run the task as root (become: true)")
    return "" if done.code else done.output


def _normal(table: str) -> str:
    """Return a table as nft would list it, without loading it into the machine's kernel tables."""
    done = run("unshare", "--net", "sh", "-c", f"nft -f - && nft list table {TABLE}", stdin=table)
    if done.code:
        raise IpvsUnavailableError(f"nft does not take the rules of fwmarks, and nothing was changed: {done.errors.strip()}")
    return done.output


def _load(script: str, wanted: str) -> None:
    done = run("nft", "-f", "-", stdin=script)
    if done.code:
        raise IpvsUnavailableError(f"nft cannot load the rules of fwmarks: {done.errors.strip()}")
    if _listed() != wanted:
        raise IpvsVerificationError(f"Table {TABLE} was just loaded, and is not what was loaded. Does something else change it?")
