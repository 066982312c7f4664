# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_realserver, and the program at boot, on a machine in memory."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import (
    program,
    realserver,
    realserver_apply,
    realserver_boot,
    realserver_record,
)
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsRejectedError
from ansible_collections.lvs.director.plugins.module_utils._program import main

from ...realserver import Machine, machine
from ...systemd import Systemd, units
from .conftest import Run

__all__ = ["machine", "units"]

VIPS = ["198.51.100.3", "2001:DB8::3"]
GRE = {"tunnel_type": "gre", "address": "192.0.2.11"}
GUE = {"tunnel_type": "gue", "address": "192.0.2.11", "tunnel_port": 6080}
ALL = [{"tunnel_type": "ipip", "address": "192.0.2.11"}, GUE, GRE]

pytestmark = pytest.mark.usefixtures("machine", "units")


def steps(run: Run, *tunnels: dict[str, Any], check: bool = False, **options: Any) -> list[str]:
    result = run("ipvs_realserver", **{"vips": VIPS, "tunnels": list(tunnels), **options}, check=check)
    assert not result.get("failed"), result["msg"]
    found: list[str] = result["steps"]
    assert result["changed"] == bool(found)
    assert result["diff"]["prepared"] == "".join(f"{step}\n" for step in found)
    return found


def refusal(run: Run, *tunnels: dict[str, Any], check: bool = False, **options: Any) -> str:
    result = run("ipvs_realserver", **{"vips": VIPS, "tunnels": list(tunnels), **options}, check=check)
    assert result["failed"], result
    return str(result["msg"])


def everything(machine: Machine, units: Systemd) -> Any:
    paths = (Path(realserver_record.PATH), Path(program.COMMAND))
    builds = sorted(Path(program.LIBRARY).glob("*/*"))
    return machine.state(), units.files(), [path.exists() and path.read_text() for path in paths], builds


@pytest.mark.parametrize("interface", ["ipvs-vip", "lo"])
@pytest.mark.parametrize("mtu", [None, 1400])
def test_a_real_server_is_made_once_and_removed_without_a_trace(
    run: Run, machine: Machine, units: Systemd, interface: str, mtu: int | None
) -> None:
    bare = everything(machine, units)
    tunnels = [{**tunnel, "mtu": mtu} for tunnel in ALL]
    predicted = steps(run, *tunnels, interface=interface, check=True)
    assert everything(machine, units) == bare
    assert not units.told
    assert not machine.changes
    assert steps(run, *tunnels, interface=interface) == predicted
    assert predicted[-1] == "start ipvs_realserver.service"
    whole = everything(machine, units)
    assert steps(run, *tunnels, interface=interface) == steps(run, *tunnels, interface=interface, check=True) == []
    predicted = steps(run, state="absent", vips=None, check=True)
    assert everything(machine, units) == whole
    assert steps(run, state="absent", vips=None) == predicted
    assert everything(machine, units) == bare
    assert steps(run, state="absent", vips=None) == []
    assert units.told[-1] == "reset-failed ipvs_realserver.service"


def test_without_addresses_everything_is_removed(run: Run, machine: Machine, units: Systemd) -> None:
    bare = everything(machine, units)
    assert steps(run, *ALL, vips=[]) == []
    assert steps(run, *ALL) != []
    assert steps(run, *ALL, vips=[]) != []
    assert everything(machine, units) == bare


def test_unlisted_entries_are_removed(run: Run, machine: Machine) -> None:
    steps(run, GRE, {**GRE, "address": "2001:db8::11"})
    assert {link["linkinfo"]["info_kind"] for name, link in machine.links.items() if name.startswith("ipvs-")} == {"dummy", "gre", "ip6gre"}
    changes = steps(run, GUE, vips=VIPS[:1])
    assert [change for change in changes if change.startswith(("add", "remove", "receive"))] == [
        "add interface ipvs-ipip, ipip at 192.0.2.11",
        "receive GUE at UDP port 6080 (IPv4)",
        "add 198.51.100.3/32 to ipvs-ipip",
        "remove 2001:db8::3/128 from ipvs-vip",
        "remove interface ipvs-gre",
        "remove interface ipvs-ip6gre",
    ]


