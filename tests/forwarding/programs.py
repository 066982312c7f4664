# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the roles' own programs make namespaces real servers, and put firewall marks on the director's packets."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

from .combinations import GUE_PORT, PROTOCOLS
from .network import REAL_SERVERS, VIPS, run


class Refused(Exception):
    """What a program says that it cannot do."""


def wanted(name: str, **options: Any) -> dict[str, Any]:
    """What makes a namespace a real server for every way of forwarding; options of all its tunnels may be given."""
    tunnels = [
        {"tunnel_type": tunnel_type, "address": address, **({"tunnel_port": GUE_PORT} if tunnel_type == "gue" else {}), **options}
        for tunnel_type in ("ipip", "gue", "gre")
        for address in REAL_SERVERS[name].values()
    ]
    return {"interface": "ipvs-vip", "vips": list(VIPS.values()), "tunnels": tunnels}


class Programs:
    """The programs of a folder: realserver.py and fwmark.py."""

    def __init__(self, folder: Path, records: Path) -> None:
        self._folder = folder
        self._records = records
        # The namespaces are new ones.
        shutil.rmtree(records, ignore_errors=True)

    def real_server(self, name: str, want: dict[str, Any] | None = None, *, absent: bool = False, check: bool = False) -> list[str]:
        """Have a namespace be a real server, or none any more; return what that took."""
        request = {"wanted": None if absent else want or wanted(name), "record": str(self.record(name)), "check": check}
        return self._run("realserver.py", name, request)

    def record(self, name: str) -> Path:
        return self._records / name / "record.json"

    def mark(self, fwmarks: dict[int, int], ports: tuple[int, ...]) -> list[str]:
        """Have the director's packets to these ports of the virtual addresses marked, by family; return what that took."""
        return self.mark_all(
            [
                {"fwmark": number, "addresses": [VIPS[family]], "protocol": protocol, "ports": ports}
                for family, number in fwmarks.items()
                for protocol in PROTOCOLS
            ]
        )

    def mark_all(self, marks: list[dict[str, Any]], *, check: bool = False) -> list[str]:
        return self._run("fwmark.py", "director", {"fwmarks": marks, "check": check})

    def _run(self, program: str, name: str, request: dict[str, Any]) -> list[str]:
        argument = base64.b64encode(json.dumps(request).encode()).decode()
        said = json.loads(run("python3", str(self._folder / program), argument, namespace=name))
        if "error" in said:
            raise Refused(said["error"])
        steps: list[str] = said["steps"]
        return steps
