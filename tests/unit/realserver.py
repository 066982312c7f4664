# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine in memory that can become a real server: ip(8), nft(8), modprobe(8), and settings in a directory of the test's own."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import (
    addresses,
    program,
    realserver,
    realserver_apply,
    realserver_boot,
    realserver_found,
    realserver_record,
    realserver_segments,
)
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

Link = dict[str, Any]


class Machine:
    """``refused`` are commands that fail; ``changes`` counts the commands that change something."""

    def __init__(self, folder: Path) -> None:
        self.settings = folder / "conf"
        self.fou = folder / "fou"
        self.links: dict[str, Link] = {}
        self.addresses: list[tuple[str, str]] = []
        self.ports: set[tuple[int, str]] = set()
        self.table = ""
        self.has_nft = True
        self.refused: set[str] = set()
        self.changes = 0
        self._set("all", arp_ignore="0", arp_announce="0")
        for name in ("lo", "eth0"):
            self.add(name, {"mtu": 1500, "flags": ["UP"]})
        self.addresses.append(("eth0", "192.0.2.11/24"))

    def add(self, name: str, link: Link) -> None:
        self.links[name] = link
        self._set(name, rp_filter="1")

    def state(self) -> Any:
        """Return all that there is, but for the modules that are loaded."""
        settings = {str(path.relative_to(self.settings)): path.read_text() for path in sorted(self.settings.rglob("*")) if path.is_file()}
        return json.loads(json.dumps([self.links, sorted(self.addresses), sorted(self.ports), self.table, settings]))

    def setting(self, name: str) -> str:
        return (self.settings / name).read_text()

    def run(self, program: str, *words: str, stdin: str = "", timeout: float = 0) -> Finished:
        if program == "nft" and not self.has_nft:
            raise IpvsUnavailableError("There is no program nft on this machine: is its package installed?")
        if (program, *words[:2]) == ("nft", "-json", "list"):
            return (
                Finished(0, json.dumps({"nftables": list(map(self._rule, self.table.splitlines()))}), "")
                if self.table
                else Finished(1, "", "?")
            )
        if program == "ip" and words[0] == "-json":
            return Finished(0, json.dumps(self._ports() if "fou" in words else [{}, *map(self._link, self.links)]), "")
        self.changes += 1
        if program == "nft":
            self.table = "\n".join(line for line in stdin.splitlines() if "saddr" in line)
        elif program == "modprobe":
            self.fou.touch()
        elif program == "ip":
            assert words == ("-batch", "-")
            for number, line in enumerate(stdin.splitlines(), 1):
                reason = "Refused" if line in self.refused else self._ip(line)
                if reason:
                    return Finished(2, "", f"RTNETLINK answers: {reason}\nCommand failed -:{number}\n")
        return Finished(0, "", "")

    def must_run(self, *words: str, stdin: str = "") -> str:
        return self.run(*words, stdin=stdin).output

    def _ip(self, line: str) -> str:
        """Carry out a command and return why it is refused."""
        what, verb, *words = shlex.split(line)
        if what == "address":
            place = (words[2], words[0])
            if (verb == "add") == (place in self.addresses) or place[0] not in self.links:
                return "File exists"
            (self.addresses.append if verb == "add" else self.addresses.remove)(place)
        elif what == "fou":
            port = (6 if "-6" in words else 4, words[1])
            if (verb == "add") == (port in self.ports) or not self.fou.exists():
                return "Address already in use"
            (self.ports.add if verb == "add" else self.ports.remove)(port)
        elif verb == "add":
            _name, name, _type, kind, *options = words
            self.add(name, {"mtu": 1476, "flags": [], "linkinfo": {"info_kind": kind, "info_data": self._data(options)}})
        elif words[1] not in self.links:
            return "Cannot find device"
        elif verb == "del":
            del self.links[words[1]]
            self.addresses = [each for each in self.addresses if each[0] != words[1]]
            shutil.rmtree(self.settings / words[1])
        else:
            self._change(self.links[words[1]], words[2:])
        return ""

    def _change(self, link: Link, words: list[str]) -> None:
        if words[0] == "mtu":
            link["mtu"] = int(words[1])
        elif words[0] == "type":
            link["linkinfo"]["info_data"] = self._data(words[2:])
        elif words[0] in ("up", "down"):
            link["flags"] = ["UP"] if words[0] == "up" else []

    @staticmethod
    def _data(options: list[str]) -> Link:
        data: Link = {"icsum": True} if "icsum" in options else {}
        return {**data, "local": options[options.index("local") + 1] if "local" in options else "any"}

    def _set(self, link: str, **values: str) -> None:
        (self.settings / link).mkdir(parents=True, exist_ok=True)
        for name, value in values.items():
            (self.settings / link / name).write_text(value)

    def _link(self, name: str) -> Link:
        own = [ipaddress.ip_interface(address) for interface, address in self.addresses if interface == name]
        listed = [
            {"family": f"inet{'6' if each.version == 6 else ''}", "local": str(each.ip), "prefixlen": each.network.prefixlen}
            for each in own
        ]
        return {"ifname": name, "addr_info": listed, **self.links[name]}

    def _ports(self) -> list[Link]:
        return [{"port": int(port), "family": "inet6" if family == 6 else "inet", "gue": None} for family, port in sorted(self.ports)]

    @staticmethod
    def _rule(line: str) -> Link:
        words = line.split()
        return {"rule": {"expr": [{"match": {"right": words[2]}}, {}, {"mangle": {"value": int(words[-1])}}]}}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Replace the parts of a real server."""
    fake = Machine(tmp_path)
    for module in (addresses, realserver_apply, realserver_segments):
        monkeypatch.setattr(module, "run", fake.run)
    for module in (realserver_apply, realserver_found):
        monkeypatch.setattr(module, "must_run", fake.must_run)
        monkeypatch.setattr(module, "SYSCTL", str(fake.settings))
    monkeypatch.setattr(realserver_found, "_FOU", str(fake.fou))
    monkeypatch.setattr(realserver_record, "PATH", str(tmp_path / "state" / "record.json"))
    for name, path in (
        ("COMMAND", "sbin/ipvs-director"),
        ("FORMER_COMMAND", "sbin/ipvs-director-restore"),
        ("LIBRARY", "lib/ipvs-director"),
    ):
        monkeypatch.setattr(program, name, str(tmp_path / path))
    monkeypatch.setattr(program, "must_run", lambda *words: "")  # compiles it, for seconds
    monkeypatch.setattr(realserver_boot, "FORMER_PROGRAM", str(tmp_path / "lib" / "ipvs_realserver" / "realserver.py"))
    monkeypatch.setattr(realserver, "lock", lambda exclusive: contextlib.nullcontext())
    monkeypatch.setattr(realserver.os, "geteuid", lambda: 0)
    return fake
