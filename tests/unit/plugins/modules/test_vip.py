# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_vip, and its code in the program at boot, on a machine in memory."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import addresses, files, vip, vrrp_configuration
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsInputError, IpvsUnavailableError

from ...addresses import Machine, machine
from .conftest import Run

__all__ = ["machine"]

VIP = {"address": "10.1.1.1/32", "interface": "eth1"}
OTHER = {"address": "2001:db8::1/128", "interface": "eth1"}


def steps(run: Run, *vips: dict[str, str], check: bool = False) -> list[str]:
    result = run("ipvs_vip", vips=list(vips), check=check)
    assert not result.get("failed"), result["msg"]
    found: list[str] = result["steps"]
    assert result["changed"] == bool(found)
    assert result["diff"]["prepared"] == "".join(f"{step}\n" for step in found)
    return found


def refusal(run: Run, *vips: dict[str, Any], check: bool = False) -> str:
    result = run("ipvs_vip", vips=list(vips), check=check)
    assert result["failed"], result
    return str(result["msg"])


def record() -> dict[str, bool]:
    return {one["address"]: one["added"] for one in json.loads(Path(vip.SAVED).read_text())["vips"]}


def save_as_version_0_1_0(*vips: dict[str, str]) -> None:
    Path(vip.SAVED).parent.mkdir(exist_ok=True)
    Path(vip.SAVED).write_text(json.dumps({"vips": vips}))


def test_an_address_is_added_and_saved(run: Run, machine: Machine) -> None:
    predicted = steps(run, VIP, check=True)
    assert predicted == [f"write {vip.SAVED}", "add 10.1.1.1/32 to eth1"]
    assert not Path(vip.SAVED).exists()
    assert machine.addresses["eth1"] == ["10.0.1.1/24"]
    assert steps(run, VIP) == predicted
    assert machine.addresses["eth1"] == ["10.0.1.1/24", "10.1.1.1/32"]
    assert vip.saved() == [VIP]
    assert Path(vip.SAVED).stat().st_mode & 0o777 == 0o600
    assert Path(vip.SAVED).parent.stat().st_mode & 0o777 == 0o700
    assert steps(run, VIP) == steps(run, VIP, check=True) == []


def test_an_address_without_a_prefix_is_a_single_one(run: Run, machine: Machine) -> None:
    steps(run, {"address": "10.1.1.1", "interface": "eth1"}, {"address": "2001:DB8::1", "interface": "eth1"})
    assert vip.saved() == [VIP, OTHER]
    assert steps(run, VIP, OTHER) == []


def test_an_address_that_is_no_longer_listed_is_removed(run: Run, machine: Machine) -> None:
    steps(run, VIP, OTHER)
    predicted = steps(run, OTHER, check=True)
    assert predicted == [f"write {vip.SAVED}", "remove 10.1.1.1/32 from eth1"]
    assert steps(run, OTHER) == predicted
    assert machine.addresses["eth1"] == ["10.0.1.1/24", "2001:db8::1/128"]
    assert steps(run) == [f"remove {vip.SAVED}", "remove 2001:db8::1/128 from eth1"]
    assert machine.addresses["eth1"] == ["10.0.1.1/24"]
    assert not Path(vip.SAVED).parent.exists()


def test_an_address_that_was_configured_before_stays(run: Run, machine: Machine) -> None:
    machine.addresses["eth1"].append("10.1.1.1/32")
    assert steps(run, VIP, OTHER) == [f"write {vip.SAVED}", "add 2001:db8::1/128 to eth1"]
    assert record() == {"10.1.1.1/32": False, "2001:db8::1/128": True}
    steps(run, VIP)
    assert vip.remove([VIP]) == []
    run("ipvs_vip", state="absent")
    assert machine.addresses["eth1"] == ["10.0.1.1/24", "10.1.1.1/32"]


