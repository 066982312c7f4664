# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with interfaces and addresses, as ip(8) shows and changes them."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import addresses, vip, vrrp_configuration
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished


class Machine:
    """Its addresses by interface; ``flags`` of some of them; ``taken`` are addresses that another machine on the network has."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {"lo": ["127.0.0.1/8"], "eth0": ["10.0.0.1/24"], "eth1": ["10.0.1.1/24"]}
        self.flags: dict[str, list[str]] = {}
        self.taken: set[str] = set()
        self.refused: set[str] = set()
        self.networkd: dict[str, str] = {}
        self.programs: list[str] = []

    def run(self, *words: str, stdin: str = "") -> Finished:
        self.programs.append(" ".join(words))
        assert words[0] == "ip"
        if "-batch" not in words:
            return Finished(
                0,
                json.dumps([{}, *({"ifname": name, "addr_info": list(map(self._info, each))} for name, each in self.addresses.items())]),
                "",
            )
        errors = ""
        for number, line in enumerate(stdin.splitlines(), 1):
            _address, verb, address, _dev, interface = line.split()
            if address in self.refused or interface not in self.addresses or (verb == "add") == (address in self.addresses[interface]):
                errors += f"RTNETLINK answers: Refused\nCommand failed -:{number}\n"
                if "-force" not in words:
                    break
            elif verb == "add":
                self.addresses[interface].append(address)
                if address in self.taken:
                    self.flags[address] = ["dadfailed", "tentative"]
            else:
                self.addresses[interface].remove(address)
        return Finished(1 if errors else 0, "", errors)

    def output(self, *words: str) -> str:
        return self.run(*words).output

    def _info(self, text: str) -> dict[str, Any]:
        address = ipaddress.ip_interface(text)
        return {"local": str(address.ip), "prefixlen": address.network.prefixlen, **dict.fromkeys(self.flags.get(text, ()), True)}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Replace ip and systemd-networkd, and the places of files."""
    fake = Machine()
    monkeypatch.setattr(addresses, "run", fake.run)
    monkeypatch.setattr(addresses, "must_run", fake.output)
    monkeypatch.setattr(vip, "networkd", lambda: fake.networkd)
    monkeypatch.setattr(vip, "SAVED", str(tmp_path / "state" / "vips.json"))
    monkeypatch.setattr(vip, "NETWORKS", str(tmp_path / "network"))
    monkeypatch.setattr(vip, "CONFIGURED", (str(tmp_path / "interfaces"),))
    monkeypatch.setattr(vrrp_configuration, "OURS", str(tmp_path / "keepalived" / "ipvs_director.conf"))
    (tmp_path / "network").mkdir()
    return fake