def test_a_misspelt_list_of_addresses_is_not_empty(run: Run) -> None:
    assert "vips: is null" in refusal(run, vips=None)
    result = run("ipvs_realserver")
    assert result["msg"] == "state is present but all of the following are missing: vips"


# -- values as people write them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flags", "csum"), [("nocsum", False), ("csum", True), (["csum"], True), (["nocsum"], False), ([], False)])
def test_a_single_flag_is_a_list(run: Run, machine: Machine, flags: Any, csum: bool) -> None:
    steps(run, {**GRE, "tunnel_flags": flags})
    assert machine.links["ipvs-gre"]["linkinfo"]["info_data"].get("icsum", False) is csum


def test_numbers_may_be_strings(run: Run, machine: Machine) -> None:
    steps(run, {**GUE, "tunnel_port": "6080", "mtu": "1400"})
    assert machine.ports == {(4, "6080")}
    assert machine.links["ipvs-ipip"]["mtu"] == 1400


def test_a_single_address_is_a_list(run: Run, machine: Machine) -> None:
    steps(run, vips="198.51.100.3")
    assert ("ipvs-vip", "198.51.100.3/32") in machine.addresses


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vips": [5]}, "vips[0]: '5' is not an IP"),
        ({"vips": [None]}, "vips"),
        ({"tunnels": [{**GRE, "address": 5}]}, "tunnels[0].address: '5' is not an IP"),
        ({"tunnels": [{**GRE, "tunnel_flags": "sum"}]}, "value of tunnel_flags must be one or more of: nocsum, csum, remcsum"),
        ({"tunnels": [{**GUE, "tunnel_port": "gue"}]}, "tunnel_port"),
        ({"tunnels": [{**GRE, "mtu": "long"}]}, "mtu"),
        ({"tunnels": [{**GRE, "mut": 1400}]}, "mut"),
        ({"tunnels": "ipip"}, "dictionary requested"),
        ({"state": "gone"}, "value of state must be one of: present, absent"),
    ],
)
def test_values_of_a_wrong_type_are_refused(run: Run, machine: Machine, options: dict[str, Any], words: str) -> None:
    assert words in refusal(run, **options)
    assert not machine.changes


@pytest.mark.parametrize("mtu", [None, 0])
def test_without_an_mtu_nftables_is_not_used(run: Run, machine: Machine, units: Systemd, mtu: int | None) -> None:
    machine.has_nft = False
    steps(run, {**GRE, "mtu": mtu})
    assert not machine.table
    assert [str(path.name) for path in units.directory.iterdir()] == ["ipvs_realserver.service"]


# -- boot ------------------------------------------------------------------------------------------------------------------


def test_the_drop_in_of_nftables_needs_an_mtu(run: Run, machine: Machine, units: Systemd) -> None:
    steps(run, {**GRE, "mtu": 1400})
    assert "ExecStartPost=-" in (units.directory / "nftables.service.d" / "ipvs_realserver.conf").read_text()
    assert steps(run, GRE) == [
        "delete table inet ipvs_realserver",
        f"remove {units.directory}/nftables.service.d/ipvs_realserver.conf",
        "have systemd forget them",
    ]
    assert not (units.directory / "nftables.service.d").exists()


def test_everything_made_is_restored(run: Run, machine: Machine, units: Systemd) -> None:
    bare = machine.state()
    steps(run, *ALL)
    whole = machine.state()
    # As after a reboot.
    for name in [name for name in machine.links if name.startswith("ipvs-")]:
        machine.must_run("ip", "-batch", "-", stdin=f"link del dev {name}\n")
    machine.ports.clear()
    (machine.settings / "all" / "arp_ignore").write_text("0")
    (machine.settings / "all" / "arp_announce").write_text("0")
    assert machine.state() == bare
    assert realserver.restore() == []
    assert machine.state() == whole
    assert steps(run, *ALL) == []