@pytest.mark.parametrize(
    ("flags", "configuration", "stays"), [([], "", False), (["dynamic"], "", True), ([], "address 10.1.1.1/32\n", True)]
)
def test_addresses_saved_by_0_1_0_are_removed_unless_configured_elsewhere(
    run: Run, machine: Machine, flags: list[str], configuration: str, stays: bool
) -> None:
    """That version did not record whether it added an address."""
    Path(vip.CONFIGURED[0]).write_text(f"# not 10.1.1.10 or 110.1.1.1\n{configuration}")
    save_as_version_0_1_0(VIP, OTHER)
    machine.addresses["eth1"] += ["10.1.1.1/32", "2001:db8::1/128"]
    machine.flags["10.1.1.1/32"] = flags
    assert steps(run, VIP, OTHER) == [f"write {vip.SAVED}"]
    assert record() == {"10.1.1.1/32": not stays, "2001:db8::1/128": True}
    save_as_version_0_1_0(VIP, OTHER)
    steps(run, OTHER)
    assert ("10.1.1.1/32" in machine.addresses["eth1"]) == stays


def test_an_address_moves_to_another_interface_or_prefix(run: Run, machine: Machine) -> None:
    steps(run, VIP)
    steps(run, {**VIP, "interface": "eth0"})
    assert (machine.addresses["eth0"], machine.addresses["eth1"]) == (["10.0.0.1/24", "10.1.1.1/32"], ["10.0.1.1/24"])
    steps(run, {"address": "10.1.1.1/24", "interface": "eth0"})
    assert machine.addresses["eth0"] == ["10.0.0.1/24", "10.1.1.1/24"]


def test_with_nothing_to_do_nothing_runs(run: Run, machine: Machine) -> None:
    assert steps(run) == []
    assert run("ipvs_vip", state="absent")["changed"] is False
    assert machine.programs == []


def test_addresses_are_added_to_networkds_configuration(run: Run, machine: Machine) -> None:
    machine.networkd = {"eth0": "/etc/systemd/network/10-eth0.network", "eth1": "/run/systemd/network/10-netplan-eth1.network"}
    networks = Path(vip.NETWORKS)
    drop_in = networks / "10-netplan-eth1.network.d" / "ipvs_director.conf"
    assert f"write {drop_in}" in steps(run, VIP, check=True)
    assert not drop_in.exists()
    steps(run, VIP)
    assert drop_in.read_text().endswith("\n[Network]\nAddress=10.1.1.1/32\n")
    assert (drop_in.stat().st_mode & 0o777, drop_in.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    assert steps(run, VIP) == []
    # The file that it is configured from has another name now.
    machine.networkd["eth1"] = "/etc/systemd/network/20-lan.network"
    assert len(steps(run, VIP)) == 2
    assert not drop_in.parent.exists()
    assert (networks / "20-lan.network.d" / "ipvs_director.conf").exists()
    assert len(steps(run)) == 3
    assert not list(networks.iterdir())


def test_a_file_of_networkd_that_several_interfaces_share_is_refused(run: Run, machine: Machine) -> None:
    machine.networkd = dict.fromkeys(("eth0", "eth1"), "/etc/systemd/network/80-all.network")
    message = refusal(run, VIP, check=True)
    assert "configures eth1 and eth0 from the same /etc/systemd/network/80-all.network" in message
    assert "Give eth1 a file of its own" in message
    assert refusal(run, VIP) == message
    assert len(machine.addresses["eth1"]) == 1
    assert not Path(vip.SAVED).exists()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("vips", "reason"),
    [
        ([{"address": "10.1.1.1/33", "interface": "eth1"}], "vips[0].address: '10.1.1.1/33' is not an IP address"),
        ([VIP, {"address": 5, "interface": "eth1"}], "vips[1].address: '5' is not an IP address"),
        ([{"address": "www.example.org", "interface": "eth1"}], "vips[0].address: 'www.example.org' is not an IP address"),
        ([{"address": "224.0.0.1", "interface": "eth1"}], "vips[0].address: '224.0.0.1' is not an address that an interface can have"),
        ([{"address": "fe80::1%eth1", "interface": "eth1"}], "'fe80::1%eth1' is not an address that an interface can have"),
        (
            [VIP, {**OTHER, "interface": "eth9"}],
            "vips[1]: Cannot add 2001:db8::1/128 to eth9: no such interface. There are: eth0, eth1, lo",
        ),
        ([{"address": "10.0.0.1/32", "interface": "eth1"}], "eth0 already has 10.0.0.1/24. Remove one of the two"),
        ([VIP, {**VIP, "interface": "eth0"}], "vips[1].address: 10.1.1.1/32 on eth0: the same address is listed as 10.1.1.1/32 on eth1"),
        (
            [OTHER, {**OTHER, "address": "2001:DB8::1/64"}],
            "vips[1].address: 2001:db8::1/64 on eth1: the same address is listed as 2001:db8::1/128",
        ),
        ([{"address": "10.1.1.1/32"}], "missing required arguments: interface found in vips"),
    ],
)
def test_impossible_values_are_refused_before_any_change(
    run: Run, machine: Machine, check: bool, vips: list[Any], reason: str
) -> None:
    steps(run, {"address": "10.9.9.9", "interface": "eth0"})
    before, text = json.dumps(machine.addresses), Path(vip.SAVED).read_text()
    assert reason in refusal(run, *vips, check=check)
    assert (json.dumps(machine.addresses), Path(vip.SAVED).read_text()) == (before, text)


