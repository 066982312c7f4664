# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_vrrp, with a keepalived in memory. The scenario ``pair`` has real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import vip, vrrp, vrrp_advertisements, vrrp_configuration
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished
from ansible_collections.lvs.director.plugins.module_utils._machine.vrrp_configuration import Instance

from ...addresses import Machine, machine
from ...systemd import Systemd, units
from .conftest import Run

__all__ = ["machine", "units"]

KEEPALIVED = "keepalived.service"
VIP = {"address": "10.1.1.1/32", "interface": "eth1"}
INSTANCE: dict[str, Any] = {
    "name": "web",
    "router_id": 51,
    "interface": "eth1",
    "address": "10.0.1.1",
    "peers": ["10.0.1.2"],
    "priority": 100,
    "vips": [VIP, {"address": "2001:db8::1/128", "interface": "eth0"}],
}
MARKER = "127.112.0.51/32"


class Keepalived:
    """Does with the addresses what keepalived 2.2.7 does, as far as it was seen to."""

    def __init__(self, machine: Machine, units: Systemd) -> None:
        self.machine, self.units = machine, units
        self.installed = True
        self.tested: list[str] = []
        self.refused = ""
        self.masters: set[int] = set()  # instances that a peer is master of
        self.listened: list[list[str]] = []
        self.states: list[str] = []  # of the configuration, each time that it was read
        self.removed: list[str] = []
        self.master = False
        self._run = units.run

    def test(self, *words: str) -> Finished:
        assert words[:2] == ("keepalived", "--config-test")
        text = Path(words[2].removeprefix("--use-file=")).read_text()
        self.tested.append(text)
        return Finished(5, "", "(Line 2) refused\n(Line 2) refused\n") if self.refused and self.refused in text else Finished(0, "", "")

    def with_master(self, instances: list[Instance]) -> set[Instance]:
        self.listened.append([each.name for each in instances])
        return {each for each in instances if each.router_id in self.masters}

    def systemctl(self, program: str, verb: str, *words: str, timeout: float = 0) -> Finished:
        done = self._run(program, verb, *words, timeout=timeout)
        if KEEPALIVED in words and done.code == 0 and verb in ("start", "reload"):
            self._read(starts=verb == "start")
        if KEEPALIVED in words and verb == "stop":
            self.units.active.discard(KEEPALIVED)
            if self.master:
                self._remove()
        return done

    def elected(self) -> None:
        """Become master, as some seconds after the start."""
        self.master = True
        self._add()

    def places(self) -> list[tuple[str, str]]:
        if not Path(vrrp.OURS).exists():
            return []
        words = [line.split() for line in Path(vrrp.OURS).read_text().splitlines() if " dev " in line]
        return [(line[0], line[2]) for line in words]

    def _read(self, *, starts: bool) -> None:
        text = Path(vrrp.OURS).read_text() if Path(vrrp.OURS).exists() else ""
        self.states.append(" ".join(word for word in ("MASTER", "BACKUP", "255", "nopreempt") if word in text))
        if not text:
            self._remove()
        elif starts or not self.master:
            self._remove()
            self.master = "MASTER" in text
        if self.master:
            self._add()

    def _add(self) -> None:
        for address, interface in self.places():
            if address not in self.machine.addresses[interface]:
                self.machine.addresses[interface].append(address)

    def _remove(self) -> None:
        self.master = False
        for interface, every in self.machine.addresses.items():
            for address in [each for each in every if each in (MARKER, "10.1.1.1/32", "2001:db8::1/128")]:
                every.remove(address)
                self.removed.append(f"{address} {interface}")


