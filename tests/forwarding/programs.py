# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the roles' own programs make namespaces real servers, and put firewall marks on the director's packets."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import Any

from .combinations import GUE_PORT, PROTOCOLS
from .network import REAL_SERVERS, VIPS, run


def become(program: str, name: str) -> list[str]:
    """Have a namespace be a real server for every way of forwarding; return what that took."""
    tunnels = [
        {"tunnel_type": tunnel_type, "address": address, **({"tunnel_port": GUE_PORT} if tunnel_type == "gue" else {})}
        for tunnel_type in ("ipip", "gue", "gre")
        for address in REAL_SERVERS[name].values()
    ]
    record = Path(tempfile.gettempdir(), f"forwarding-{name}", "record.json")
    record.unlink(missing_ok=True)
    request = {
        "wanted": {"interface": "ipvs-vip", "vips": list(VIPS.values()), "tunnels": tunnels},
        "record": str(record),
        "check": False,
    }
    return _run(program, name, request)


def mark(program: str, fwmarks: dict[int, int], ports: tuple[int, ...]) -> list[str]:
    """Have the director's packets to these ports of the virtual addresses marked, by family; return what that took."""
    marks = [
        {"fwmark": number, "addresses": [VIPS[family]], "protocol": protocol, "ports": ports}
        for family, number in fwmarks.items()
        for protocol in PROTOCOLS
    ]
    return _run(program, "director", {"fwmarks": marks, "check": False})


def _run(program: str, name: str, request: dict[str, Any]) -> list[str]:
    said = json.loads(run("python3", program, base64.b64encode(json.dumps(request).encode()).decode(), namespace=name))
    if "error" in said:
        raise RuntimeError(f"{name}: {said['error']}")
    steps: list[str] = said["steps"]
    return steps
