# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from lab import machine
from lab.errors import LabError
from lab.images import Image
from lab.machine import MachineSpec

IMAGE = Image("debian12", Path("/cache/a,b/images/k"))


def test_a_machine_has_defaults_and_ignores_what_is_for_the_inventory() -> None:
    assert MachineSpec.parse({"name": "client", "groups": ["clients"]}) == MachineSpec("client", "debian12", 256, 1, None)


@pytest.mark.parametrize(("values", "complaint"), [
    ({"image": "debian12"}, "machine None: the name must be a host name"),
    ({"name": "Director"}, "machine 'Director': the name must be a host name"),
    ({"name": "../x"}, "machine '../x': the name must be a host name"),
    ({"name": "d", "memry": 512}, "machine 'd': unknown key memry; known are .*memory"),
    ({"name": "d", "memory": "512"}, "machine 'd': memory must be a positive whole number"),
    ({"name": "d", "cpus": 0}, "machine 'd': cpus must be a positive whole number"),
    ({"name": "d", "lan": "10.0.0.1"}, "machine 'd': lan must be like 10.211.55.3/24: the prefix length is missing"),
    ({"name": "d", "lan": "10.0.0.300/24"}, "machine 'd': lan must be like 10.211.55.3/24: .*10.0.0.300"),
    ({"name": "d", "lan": 10}, "machine 'd': lan must be like"),
])
def test_a_wrong_machine_is_refused_with_its_name_and_the_reason(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LabError, match=complaint):
        MachineSpec.parse(values)


def test_commas_in_paths_do_not_end_an_option() -> None:
    assert "file=/tmp/a,,b/disk.qcow2," in machine.disk(Path("/tmp/a,b/disk.qcow2"), keep=False)[1]


def test_what_a_machine_writes_is_kept_only_in_a_template() -> None:
    assert "snapshot=off" in machine.disk(Path("d"), keep=True)[1]
    assert "snapshot=on" in machine.disk(Path("d"), keep=False)[1]


def test_the_command_line_has_what_was_asked_for() -> None:
    arguments = machine.hardware(IMAGE, "tcg", 512, 2)
    pairs = set(itertools.pairwise(arguments))
    assert {("-m", "512"), ("-smp", "2"), ("-kernel", "/cache/a,b/images/k/vmlinuz"), ("-initrd", "/cache/a,b/images/k/initrd"),
            ("-accel", "tcg,thread=multi,tb-size=128")} <= pairs
    assert any("hostfwd=tcp:127.0.0.1:0-:22" in argument for argument in arguments), "reached over loopback only"
    assert ("-accel", "kvm") in itertools.pairwise(machine.hardware(IMAGE, "kvm", 512, 2))


def test_template_and_clone_differ_in_the_cable_only() -> None:
    template = machine.lab_interface("hubport,hubid=0", "52:54:00:4c:41:00")
    clone = machine.lab_interface("stream,server=off,addr.type=unix,addr.path=/x", "52:54:00:4c:41:01")
    assert template[1] != clone[1]
    assert template[3].replace("41:00", "") == clone[3].replace("41:01", "")


def test_the_machines_of_a_lab_have_different_hardware_addresses(tmp_path: Path) -> None:
    macs = {machine.Machine(MachineSpec("m"), number, tmp_path, tmp_path, tmp_path).mac for number in range(1, 200)}
    assert len(macs) == 199