@pytest.fixture
def keepalived(machine: Machine, units: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keepalived:
    fake = Keepalived(machine, units)
    ours = str(tmp_path / "etc" / "conf.d" / "ipvs_director.conf")
    monkeypatch.setattr(vrrp, "MAIN", str(tmp_path / "etc" / "keepalived.conf"))
    monkeypatch.setattr(vrrp, "_MAIN_TEXT", f"include {ours}\n")
    for module in (vrrp, vrrp_configuration):
        monkeypatch.setattr(module, "OURS", ours)
    monkeypatch.setattr(vrrp, "run", fake.test)
    monkeypatch.setattr(vrrp, "is_installed", lambda name: name == "keepalived" and fake.installed)
    monkeypatch.setattr(vrrp, "with_master", fake.with_master)
    monkeypatch.setattr(vrrp.systemd, "run", fake.systemctl)
    monkeypatch.setattr(vrrp, "_PATIENCE", 0.1)
    return fake


def steps(run: Run, check: bool = False, **options: Any) -> list[str]:
    options = options or {"instances": [INSTANCE]}
    result = run("ipvs_vrrp", check=check, **options)
    assert not result.get("failed"), result["msg"]
    found: list[str] = result["steps"]
    assert result["changed"] == bool(found)
    return found


def refusal(run: Run, **options: Any) -> str:
    found = [run("ipvs_vrrp", check=check, **(options or {"instances": [INSTANCE]})) for check in (True, False)]
    assert all(each.get("failed") for each in found), found
    assert found[0]["msg"] == found[1]["msg"]
    return str(found[1]["msg"])


def ours() -> str:
    return Path(vrrp.OURS).read_text()


def test_the_configuration_is_keepaliveds(run: Run, keepalived: Keepalived, units: Systemd) -> None:
    before = everything(keepalived)
    predicted = steps(run, check=True)
    assert everything(keepalived) == before
    assert predicted == [
        f"write {vrrp.MAIN}",
        f"write {vrrp.OURS}",
        f"write {units.directory}/ipvs-director-ready.service",
        f"write {units.directory}/keepalived.service.d/ipvs_director.conf",
        "have systemd read its units again",
        "enable keepalived.service",
        "start keepalived.service",
    ]
    assert steps(run) == predicted
    assert ours() == (
        """# By lvs.director.ipvs_vrrp. Changes are lost
vrrp_instance web {
    version 3
    state BACKUP
    nopreempt
    interface eth1
    virtual_router_id 51
    priority 100
    advert_int 1
    garp_master_refresh 5
    unicast_src_ip 10.0.1.1
    unicast_peer {
        10.0.1.2
    }
    virtual_ipaddress {
        127.112.0.51/32 dev lo scope host
    }
    virtual_ipaddress_excluded {
        10.1.1.1/32 dev eth1
        2001:db8::1/128 dev eth0
    }
}
"""
    )
    assert keepalived.states == ["BACKUP nopreempt"]
    assert steps(run) == steps(run, check=True) == []
    keepalived.elected()
    assert steps(run) == []
    assert keepalived.listened == [], "only where addresses are in the way"


def everything(keepalived: Keepalived) -> Any:
    folder = Path(vrrp.MAIN).parent
    files = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    return (
        files,
        keepalived.units.files(),
        list(keepalived.units.told),
        {name: list(each) for name, each in keepalived.machine.addresses.items()},
    )


def test_the_units(run: Run, keepalived: Keepalived, units: Systemd) -> None:
    steps(run)
    found = units.files()
    ready, drop_in = found["ipvs-director-ready.service"], found["keepalived.service.d/ipvs_director.conf"]
    assert "ExecStart=/usr/local/sbin/ipvs-director ready\n" in ready
    # Restarting the table's unit must not stop keepalived, and each start of keepalived asks anew.
    assert "Requires=" not in ready
    assert "PartOf=" not in ready
    assert "RemainAfterExit" not in ready
    assert "Requires=ipvs-director-ready.service\nAfter=ipvs-director-ready.service ipvs-director.service ipvs-director-network" in drop_in
    assert steps(run, instances=[INSTANCE], allow_fallback=False)[-1] == "have systemd read its units again"
    assert "PartOf=ipvs-director.service" not in drop_in
    steps(run, instances=[INSTANCE], allow_fallback=False, stop_with_table=True)
    assert "\nPartOf=ipvs-director.service\n" in units.files()["keepalived.service.d/ipvs_director.conf"]
    assert "ExecStart=/usr/local/sbin/ipvs-director ready --refuse-fallback\n" in units.files()["ipvs-director-ready.service"]


def test_a_change_is_reloaded(run: Run, keepalived: Keepalived, units: Systemd) -> None:
    steps(run)
    keepalived.elected()
    added = {**INSTANCE, "vips": [*INSTANCE["vips"], {"address": "10.1.1.9/32", "interface": "eth0"}]}
    assert steps(run, instances=[added]) == [f"write {vrrp.OURS}", "reload keepalived.service"]
    assert "10.1.1.9/32" in keepalived.machine.addresses["eth0"]
    assert keepalived.removed == []
    assert ours().split("virtual_ipaddress {")[1].split("}")[0].strip() == "127.112.0.51/32 dev lo scope host", "of no list of addresses"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"preempt": True}, "    state BACKUP\n    interface eth1\n"),
        ({"priority": 7}, "    priority 7\n"),
        ({"advertisement_interval": 0.25}, "    advert_int 0.25\n"),
        (
            {"address": "2001:db8::a", "peers": ["2001:DB8::B"]},
            "        2001:db8::b\n    }\n    virtual_ipaddress {\n        fe80::112:33/128 dev lo",
        ),
        ({"peers": []}, "    unicast_peer {\n    }\n"),
        ({"vips": [{"address": "10.1.1.1", "interface": "eth1"}]}, "        10.1.1.1/32 dev eth1\n"),
        ({"authentication": "none"}, "    version 3\n"),
        ({"interface": "eth0.7"}, "    interface eth0.7\n"),
        ({"name": "a"}, "vrrp_instance a {\n"),
        ({"router_id": 7}, "    virtual_router_id 7\n"),
    ],
)
def test_each_option_is_a_line(run: Run, keepalived: Keepalived, options: dict[str, Any], line: str) -> None:
    steps(run, instances=[{**INSTANCE, **options}])
    assert line in ours()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"router_id": 256}, "instances[0].router_id: 256 is not in the range 1 to 255"),
        ({"priority": 255}, "instances[0].priority: 255 is not in the range 1 to 254"),
        ({"advertisement_interval": 41}, "instances[0].advertisement_interval: 41.0 is not in the range 0.01 to 40.95"),
        ({"name": "a b"}, "instances[0].name: 'a b' is not a name of letters"),
        ({"interface": "eth0 {"}, "instances[0].interface: 'eth0 {' is not the name of an interface"),
        ({"vips": [{**VIP, "interface": "}"}]}, "instances[0].vips[0].interface: '}' is not the name"),
        ({"vips": [{**VIP, "address": "x"}]}, "instances[0].vips[0].address: 'x' is not an IP address"),
        ({"vips": []}, "instances[0].vips: there is none"),
        ({"address": "director-1"}, "instances[0].address: 'director-1' is not an IPv4 or IPv6 address"),
        ({"peers": ["10.0.1.2", "10.0.1.1"]}, "instances[0].peers[1]: 10.0.1.1 is this director's own address"),
        ({"peers": ["2001:db8::2"]}, "instances[0].peers[0]: 2001:db8::2 is of another family than the address 10.0.1.1"),
    ],
)
def test_what_cannot_work_is_refused(run: Run, keepalived: Keepalived, options: dict[str, Any], message: str) -> None:
    assert message in refusal(run, instances=[{**INSTANCE, **options}])
    assert not keepalived.tested


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({}, "instances[1].name: instances[0] has the name web already"),
        ({"name": "b"}, "instances[1].router_id: instances[0] has 51 already, on the same interface"),
        ({"name": "b", "router_id": 52}, "instances[1].vips[0].address: instances[0] has 10.1.1.1 already"),
    ],
)
def test_instances_that_do_not_go_together(run: Run, keepalived: Keepalived, other: dict[str, Any], message: str) -> None:
    assert message in refusal(run, instances=[INSTANCE, {**INSTANCE, **other}])
    assert "instances: there is none" in refusal(run, instances=[])


