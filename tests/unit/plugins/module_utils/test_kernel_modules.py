# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""With our own modprobe, rmmod and modinfo, which print their arguments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel import modules as _modprobe

KERNEL = f"/lib/modules/{os.uname().release}"
LOADED = "/sys/module/ip_vs_rr"


class Machine:
    """A machine on which ip_vs_rr is loaded and ip_vs_test can be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folders = {KERNEL, LOADED}
        for name in ("modprobe", "rmmod"):
            self.program(name, f'echo "{name} $*" >> {folder}/asked\nfor module; do :; done\n[ "$module" = ip_vs_test ]')
        self.program("modinfo", '[ "$*" = "-F srcversion ip_vs_test" ] && echo ABC')

    def program(self, name: str, does: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        asked = self.folder / "asked"
        return asked.read_text().splitlines() if asked.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setitem(_modprobe._ENVIRONMENT, "PATH", str(tmp_path))
    monkeypatch.setattr(_modprobe.os.path, "isdir", lambda path: path in made.folders)
    return made


def test_a_loadable_module_is_queried_and_not_loaded(machine: Machine) -> None:
    assert _modprobe.could_load("ip_vs_test")
    assert not _modprobe.could_load("ip_vs_tset")
    assert machine.asked == ["modprobe --dry-run --quiet ip_vs_test", "modprobe --dry-run --quiet ip_vs_tset"]


def test_another_kernel_s_modules(machine: Machine) -> None:
    """Even if it is loaded in this one."""
    assert _modprobe.is_installed_for("ip_vs_test", "6.1.0-41")
    assert not _modprobe.is_installed_for("ip_vs_rr", "6.1.0-41")
    assert machine.asked[0] == "modprobe --set-version 6.1.0-41 --dry-run --quiet ip_vs_test"
    (machine.folder / "modprobe").unlink()
    assert not _modprobe.is_installed_for("ip_vs_test", "6.1.0-41")


def test_a_loaded_module_needs_no_query(machine: Machine) -> None:
    assert _modprobe.could_load("ip_vs_rr")
    assert _modprobe.load("ip_vs_rr")
    assert machine.asked == []


@pytest.mark.parametrize("lacks", ["modules", "modprobe"])
def test_without_module_files_the_kernel_decides(machine: Machine, lacks: str) -> None:
    """In a container, which cannot see its kernel's modules."""
    if lacks == "modules":
        machine.folders.remove(KERNEL)
    else:
        (machine.folder / "modprobe").unlink()
    assert _modprobe.could_load("ip_vs_tset")
    assert machine.asked == []


def test_modules_are_loaded_and_unloaded(machine: Machine) -> None:
    assert _modprobe.load("ip_vs_test")
    assert not _modprobe.load("ip_vs_tset")
    assert _modprobe.unload("ip_vs_test")
    assert not _modprobe.unload("ip_vs_rr")
    assert machine.asked == ["modprobe --quiet ip_vs_test", "modprobe --quiet ip_vs_tset", "rmmod ip_vs_test", "rmmod ip_vs_rr"]


def test_without_modprobe_nothing_is_loaded(machine: Machine) -> None:
    (machine.folder / "modprobe").unlink()
    assert not _modprobe.load("ip_vs_test")


def test_which_build_is_installed(machine: Machine) -> None:
    assert _modprobe.installed_source("ip_vs_test") == "ABC"
    assert _modprobe.installed_source("ip_vs_tset") == ""


def test_which_build_is_loaded(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _modprobe.loaded_source("ip_vs_tset") == ""
    (tmp_path / "srcversion").write_text("DEF\n")
    monkeypatch.setattr(_modprobe, "open", lambda path, **_: (tmp_path / Path(path).name).open(), raising=False)
    assert _modprobe.loaded_source("ip_vs_test") == "DEF"
