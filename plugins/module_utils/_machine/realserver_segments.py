# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The MSS announced to TCP clients if a tunnel's MTU is given, in a dedicated nftables table."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._machine.command import run
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import Command
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

TABLE = "inet ipvs_realserver"


def read() -> Optional[dict[str, int]]:
    """Return the MSS by virtual address; None without the table, empty if it has rules of another form."""
    try:
        listed = run("nft", "-json", "list", "table", *TABLE.split())
    except IpvsUnavailableError:
        return None  # no nftables: no table
    return None if listed.code else _from_json(listed.output)


def _from_json(text: str) -> dict[str, int]:
    segments = {}
    for rule in (each["rule"] for each in json.loads(text)["nftables"] if "rule" in each):
        try:
            source, _flags, mangle = rule["expr"]
            segments[str(ipaddress.ip_address(source["match"]["right"]))] = int(mangle["mangle"]["value"])
        except (KeyError, TypeError, ValueError):
            return {}
    return segments


def command(segments: Mapping[str, int]) -> Command:
    """Return the command that sets the table's rules, or removes the table, in one transaction, whether it exists or not."""
    rules = [
        f"{'ip6' if ':' in vip else 'ip'} saddr {vip} tcp flags syn / syn,rst tcp option maxseg size set {size}"
        for vip, size in segments.items()
    ]
    table = [f"table {TABLE} {{ chain output {{", "type filter hook output priority mangle; policy accept;", *rules, "}", "}"]
    return ("nft", "\n".join([f"table {TABLE}", f"delete table {TABLE}", *(table if rules else [])]))