@pytest.mark.parametrize("include", ["{folder}/conf.d/*.conf", "conf.d/*.conf", "{folder}/conf.d/ipvs_director.conf", '"conf.d/*"'])
def test_a_configuration_of_somebody_elses_that_includes_ours(run: Run, keepalived: Keepalived, include: str) -> None:
    folder = Path(vrrp.MAIN).parent
    folder.mkdir()
    theirs = f"global_defs {{\n}}\ninclude {include.format(folder=folder)}\n"
    Path(vrrp.MAIN).write_text(theirs)
    keepalived.units.active.add(KEEPALIVED)
    found = steps(run)
    assert f"write {vrrp.MAIN}" not in found
    assert "reload keepalived.service" in found
    assert Path(vrrp.MAIN).read_text() == theirs
    # First alone, then with the rest, as a copy.
    assert keepalived.tested[0].startswith("# By lvs.director.ipvs_vrrp")
    assert keepalived.tested[1].startswith("global_defs")
    assert str(folder) not in keepalived.tested[1]
    found = steps(run, state="absent")
    assert found[:2] == [f"remove {vrrp.OURS}", "reload keepalived.service"]
    assert Path(vrrp.MAIN).read_text() == theirs
    assert KEEPALIVED in keepalived.units.active


def test_a_configuration_of_somebody_elses_is_left_alone(run: Run, keepalived: Keepalived) -> None:
    Path(vrrp.MAIN).parent.mkdir()
    Path(vrrp.MAIN).write_text("# include conf.d/*.conf\ninclude other.d/*.conf\n")
    assert f"does not include {vrrp.OURS}. Nothing was changed. Add the line 'include {vrrp.OURS}' to it" in refusal(run)
    assert not keepalived.units.told


