# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the roles' own programs make namespaces real servers, and put firewall marks on the director's packets."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import fwmark
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import converge

from .combinations import GUE_PORT, PROTOCOLS
from .network import REAL_SERVERS, VIPS, inside


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
    """The program of a folder, realserver.py, and what ipvs_fwmark does to a table."""

    def __init__(self, folder: Path, records: Path) -> None:
        self._real_server = load_program(folder / "realserver.py")
        self._records = records
        # The namespaces are new ones.
        shutil.rmtree(records, ignore_errors=True)

    def real_server(self, name: str, want: dict[str, Any] | None = None, *, absent: bool = False, check: bool = False) -> list[str]:
        """Have a namespace be a real server, or none any more; return what that took."""
        with inside(name):
            want = None if absent else want or wanted(name)
            return _said(self._real_server, {"wanted": want, "record": str(self.record(name)), "check": check})

    def record(self, name: str) -> Path:
        return self._records / name / "record.json"

    def mark(self, fwmarks: dict[int, int], ports: tuple[int, ...]) -> list[str]:
        """Have the director's packets to these ports of the virtual addresses marked, by family; return what that took."""
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


def load_program(path: Path) -> ModuleType:
    """A role's program, in this process: to start another Python costs seconds in an emulated machine."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look for their module.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _said(program: ModuleType, request: dict[str, Any]) -> list[str]:
    try:
        steps: list[str] = program.answer(request)["steps"]
    except program.CannotError as error:
        raise Refused(str(error)) from None
    return steps