def test_without_a_record_nothing_is_restored(machine: Machine) -> None:
    assert realserver.restore() == []
    assert not machine.changes


def test_a_failure_at_boot_does_not_stop_the_rest(run: Run, machine: Machine) -> None:
    steps(run, *ALL)
    for name in [name for name in machine.links if name.startswith("ipvs-")]:
        machine.must_run("ip", "-batch", "-", stdin=f"link del dev {name}\n")
    machine.refused = {"link add name ipvs-gre type gre local 192.0.2.11 noicsum"}
    # The address on it has nowhere to go.
    assert [problem.partition(":")[2].partition(":")[0] for problem in realserver.restore()] == [
        " add interface ipvs-gre, gre at 192.0.2.11",
        " net/ipv4/conf/ipvs-gre/rp_filter -> 2",
        " add 198.51.100.3/32 to ipvs-gre",
    ]
    assert {name for name in machine.links if name.startswith("ipvs-")} == {"ipvs-vip", "ipvs-ipip", "ipvs-sit"}
    assert {("ipvs-vip", "198.51.100.3/32"), ("ipvs-vip", "2001:db8::3/128"), ("ipvs-ipip", "198.51.100.3/32")} <= set(machine.addresses)


def test_without_arp_settings_nothing_is_restored(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(run, *ALL)
    machine.must_run("ip", "-batch", "-", stdin="link del dev ipvs-vip\n")
    (machine.settings / "all" / "arp_ignore").write_text("0")
    monkeypatch.setattr(realserver_apply, "_set", Mock(side_effect=IpvsRejectedError("refused")))
    with pytest.raises(IpvsError, match="refused"):
        realserver.restore()
    assert "ipvs-vip" not in machine.links


def test_the_program_is_the_same_whichever_module_installs_it() -> None:
    """The program is built from the files that are sent with each module."""
    assert brought_along("ipvs_realserver") == brought_along("ipvs_boot")


def brought_along(module: str) -> set[str]:
    """Return the sources of packages that Ansible sends with a module."""
    collection = "ansible_collections.lvs.director.plugins"
    names, found = [f"{collection}.modules.{module}"], set()
    while names:
        name = names.pop()
        with contextlib.suppress(ModuleNotFoundError):  # a name in a module
            spec = importlib.util.find_spec(name)
            if name in found or not spec or not spec.origin:
                continue
            found.add(name)
            for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
                if isinstance(node, ast.Import):
                    names += [alias.name for alias in node.names if alias.name.startswith(collection)]
                elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(collection):
                    names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return {name for name in found if f"{collection}.module_utils._" in name}


def test_the_program_of_0_1_0_is_removed(run: Run, machine: Machine, units: Systemd) -> None:
    former = Path(realserver_boot.FORMER_PROGRAM)
    former.parent.mkdir(parents=True)
    former.write_text("0.1.0")
    old = units.directory / "ipvs_realserver.service"
    old.write_text(f"ExecStart=/usr/bin/python3 {former} --again /var/lib/ipvs_realserver/record.json\n")
    units.active.add(old.name)
    changes = steps(run)
    assert changes.index(f"write {old}") < changes.index(f"remove {former}")
    assert f"start {old.name}" not in changes
    assert f"ExecStart={program.COMMAND} restore realserver\n" in old.read_text()
    assert not former.parent.exists()
    former.parent.mkdir(parents=True)
    former.write_text("0.1.0")
    steps(run, state="absent", vips=None)
    assert not former.parent.exists()


def test_a_director_keeps_the_program(run: Run, machine: Machine, units: Systemd) -> None:
    steps(run)
    director = units.directory / "ipvs-director.service"
    director.write_text(f"ExecStart={program.COMMAND} restore table\n")
    steps(run, state="absent", vips=None)
    assert Path(program.COMMAND).exists()
    assert list(Path(program.LIBRARY).iterdir())
    director.write_text(f"ExecStart={program.FORMER_COMMAND} restore-table\n")
    steps(run)
    steps(run, state="absent", vips=None)
    assert not Path(program.COMMAND).exists()
    assert not Path(program.LIBRARY).exists()


def test_the_program_restores(run: Run, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    steps(run, *ALL)
    assert main.main(["restore", "realserver"]) == 0
    machine.must_run("ip", "-batch", "-", stdin="link del dev ipvs-gre\n")
    machine.refused = {"link add name ipvs-gre type gre local 192.0.2.11 noicsum"}
    assert main.main(["restore", "realserver"]) == 4
    assert "Not restored: add interface ipvs-gre, gre at 192.0.2.11: " in "".join(capsys.readouterr())
    Path(realserver_record.PATH).write_text("{")
    assert main.main(["restore", "realserver"]) == 1
    assert "record.json is damaged" in capsys.readouterr().err


# -- obstacles -------------------------------------------------------------------------------------------------------------


def test_a_failure_halfway_is_undone(run: Run, machine: Machine, units: Systemd) -> None:
    bare = everything(machine, units)
    machine.refused = {"fou add port 6080 gue"}
    message = refusal(run, *ALL)
    assert message == "ip fou add port 6080 gue: RTNETLINK answers: Refused. The earlier changes were undone"
    assert everything(machine, units) == bare


@pytest.mark.parametrize(
    ("link", "address", "words"),
    [
        ("ipvs-vip", None, "Interface ipvs-vip exists, and this collection did not make it"),
        ("mine", None, "Cannot add a tunnel gre at 192.0.2.11: interface mine is one"),
        (None, ("lo", "198.51.100.3/24"), "Interface lo has 198.51.100.3/24, and this collection did not add it"),
    ],
)
def test_foreign_interfaces_and_addresses_are_left_alone(
    run: Run, machine: Machine, units: Systemd, link: str | None, address: tuple[str, str] | None, words: str
) -> None:
    if link:
        data = {"info_kind": "gre", "info_data": {"local": "192.0.2.11"}}
        machine.add(link, {"mtu": 1476, "flags": [], "linkinfo": data})
    if address:
        machine.addresses.append(address)
    before = everything(machine, units)
    for check in (True, False):
        assert words in refusal(run, GRE, check=check)
    assert everything(machine, units) == before


def test_a_damaged_record_is_named_and_nothing_changes(run: Run, machine: Machine) -> None:
    Path(realserver_record.PATH).parent.mkdir()
    Path(realserver_record.PATH).write_text("{")
    for options in ({}, {"state": "absent"}):
        for check in (True, False):
            assert "record.json is damaged" in refusal(run, check=check, **options)
    assert not machine.changes


def test_only_root_can(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "Run the task as root (become: true)" in refusal(run)


def test_unusual_foreign_interfaces_are_ignored(run: Run, machine: Machine) -> None:
    machine.add("odd", {"mtu": 1500, "flags": [], "linkinfo": {"info_kind": "odd", "info_data": {"local": "me"}}})
    machine.add("bare", {"mtu": 1500, "flags": []})
    assert steps(run, *ALL) != []


def test_a_change_by_another_program_is_noticed(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_change", lambda link, words: None)
    assert "After all steps were carried out, these are still to do: set ipvs-vip up" in refusal(run)


def test_the_number_of_commands_does_not_grow_with_the_addresses(run: Run, machine: Machine) -> None:
    steps(run, vips=[f"10.{number // 250}.{number % 250}.1" for number in range(2000)])
    assert len(machine.addresses) == 2001
    assert machine.changes <= 3


def test_the_record_has_the_request(run: Run) -> None:
    steps(run, {**GRE, "tunnel_flags": "csum"})
    content = json.loads(Path(realserver_record.PATH).read_text())
    assert content["wanted"]["tunnels"] == [{**GRE, "tunnel_port": None, "tunnel_flags": ["csum"], "mtu": None}]
