# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks drain and undrain, on directors with kernels in memory: all of them, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs.plays import Director

WEB = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
DNS = {"fwmark": 7}
SERVERS = {"10.0.0.5": 5, "10.0.0.6": 6}


class Fleet:
    """Three directors. The third does not have the real server 10.0.0.5."""

    def __init__(self, folder: Path) -> None:
        self.hosts = {}
        for name in ("first", "second", "third"):
            (folder / name).mkdir()
            self.hosts[name] = Director(folder / name)
        self._hosts_file = folder / "hosts.json"
        known = {name: json.loads(each.inventory.read_text())["directors"]["hosts"]["director"] for name, each in self.hosts.items()}
        self._hosts_file.write_text(json.dumps({"directors": {"hosts": known}}))
        for name in self.hosts:
            servers = {**SERVERS, "10.0.0.7": 7} if name != "third" else {"10.0.0.6": 6}
            destinations = [{"address": address, "weight": weight, "forward_method": "masquerade"} for address, weight in servers.items()]
            self.task(name, "ipvs_table", services=[{**WEB, "destinations": destinations}, {**DNS, "destinations": destinations}])

    def task(self, host: str, module: str, **options: Any) -> None:
        self.hosts[host].run([{"hosts": "directors", "gather_facts": False, "tasks": [{f"lvs.director.{module}": options}]}])

    def play(self, name: str, *options: str) -> str:
        return self.hosts["first"].command("ansible-playbook", "-i", str(self._hosts_file), f"lvs.director.{name}", *options)

    def weights(self, host: str) -> list[int]:
        read = [
            {"lvs.director.ipvs_info": {}, "register": "after"},
            {"ansible.builtin.copy": {"content": "{{ after.services }}", "dest": "{{ playbook_dir }}/after"}},
        ]
        self.hosts[host].run([{"hosts": "directors", "gather_facts": False, "tasks": read}])
        services = json.loads((self.hosts[host].folder / "after").read_text())
        return [each["effective_weight"] for service in services for each in service["destinations"]]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Shared, since each task of Ansible costs a second: each test leaves the weights as they were."""
    return Fleet(tmp_path_factory.mktemp("fleet"))


def test_drained_on_all_directors_and_brought_back(fleet: Fleet) -> None:
    before = fleet.weights("first")
    predicted = fleet.play("drain", "-e", "real_server=10.0.0.5", "--check")
    assert fleet.weights("first") == before
    done = fleet.play("drain", "-e", "real_server=10.0.0.5")
    for text in (predicted, done):
        for host in ("first", "second"):
            for service in ("tcp 192.0.2.1:80", "fwmark 7"):
                assert f"{host}: {service}: 10.0.0.5:" in text
        assert "drained, 0 connections before, 0 left after 0.0 seconds" in text
        assert "third: has no destination 10.0.0.5" in text
    for host in ("first", "second"):
        assert fleet.weights(host) == [0 if weight == 5 else weight for weight in before]
    done = fleet.play("undrain", "-e", "real_server=10.0.0.5")
    assert "second: tcp 192.0.2.1:80: 10.0.0.5:80 in service, weight 5" in done
    assert fleet.weights("second") == before
    assert fleet.weights("third") == [6, 6]


def test_none_drains_if_one_has_to_refuse(fleet: Fleet) -> None:
    before = fleet.weights("first")
    fleet.task("second", "ipvs_destination", service=WEB, address="10.0.0.6", weight=0)
    refusal = r"without 10\.0\.0\.5:80, 1 of the 2 other destinations of service tcp 192\.0\.2\.1:80 have a weight, and 2 must be left"
    with pytest.raises(AssertionError, match=refusal):
        fleet.play("drain", "-e", "real_server=10.0.0.5", "-e", "min_available=2")
    assert fleet.weights("first") == before
    fleet.task("second", "ipvs_destination", service=WEB, address="10.0.0.6", weight=6)


@pytest.mark.parametrize("playbook", ["drain", "undrain"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-e", "real_server=10.0.0.9"], "No service of any of these directors has a destination 10.0.0.9"),
        ([], "Give the address of the real server: -e real_server=ADDRESS"),
        (["-e", "real_server=server-5"], "'server-5' is not an IPv4 or IPv6 address"),
    ],
)
def test_mistakes(fleet: Fleet, playbook: str, options: list[str], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        fleet.play(playbook, *options)