def test_duplicate_entries_count_once(run: Run, machine: Machine) -> None:
    assert len(steps(run, VIP, {**VIP, "address": "10.1.1.1"})) == 2
    assert vip.saved() == [VIP]


def test_an_address_that_another_machine_has_is_an_error(run: Run, machine: Machine) -> None:
    machine.addresses["eth1"].append("2001:db8::1/128")
    machine.flags["2001:db8::1/128"] = ["dadfailed", "tentative"]
    for check in (True, False):
        message = refusal(run, VIP, OTHER, check=check)
        assert message.startswith("vips[1]: 2001:db8::1/128 on eth1 does not work: duplicate address detection found another machine")
        assert "ip address delete 2001:db8::1/128 dev eth1" in message
    assert machine.addresses["eth1"] == ["10.0.1.1/24", "2001:db8::1/128"]
    with pytest.raises(IpvsInputError, match="duplicate address detection"):
        vip.add([OTHER])


def test_a_duplicate_address_is_removed_again(run: Run, machine: Machine) -> None:
    machine.taken.add("2001:db8::1/128")
    message = refusal(run, VIP, OTHER)
    assert "duplicate address detection found another machine" in message
    assert message.endswith("Everything is as it was before")
    assert machine.addresses["eth1"] == ["10.0.1.1/24"]
    assert not Path(vip.SAVED).exists()


