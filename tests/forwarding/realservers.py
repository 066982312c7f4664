# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a namespace a real server: with the program of the role ipvs_realserver, as the role does."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path

from .combinations import GUE_PORT
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
    said = json.loads(run("python3", program, base64.b64encode(json.dumps(request).encode()).decode(), namespace=name))
    if "error" in said:
        raise RuntimeError(f"{name}: {said['error']}")
    steps: list[str] = said["steps"]
    return steps
