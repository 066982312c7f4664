# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest

from lab import machine, qemu
from lab.errors import LabError, MachineDied
from lab.images import Image
from lab.spec import MachineSpec

IMAGE = Image("debian12", Path("/cache/a,b/images/k"))


def test_a_machine_has_defaults_and_ignores_inventory_keys() -> None:
    assert MachineSpec.parse({"name": "client", "groups": ["clients"]}) == MachineSpec("client", "debian12", 256, 1, None)


@pytest.mark.parametrize(("values", "complaint"), [
    ({"image": "debian12"}, "machine None: the name must be a host name"),
    ({"name": "Director"}, "machine 'Director': the name must be a host name"),
    ({"name": "../x"}, "machine '../x': the name must be a host name"),
    ({"name": "d", "memry": 512}, "machine 'd': unknown key memry; known are .*memory"),
    ({"name": "d", "memory": "512"}, "machine 'd': memory must be a positive whole number"),
    ({"name": "d", "cpus": 0}, "machine 'd': cpus must be a positive whole number"),
    ({"name": "d", "secure_boot": "yes"}, "machine 'd': secure_boot must be true or false"),
    ({"name": "d", "keep_disk": 1}, "machine 'd': keep_disk must be true or false"),
    ({"name": "d", "lan": "10.0.0.1"}, "machine 'd': lan must be like 10.211.55.3/24: the prefix length is missing"),
    ({"name": "d", "lan": "10.0.0.300/24"}, "machine 'd': lan must be like 10.211.55.3/24: .*10.0.0.300"),
    ({"name": "d", "lan": 10}, "machine 'd': lan must be like"),
])
def test_a_wrong_machine_is_refused_with_its_name_and_the_reason(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LabError, match=complaint):
        MachineSpec.parse(values)


def test_commas_in_paths_do_not_end_an_option() -> None:
    assert "file=/tmp/a,,b/disk.qcow2," in qemu.disk(Path("/tmp/a,b/disk.qcow2"), keep=False)[1]


def test_only_a_template_keeps_what_a_machine_writes() -> None:
    assert "snapshot=off" in qemu.disk(Path("d"), keep=True)[1]
    assert "snapshot=on" in qemu.disk(Path("d"), keep=False)[1]


def test_the_command_line_has_the_requested_values() -> None:
    arguments = qemu.hardware(IMAGE, "tcg", 512, 2)
    pairs = set(itertools.pairwise(arguments))
    assert {("-m", "512"), ("-smp", "2"), ("-kernel", "/cache/a,b/images/k/vmlinuz"), ("-initrd", "/cache/a,b/images/k/initrd"),
            ("-accel", "tcg,thread=multi,tb-size=128")} <= pairs
    assert any("hostfwd=tcp:127.0.0.1:0-:22" in argument for argument in arguments), "reached over loopback only"
    assert ("-accel", "kvm") in itertools.pairwise(qemu.hardware(IMAGE, "kvm", 512, 2))


def test_a_machine_with_secure_boot_has_its_own_template() -> None:
    assert MachineSpec("m", secure_boot=True).kind != MachineSpec("m").kind


def test_a_machine_that_is_powered_on_again_is_reached_on_its_port() -> None:
    again = qemu.with_port(qemu.hardware(IMAGE, "tcg", 512, 1), 40022)
    assert "user,id=management,ipv6=off,hostfwd=tcp:127.0.0.1:40022-:22" in again


def test_a_machine_with_a_boot_loader_is_given_no_kernel() -> None:
    image = Image("debian13-grub", Path("/k"), boot_loader=True)
    assert not {"-kernel", "-initrd", "-append"} & {*qemu.hardware(image, "tcg", 512, 1)}


def test_template_and_clone_differ_in_the_cable_only() -> None:
    template = qemu.lab_interface("hubport,hubid=0", "52:54:00:4c:41:00")
    clone = qemu.lab_interface("stream,server=off,addr.type=unix,addr.path=/x", "52:54:00:4c:41:01")
    assert template[1] != clone[1]
    assert template[3].replace("41:00", "") == clone[3].replace("41:01", "")


def test_the_machines_of_a_lab_have_different_hardware_addresses(tmp_path: Path) -> None:
    macs = {machine.Machine(MachineSpec("m"), number, tmp_path, tmp_path, tmp_path).mac for number in range(1, 200)}
    assert len(macs) == 199


@pytest.fixture
def reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> machine.Machine:
    """A machine whose ssh is a shell of ours that takes a while."""
    monkeypatch.setattr(machine.Machine, "ssh_arguments", lambda _self: ["sh", "-c", 'sleep 1.3; eval "$3"', "ssh"])
    monkeypatch.setattr(machine.Machine, "check", lambda _self: None)
    return machine.Machine(MachineSpec("director"), 1, tmp_path, tmp_path, tmp_path)


def test_a_long_command_gets_its_input_and_gives_its_output_and_status(reached: machine.Machine) -> None:
    result = reached.run("cat; echo said >&2; exit 3", input="heard\n")
    assert (result.stdout, result.stderr, result.returncode) == ("heard\n", "said\n", 3)


def test_a_checked_command_that_fails_says_where_and_what(reached: machine.Machine) -> None:
    with pytest.raises(LabError, match=r"director: 'ls nowhere' ended with status 2:\n.*nowhere"):
        reached.run(["ls", "nowhere"], check=True)


def test_a_command_that_does_not_end_times_out(reached: machine.Machine) -> None:
    with pytest.raises(LabError, match="director: 'sleep 60' has not ended within 2 s"):
        reached.run("sleep 60", timeout=2.0)


def test_a_machine_that_dies_during_a_command_is_reported(reached: machine.Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(_self: machine.Machine) -> None:
        raise MachineDied("machine director died")

    monkeypatch.setattr(machine.Machine, "check", dead)
    started = time.monotonic()
    with pytest.raises(MachineDied):
        reached.run("sleep 60")
    assert time.monotonic() - started < 30


def test_a_kernel_crash_is_shown_from_its_first_line(reached: machine.Machine) -> None:
    trace = [f" trace {number}" for number in range(60)]
    lines = ["up and running", "BUG: kernel NULL pointer dereference", *trace, "---[ end Kernel panic"]
    reached.console.write_text("\n".join(lines))
    assert reached._last_words() == lines[1:]
    reached.console.write_text("\n".join(f"line {number}" for number in range(60)))
    assert reached._last_words() == [f"line {number}" for number in range(30, 60)]


def test_a_socket_in_a_machine_is_reached_from_here(reached: machine.Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    here = reached.runtime / "director.forwarded"
    here.touch()
    asked: list[list[str]] = []
    monkeypatch.setattr(machine.subprocess, "run", lambda command, **_options: asked.append(command[-4:]))
    assert reached.forwarded("/run/traffic") == here
    assert asked == [["-O", command, "-L", f"{here}:/run/traffic"] for command in ("cancel", "forward")]
    assert not here.exists(), "ssh makes it, and takes no file that is there"