def test_duplicate_address_detection_is_awaited(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.flags["2001:db8::1/128"] = ["tentative"]
    monkeypatch.setattr(addresses.time, "sleep", lambda _seconds: machine.flags.update({"2001:db8::1/128": ["tentative", "dadfailed"]}))
    assert "duplicate address detection" in refusal(run, OTHER)


def test_detection_on_a_link_that_is_down_times_out(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.flags["2001:db8::1/128"] = ["tentative"]
    monkeypatch.setattr(addresses, "_DETECTION", 0.0)
    monkeypatch.setattr(addresses, "_PAUSE", 0.0)
    assert len(steps(run, OTHER)) == 2


@pytest.mark.parametrize(
    ("flag", "works"), [("temporary", False), ("deprecated", True), ("dynamic", True), ("tentative", True), ("mngtmpaddr", True)]
)
def test_which_flags_an_address_may_have(run: Run, machine: Machine, flag: str, works: bool) -> None:
    machine.addresses["eth1"].append("2001:db8::1/128")
    machine.flags["2001:db8::1/128"] = [flag]
    result = run("ipvs_vip", vips=[OTHER])
    assert bool(result.get("failed")) != works
    assert works or "is a temporary address" in result["msg"]


def test_a_failed_step_leaves_everything_unchanged(run: Run, machine: Machine) -> None:
    steps(run, VIP)
    before, text = json.dumps(machine.addresses), Path(vip.SAVED).read_text()
    machine.refused.add("10.1.1.3/32")
    message = refusal(run, *({"address": f"10.1.1.{number}", "interface": "eth1"} for number in (2, 3, 4)))
    assert message == "ip address add 10.1.1.3/32 dev eth1: RTNETLINK answers: Refused. Everything is as it was before"
    assert (json.dumps(machine.addresses), Path(vip.SAVED).read_text()) == (before, text)


def test_a_failed_undo_of_addresses_is_reported(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(run, VIP)
    text = Path(vip.SAVED).read_text()
    plain = addresses.change

    def change(delete: Any, add: Any) -> None:
        plain(delete, [])
        machine.refused.add("10.1.1.1/32")
        plain([], add)

    machine.refused.add("10.1.1.2/32")
    monkeypatch.setattr(addresses, "change", change)
    message = refusal(run, {"address": "10.1.1.2", "interface": "eth1"})
    assert message.startswith(
        "ip address add 10.1.1.2/32 dev eth1: RTNETLINK answers: Refused. The earlier changes could not be undone: "
    )
    assert "ip address add 10.1.1.1/32 dev eth1: RTNETLINK" in message
    assert Path(vip.SAVED).read_text() != text


def test_a_secondary_address_lost_with_its_primary_is_restored(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(run, {"address": "10.1.1.1/24", "interface": "eth1"})
    machine.addresses["eth1"].append("10.1.1.99/24")
    plain = addresses.change

    def change(delete: Any, add: Any) -> None:
        plain(delete, add)
        if delete:
            machine.addresses["eth1"].remove("10.1.1.99/24")

    monkeypatch.setattr(addresses, "change", change)
    steps(run)
    assert machine.addresses["eth1"] == ["10.0.1.1/24", "10.1.1.99/24"]


def test_thousands_of_addresses_are_one_command(run: Run, machine: Machine) -> None:
    first = int(ipaddress.ip_address("10.64.0.0"))
    vips = [{"address": str(ipaddress.ip_address(first + number)), "interface": "eth1"} for number in range(1, 4001)]
    assert len(steps(run, *vips)) == 4001
    assert machine.programs == ["ip -json address show", "ip -batch -", "ip -json address show", "ip -json address show"]
    machine.programs.clear()
    assert steps(run, *vips) == []
    assert machine.programs == ["ip -json address show"]
    assert len(steps(run)) == 4001
    assert vip.add_each(vips) == [None] * 4000


def test_at_boot_addresses_are_added_independently(machine: Machine) -> None:
    machine.refused.add("10.1.1.1/32")
    vips = [VIP, OTHER, {"address": "10.1.1.2", "interface": "eth9"}]
    refused, added, later = vip.add_each(vips)
    assert refused == "ip address add 10.1.1.1/32 dev eth1: RTNETLINK answers: Refused"
    assert added is None
    assert later is not None
    assert "no such interface" in later
    machine.addresses["eth9"] = []
    assert vip.add_each(vips[1:]) == [None, None]


def test_present_addresses_are_removed(run: Run, machine: Machine) -> None:
    steps(run, VIP)
    assert vip.remove([VIP, {"address": "10.1.1.2", "interface": "eth1"}]) == ["remove 10.1.1.1/32 from eth1"]
    assert machine.addresses["eth1"] == ["10.0.1.1/24"]
    assert vip.add([VIP]) == ["add 10.1.1.1/32 to eth1"]


@pytest.mark.parametrize(
    "text", ['{"vips": [{"address": 7, "interface": "eth1"}]}', '{"vips": {}', "[]", '{"vips": [7]}', '{"vips": 7}', "{}", "\x80"]
)
def test_a_damaged_file_is_named(run: Run, machine: Machine, text: str) -> None:
    Path(vip.SAVED).parent.mkdir()
    Path(vip.SAVED).write_text(text)
    with pytest.raises(IpvsUnavailableError, match=f"Cannot read {vip.SAVED}"):
        vip.saved()
    assert "Remove it" in refusal(run, VIP, check=True)


def test_absent_leaves_nothing(run: Run, machine: Machine) -> None:
    machine.networkd = {"eth1": "/etc/systemd/network/20-lan.network"}
    steps(run, VIP)
    drop_in = Path(vip.NETWORKS) / "20-lan.network.d" / "ipvs_director.conf"
    expected = [f"remove {vip.SAVED}", f"remove {drop_in}", "remove 10.1.1.1/32 from eth1"]
    assert run("ipvs_vip", state="absent", check=True)["steps"] == expected
    assert machine.addresses["eth1"] == ["10.0.1.1/24", "10.1.1.1/32"]
    assert run("ipvs_vip", state="absent")["steps"] == expected
    assert machine.addresses["eth1"] == ["10.0.1.1/24"]
    assert not Path(vip.SAVED).parent.exists()
    assert not drop_in.parent.exists()
    assert run("ipvs_vip", state="absent")["changed"] is False


def test_without_privileges_the_error_has_a_hint(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = machine.run
    monkeypatch.setattr(
        addresses,
        "run",
        lambda *words, stdin="": plain(*words, stdin=stdin)._replace(
            code=2, errors="RTNETLINK answers: Operation not permitted\nCommand failed -:1\n"
        ),
    )
    with pytest.raises(IpvsError, match="become: true"):
        vip.add([VIP])


def test_a_file_that_cannot_be_written_is_named(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: str, *_rest: object) -> None:
        raise IpvsUnavailableError(f"Cannot write {path}: Read-only file system")

    monkeypatch.setattr(files, "write", write)
    assert refusal(run, VIP) == f"Cannot write {vip.SAVED}: Read-only file system. Everything is as it was before"
    assert machine.addresses["eth1"] == ["10.0.1.1/24"]


def test_what_keepalived_has_is_neither_added_nor_saved(run: Run, machine: Machine) -> None:
    assert run("ipvs_vip", vips=[VIP], vrrp=True)["steps"] == []
    machine.networkd = {"eth1": "/etc/systemd/network/eth1.network"}
    steps(run, VIP, OTHER)
    (drop_in,) = Path(vip.NETWORKS).glob("*.d/*")
    predicted = run("ipvs_vip", vips=[VIP], vrrp=True, check=True)["steps"]
    assert predicted == [f"remove {vip.SAVED}", f"remove {drop_in}", "remove 2001:db8::1/128 from eth1"]
    assert run("ipvs_vip", vips=[VIP], vrrp=True)["steps"] == predicted
    assert machine.addresses["eth1"] == ["10.0.1.1/24", "10.1.1.1/32"], "keepalived goes on with it"
    assert run("ipvs_vip", vips=[VIP], vrrp=True)["steps"] == []


def test_what_keepalived_has_added_for_us_is_ours(run: Run, machine: Machine) -> None:
    """It is there when VRRP is taken away, and would otherwise count as somebody else's."""
    Path(vrrp_configuration.OURS).parent.mkdir()
    Path(vrrp_configuration.OURS).write_text("        10.1.1.1/32 dev eth1\n")
    machine.addresses["eth1"] += ["10.1.1.1/32", "10.1.1.2/32"]
    steps(run, VIP, {**VIP, "address": "10.1.1.2/32"})
    assert record() == {"10.1.1.1/32": True, "10.1.1.2/32": False}