def test_keepalived_is_asked_before_anything_is_put_in_place(run: Run, keepalived: Keepalived) -> None:
    keepalived.refused = "vrrp_instance"
    assert refusal(run) == "keepalived refuses the VRRP instances, and nothing was changed: (Line 2) refused"
    keepalived.refused = "global_defs"
    Path(vrrp.MAIN).parent.mkdir()
    Path(vrrp.MAIN).write_text(f"global_defs\ninclude {vrrp.OURS}\n")
    assert refusal(run).startswith(f"keepalived refuses the VRRP instances together with the rest of {Path(vrrp.MAIN).parent}, and nothing")
    assert not Path(vrrp.OURS).exists()
    assert not keepalived.units.told


def test_without_keepalived(run: Run, keepalived: Keepalived) -> None:
    keepalived.installed = False
    assert "start keepalived.service" in steps(run, check=True), "the packages come first"
    assert run("ipvs_vrrp", instances=[INSTANCE])["msg"] == "keepalived is not on this machine. Install the package keepalived"


def test_a_director_that_is_not_ready_does_not_start(run: Run, keepalived: Keepalived) -> None:
    keepalived.units.broken.add(KEEPALIVED)
    keepalived.machine.addresses["eth1"].append("10.1.1.1/32")
    assert "journalctl -b -u keepalived.service" in run("ipvs_vrrp", instances=[INSTANCE])["msg"]
    assert "255" not in ours(), "what stays is what the next boot reads"
    keepalived.units.broken.clear()
    assert steps(run) == ["start keepalived.service, which keeps the addresses of web"]


def test_a_director_that_has_the_addresses_keeps_them(run: Run, keepalived: Keepalived) -> None:
    """keepalived itself would remove them and wait for three intervals: 3.6 s without an address."""
    keepalived.machine.addresses["eth1"].append("10.1.1.1/32")
    predicted = steps(run, check=True)
    assert predicted[-2:] == ["enable keepalived.service", "start keepalived.service, which keeps the addresses of web"]
    assert keepalived.states == []
    assert steps(run) == predicted
    assert keepalived.listened == [["web"], ["web"]]
    assert keepalived.states == ["MASTER 255", "BACKUP nopreempt"]
    assert keepalived.machine.addresses["eth1"] == ["10.0.1.1/24", "10.1.1.1/32"]
    assert keepalived.machine.addresses["lo"] == ["127.0.0.1/8", MARKER]
    assert "255" not in ours()
    assert steps(run) == []
    assert len(keepalived.listened) == 2


def test_a_director_gives_its_addresses_up_where_another_one_is_master(run: Run, keepalived: Keepalived) -> None:
    keepalived.machine.addresses["eth1"].append("10.1.1.1/32")
    keepalived.masters = {51}
    assert steps(run)[-1] == "start keepalived.service"
    assert keepalived.states == ["BACKUP nopreempt"]
    assert keepalived.machine.addresses["eth1"] == ["10.0.1.1/24"]


def test_an_instance_that_comes_to_a_running_keepalived_keeps_its_addresses(run: Run, keepalived: Keepalived) -> None:
    steps(run)
    keepalived.machine.addresses["eth1"].append("10.1.1.5/32")
    second = {**INSTANCE, "name": "second", "router_id": 52, "vips": [{"address": "10.1.1.5/32", "interface": "eth1"}]}
    found = steps(run, instances=[INSTANCE, second])
    assert found == [f"write {vrrp.OURS}", "reload keepalived.service, which keeps the addresses of second"]
    assert keepalived.listened == [["second"]]


