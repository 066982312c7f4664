# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes namespaces real servers, and puts firewall marks on the director's packets, with the collection's own code.

It runs in this process: to start another Python costs seconds in an emulated machine.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import fwmark, realserver, realserver_record
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import Request, Tunnel
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import converge
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError

from .combinations import GUE_PORT, PROTOCOLS
from .network import REAL_SERVERS, VIPS, inside


class Refused(Exception):
    """A step that cannot be done, and why."""


def wanted(name: str, **options: Any) -> dict[str, Any]:
    """The variables of a real server for every forwarding method, with options for all its tunnels."""
    tunnels = [
        {"tunnel_type": tunnel_type, "address": address, **({"tunnel_port": GUE_PORT} if tunnel_type == "gue" else {}), **options}
        for tunnel_type in ("ipip", "gue", "gre")
        for address in REAL_SERVERS[name].values()
    ]
    return {"interface": "ipvs-vip", "vips": list(VIPS.values()), "tunnels": tunnels}


class Programs:
    """The effects of ipvs_realserver and ipvs_fwmark on a namespace, except for the next boot."""

    def __init__(self, records: Path) -> None:
        self._records = records
        # The namespaces are new ones.
        shutil.rmtree(records, ignore_errors=True)

    def real_server(self, name: str, want: dict[str, Any] | None = None, *, absent: bool = False, check: bool = False) -> list[str]:
        """Make a namespace a real server, or undo that; return the steps."""
        with inside(name):
            realserver_record.PATH = str(self.record(name))
            try:
                return realserver.converge(None if absent else _request(want or wanted(name)), check_mode=check)
            except IpvsError as error:
                raise Refused(str(error)) from None

    def record(self, name: str) -> Path:
        return self._records / name / "record.json"

    def mark(self, fwmarks: dict[int, int], ports: tuple[int, ...]) -> list[str]:
        """Have the director's packets to these ports of the virtual addresses marked, by family; return the steps."""
        return self.mark_all(
            [
                {"fwmark": number, "addresses": [VIPS[family]], "protocol": protocol, "ports": list(map(str, ports))}
                for family, number in fwmarks.items()
                for protocol in PROTOCOLS
            ]
        )

    def mark_all(self, marks: list[dict[str, Any]], *, check: bool = False) -> list[str]:
        with inside("director"):
            return converge(lambda: fwmark.plan_table(marks, check_mode=check), check_mode=check)


def _request(want: dict[str, Any]) -> Request:
    tunnels = (Tunnel(**{**each, "tunnel_flags": tuple(each.get("tunnel_flags", ()))}) for each in want["tunnels"])
    return Request(want["interface"], tuple(want["vips"]), tuple(tunnels))
