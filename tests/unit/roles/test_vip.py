# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's program for virtual addresses, on a machine that is a dictionary."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from . import programs

VIP = {"address": "10.1.1.1/32", "interface": "eth1"}


class Machine:
    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {"lo": ["127.0.0.1/8"], "eth0": ["10.0.0.1/24"], "eth1": ["10.0.1.1/24"]}
        self.networkd: dict[str, str] = {}

    def ip(self, *words: str) -> str:
        if words[0] == "address":
            _address, verb, address, _dev, interface = words
            listed = self.addresses[interface]
            listed.append(address) if verb == "add" else listed.remove(address)
            return ""
        return json.dumps([{"ifname": name, "addr_info": list(map(self.info, listed))} for name, listed in self.addresses.items()])

    @staticmethod
    def info(text: str) -> dict[str, Any]:
        address = ipaddress.ip_interface(text)
        return {"local": str(address.ip), "prefixlen": address.network.prefixlen}


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def vip(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = programs.load("vip")
    monkeypatch.setattr(module, "ip", machine.ip)
    monkeypatch.setattr(module, "networkd", lambda: machine.networkd)
    monkeypatch.setattr(module, "SAVED", tmp_path / "state" / "vips.json")
    monkeypatch.setattr(module, "NETWORKS", tmp_path / "network")
    (tmp_path / "network").mkdir()
    return module


def steps(vip: ModuleType, *vips: dict[str, str], check: bool = False) -> list[str]:
    answer: list[str] = vip.converge({"vips": list(vips), "check": check})["steps"]
    return answer


def test_an_address_is_added_and_saved(vip: ModuleType, machine: Machine) -> None:
    predicted = steps(vip, VIP, check=True)
    assert predicted == ["add 10.1.1.1/32 to eth1", f"write {vip.SAVED}"]
    assert not vip.SAVED.exists()
    assert steps(vip, VIP) == predicted
    assert machine.addresses["eth1"] == ["10.0.1.1/24", "10.1.1.1/32"]
    assert vip.saved() == [VIP]
    assert vip.SAVED.stat().st_mode & 0o777 == 0o600
    assert steps(vip, VIP) == steps(vip, VIP, check=True) == []


def test_an_address_that_is_not_listed_any_more_is_left_but_not_restored(vip: ModuleType, machine: Machine) -> None:
    other = {"address": "2001:db8::1/128", "interface": "eth1"}
    steps(vip, VIP, other)
    assert steps(vip, other) == [f"write {vip.SAVED}"]
    assert vip.saved() == [other]
    assert steps(vip) == [f"remove {vip.SAVED}"]
    assert vip.saved() == []
    assert len(machine.addresses["eth1"]) == 3


def test_networkd_is_told(vip: ModuleType, machine: Machine) -> None:
    machine.networkd = {"eth0": "/etc/systemd/network/10-eth0.network", "eth1": "/run/systemd/network/10-netplan-eth1.network"}
    drop_in = vip.NETWORKS / "10-netplan-eth1.network.d" / "ipvs_director.conf"
    assert steps(vip, VIP, check=True)[1] == f"write {drop_in}"
    assert not drop_in.exists()
    steps(vip, VIP)
    assert drop_in.read_text().endswith("\n[Network]\nAddress=10.1.1.1/32\n")
    assert steps(vip, VIP) == []
    # The file that it is configured from has another name now.
    machine.networkd["eth1"] = "/etc/systemd/network/20-lan.network"
    assert len(steps(vip, VIP)) == 2
    assert not drop_in.parent.exists()
    assert (vip.NETWORKS / "20-lan.network.d" / "ipvs_director.conf").exists()


def test_a_file_of_networkd_that_several_interfaces_share_is_refused(vip: ModuleType, machine: Machine) -> None:
    machine.networkd = dict.fromkeys(("eth0", "eth1"), "/etc/systemd/network/80-all.network")
    with pytest.raises(vip.CannotError, match=r"configures eth1 and eth0 from the same .*80-all.network.* Give eth1 a file of its own"):
        steps(vip, VIP)
    assert len(machine.addresses["eth1"]) == 1
    assert not vip.SAVED.exists()


@pytest.mark.parametrize(
    ("address", "interface", "reason"),
    [
        ("10.1.1.1/33", "eth1", "'10.1.1.1/33' is no IP address"),
        ("10.1.1.1/32", "eth9", "no such interface. There are: eth0, eth1, lo"),
        ("10.0.0.1/32", "eth1", "eth0 already has 10.0.0.1/24. Remove one of the two"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_touched(vip: ModuleType, address: str, interface: str, reason: str) -> None:
    with pytest.raises(vip.CannotError, match=reason):
        steps(vip, {"address": address, "interface": interface})
    assert not vip.SAVED.exists()


def test_a_damaged_file_is_named(vip: ModuleType) -> None:
    steps(vip, VIP)
    vip.SAVED.write_text('{"vips": [{"address": 7}]}')
    with pytest.raises(vip.CannotError, match=f"Cannot read {vip.SAVED}"):
        vip.saved()


def test_those_that_are_there_are_removed(vip: ModuleType, machine: Machine) -> None:
    steps(vip, VIP)
    assert vip.remove([VIP, {"address": "10.1.1.2", "interface": "eth1"}]) == ["remove 10.1.1.1/32 from eth1"]
    assert machine.addresses["eth1"] == ["10.0.1.1/24"]


def test_undone_nothing_is_left(vip: ModuleType, machine: Machine) -> None:
    machine.networkd = {"eth1": "/etc/systemd/network/20-lan.network"}
    steps(vip, VIP)
    drop_in = vip.NETWORKS / "20-lan.network.d" / "ipvs_director.conf"
    expected = ["remove 10.1.1.1/32 from eth1", *(f"remove {path}" for path in sorted([drop_in, vip.SAVED]))]
    assert vip.undo({"check": True})["steps"] == expected
    assert machine.addresses["eth1"] == ["10.0.1.1/24", "10.1.1.1/32"]
    assert vip.undo({"check": False})["steps"] == expected
    assert machine.addresses["eth1"] == ["10.0.1.1/24"]
    assert not vip.SAVED.parent.exists()
    assert not drop_in.parent.exists()
    assert vip.undo({"check": False})["steps"] == []