def test_an_address_that_keepalived_did_not_add_does_not_stay_on_a_standby(run: Run, keepalived: Keepalived) -> None:
    """keepalived leaves it, and two directors have it."""
    steps(run)
    keepalived.machine.addresses["eth1"].append("10.1.1.1/32")
    assert steps(run) == ["remove 10.1.1.1/32 from eth1, where keepalived is not master"]
    assert keepalived.machine.addresses["eth1"] == ["10.0.1.1/24"]


def test_from_an_address_of_ipvs_vip_to_vrrp_and_back(run: Run, keepalived: Keepalived) -> None:
    there = keepalived.machine.addresses
    run("ipvs_vip", vips=[VIP])
    steps(run)
    assert run("ipvs_vip", vips=[VIP], vrrp=True)["steps"] == [f"remove {vip.SAVED}"]
    assert "10.1.1.1/32" in there["eth1"]
    assert run("ipvs_vip", vips=[VIP], vrrp=True)["steps"] == steps(run) == []
    # And back: saved as added by us, and put back when keepalived removes it.
    assert run("ipvs_vip", vips=[VIP])["steps"] == [f"write {vip.SAVED}"]
    predicted = steps(run, check=True, state="absent")
    assert predicted[0] == "stop and disable keepalived.service"
    assert steps(run, state="absent") == predicted
    assert "10.1.1.1/32 eth1" in keepalived.removed
    assert there["eth1"] == ["10.0.1.1/24", "10.1.1.1/32"]
    assert there["lo"] == ["127.0.0.1/8"]
    assert not Path(vrrp.MAIN).exists()
    assert not Path(vrrp.OURS).exists()
    assert KEEPALIVED not in keepalived.units.active | keepalived.units.enabled
    assert not keepalived.units.files()
    assert steps(run, state="absent") == []
    run("ipvs_vip", state="absent")
    assert there["eth1"] == ["10.0.1.1/24"]


def test_the_addresses_go_with_the_instances(run: Run, keepalived: Keepalived) -> None:
    steps(run)
    keepalived.elected()
    steps(run, state="absent")
    assert keepalived.machine.addresses == {"lo": ["127.0.0.1/8"], "eth0": ["10.0.0.1/24"], "eth1": ["10.0.1.1/24"]}


def test_a_removal_that_ended_early_is_taken_up_again(run: Run, keepalived: Keepalived, units: Systemd) -> None:
    steps(run)
    Path(vrrp.OURS).unlink()
    assert steps(run, state="absent")[0] == "stop and disable keepalived.service"
    assert not units.files()


@pytest.mark.parametrize(
    ("packet", "family", "router_id"),
    [
        (bytes([0x45] + 19 * [0] + [0x31, 51, 100]), 4, 51),
        (bytes([0x46] + 23 * [0] + [0x31, 51, 100]), 4, 51),
        (bytes([0x31, 7, 90]), 6, 7),
        # A master that stops, something else, and less than that.
        (bytes([0x31, 7, 0]), 6, None),
        (bytes([0x32, 7, 90]), 6, None),
        (bytes([0x31, 7]), 6, None),
        (b"", 4, None),
    ],
)
def test_an_advertisement(packet: bytes, family: int, router_id: int | None) -> None:
    assert vrrp_advertisements.parse(packet, family) == router_id


def test_who_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    (web,) = vrrp_configuration.instances_of([{**INSTANCE, "advertisement_interval": 1.0, "preempt": False}])
    heard = [("10.0.1.3", 51), ("10.0.1.2", 52), ("10.0.1.2", 51), ("never", 0)]
    used: list[tuple[str, int]] = []

    def advertisements(families: set[int], deadline: float) -> Any:
        assert families == {4}
        for each in heard:
            used.append(each)
            yield each

    monkeypatch.setattr(vrrp_advertisements, "_advertisements", advertisements)
    assert vrrp_advertisements.with_master([web]) == {web}
    assert used == heard[:3]
    heard = heard[:2]
    assert vrrp_advertisements.with_master([web]) == set()

    def refused(families: set[int], deadline: float) -> Any:
        raise PermissionError

    monkeypatch.setattr(vrrp_advertisements, "_advertisements", refused)
    assert vrrp_advertisements.with_master([web]) == {web}, "not known, so none is taken"
