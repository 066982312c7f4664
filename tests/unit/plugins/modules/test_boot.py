# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_boot: install and remove the program, its units and the saved table; and the installed program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import boot, metrics_timer, program, systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished
from ansible_collections.lvs.director.plugins.module_utils._machine.files import remove
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, to_text
from ansible_collections.lvs.director.plugins.module_utils._program.version import VERSION

from ...systemd import Systemd, units
from .conftest import Result, Run

__all__ = ["units"]

NAMES = ["ipvs-director.service", "ipvs-director-network.service"]


class Machine:
    """The installed files, and the programs that were run."""

    def __init__(self, root: Path) -> None:
        self.command = root / "sbin" / "ipvs-director"
        self.former = root / "sbin" / "ipvs-director-restore"
        self.library = root / "lib" / "ipvs-director"
        self.table = root / "var" / "table.json"
        self.fallback = root / "run" / "fallback"
        self.ran: list[str] = []
        self.failing = ""
        self.still_missing = False

    def run(self, command: str, *words: str, timeout: float = 0) -> Finished:
        line = " ".join([os.path.basename(command), *words])
        self.ran.append(line)
        if self.failing and self.failing in line:
            return Finished(1, "", "the reason\n")
        if self.still_missing:
            return Finished(4, "Service x: its scheduler is missing\n", "")
        if "restore" in words:
            self.fallback.unlink(missing_ok=True)
        return Finished(0, "", "")

    def builds(self) -> list[Path]:
        return sorted(self.library.iterdir()) if self.library.exists() else []


@pytest.fixture
def machine(units: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(program, "COMMAND", str(made.command))
    monkeypatch.setattr(program, "FORMER_COMMAND", str(made.former))
    monkeypatch.setattr(program, "LIBRARY", str(made.library))
    monkeypatch.setattr(program, "INTERPRETER", sys.executable)
    monkeypatch.setattr(boot, "TABLE", str(made.table))
    monkeypatch.setattr(boot, "FALLBACK", str(made.fallback))
    monkeypatch.setattr(boot, "run", made.run)
    monkeypatch.setattr(boot, "could_load", lambda module: module == "ip_vs_fo")
    return made


def unit(units: Systemd, name: str = NAMES[0]) -> str:
    return (units.directory / name).read_text()


def predicted_then_done(run: Run, **options: object) -> list[str]:
    predicted = run("ipvs_boot", check=True, **options)
    done = run("ipvs_boot", **options)
    assert predicted["steps"] == done["steps"]
    again = run("ipvs_boot", **options)
    assert (again["changed"], again["steps"]) == (False, [])
    steps: list[str] = done["steps"]
    return steps


def test_the_units_are_installed_enabled_and_started(run: Run, machine: Machine, units: Systemd) -> None:
    steps = predicted_then_done(run, fallback_scheduler="fo", kernel_modules=["ip_vs", "ip_vs_test"])
    (build,) = machine.builds()
    assert steps[0].startswith("write the ")
    assert steps[1:] == [
        f"write {machine.command}",
        f"write {machine.table}",
        *(f"write {units.directory / name}" for name in NAMES),
        "have systemd read its units again",
        f"enable {', '.join(NAMES)}",
        *(f"start {name}" for name in NAMES),
    ]
    assert machine.table.read_text() == to_text(Saved())
    assert machine.table.stat().st_mode & 0o777 == 0o600
    assert machine.table.parent.stat().st_mode & 0o777 == 0o700
    assert machine.command.stat().st_mode & 0o777 == 0o755
    assert units.enabled == units.active == set(NAMES)
    assert f"ExecStart={machine.command} restore table --fallback=fo\n" in unit(units)
    assert "modprobe --all ip_vs ip_vs_test\n" in unit(units)
    assert "\nExecStop=" not in unit(units)
    for name in NAMES:
        assert "\nConflicts=shutdown.target\nBefore=shutdown.target\n" in unit(units, name)
    machine.table.write_text("a table")
    units.active.clear()
    assert predicted_then_done(run, fallback_scheduler="fo", kernel_modules=["ip_vs", "ip_vs_test"]) == [f"start {name}" for name in NAMES]
    assert machine.table.read_text() == "a table"
    assert list(build.rglob("*.pyc")), "it is compiled once"


def test_resync_runs_the_program_of_today(run: Run, machine: Machine, units: Systemd) -> None:
    resync = boot.RESYNC_UNIT
    assert f"start {resync}" in predicted_then_done(run, resync=True)
    assert f"ExecStart={machine.command} resync --watch\n" in unit(units, resync)
    assert units.enabled == units.active == {*NAMES, resync}
    # A new release: the agent still runs the old one, the other units end at once.
    machine.command.unlink()
    assert predicted_then_done(run, resync=True) == [f"write {machine.command}", f"restart {resync} with the new program"]
    assert predicted_then_done(run) == [
        f"stop and disable {resync}",
        f"remove {units.directory / resync}",
        "have systemd forget them",
    ]
    assert units.enabled == units.active == set(NAMES)
    run("ipvs_boot", resync=True)
    run("ipvs_boot", state="absent")
    assert not (units.directory / resync).exists()
    assert not machine.command.exists()


def test_a_timer_writes_metrics_into_the_exporter_s_directory(run: Run, machine: Machine, units: Systemd, tmp_path: Path) -> None:
    timer, service = metrics_timer.TIMER, metrics_timer.UNIT
    text_files, others = tmp_path / "node-exporter", tmp_path / "others"
    run("ipvs_boot")
    steps = predicted_then_done(run, metrics=True, metrics_directory=str(text_files))
    assert steps == [
        f"write {units.directory / service}",
        f"write {units.directory / timer}",
        "have systemd read its units again",
        f"enable {timer}",
        f"start {timer}",
    ]
    assert f"ExecStart={machine.command} metrics --output {text_files}/lvs_director.prom\n" in unit(units, service)
    assert f"ConditionPathIsDirectory={text_files}\n" in unit(units, service)
    # It is moved.
    for directory in (text_files, others):
        directory.mkdir()
        (directory / "of_another.prom").write_text("")
    (text_files / "lvs_director.prom").write_text("old")
    assert predicted_then_done(run, metrics=True, metrics_directory=str(others))[-1] == f"remove {text_files}/lvs_director.prom"
    (others / "lvs_director.prom").write_text("old")
    assert predicted_then_done(run) == [
        f"stop and disable {timer}",
        f"stop and disable {service}",
        f"remove {units.directory / service}",
        f"remove {units.directory / timer}",
        "have systemd forget them",
        f"remove {others}/lvs_director.prom",
    ]
    assert units.enabled == units.active == set(NAMES)
    assert [path.name for directory in (text_files, others) for path in directory.iterdir()] == ["of_another.prom"] * 2


def test_metrics_are_removed_with_the_program(run: Run, machine: Machine, units: Systemd, tmp_path: Path) -> None:
    run("ipvs_boot", metrics=True, metrics_directory=str(tmp_path / "node-exporter"))
    (tmp_path / "node-exporter").mkdir()
    (tmp_path / "node-exporter" / "lvs_director.prom").write_text("old")
    predicted_then_done(run, state="absent")
    assert not machine.command.exists()
    assert not units.directory.exists()
    assert list((tmp_path / "node-exporter").iterdir()) == []


def test_without_the_exporter_it_warns(run: Run, machine: Machine, tmp_path: Path) -> None:
    directory = tmp_path / "node-exporter"
    for check in (True, False):
        (warning,) = run("ipvs_boot", check=check, metrics=True, metrics_directory=str(directory))["warnings"]
        assert warning.startswith(f"There is no directory {directory} yet, so no metrics are written. Install")
    directory.mkdir()
    assert "warnings" not in run("ipvs_boot", metrics=True, metrics_directory=str(directory))
    assert "is not the absolute path of a directory" in run("ipvs_boot", metrics=True, metrics_directory="node exporter")["msg"]


def test_the_installed_program_needs_nothing_but_itself(run: Run, machine: Machine) -> None:
    """Also where another package of the same name is installed."""
    run("ipvs_boot")
    for line, expected in (("version", f"ipvs-director {VERSION}\n"), ("--help", "usage: ipvs-director"), ("restore --help", "table")):
        # The test's interpreter has no Ansible outside of its environment.
        text = machine.command.read_text().replace("/usr/bin/python3", sys.executable)
        done = subprocess.run([sys.executable, "-I", "-c", text, *line.split()], check=False, capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
    (build,) = machine.builds()
    every = f"import importlib, pkgutil, sys; sys.path.insert(0, {str(build)!r}); import {program._PREFIX} as top\n"
    every += "names = [each.name for each in pkgutil.walk_packages(top.__path__, top.__name__ + '.')]\n"
    every += "assert len(names) > 50 and not [importlib.import_module(name) for name in names if '_runner' in name]\n"
    every += "[importlib.import_module(name) for name in names]; assert 'ansible.module_utils' not in sys.modules"
    subprocess.run([sys.executable, "-I", "-c", every], check=True, cwd="/")


def test_an_upgrade_removes_unused_files(run: Run, machine: Machine, units: Systemd) -> None:
    machine.former.parent.mkdir(parents=True)
    machine.former.write_text("the program of 0.1.0")
    old = machine.library / "0123456789abcdef"
    old.mkdir(parents=True)
    (units.directory / NAMES[0]).write_text("ExecStart=/usr/local/sbin/ipvs-director-restore table\n")
    units.read = {NAMES[0]: "ExecStart=/usr/local/sbin/ipvs-director-restore table\n"}
    units.active.update(NAMES)
    units.enabled.update(NAMES)
    steps = predicted_then_done(run)
    assert steps[-2:] == [f"remove {old}", f"remove {machine.former}"]
    assert not any(step.startswith("start") for step in steps), "under traffic nothing is started anew"
    assert len(machine.builds()) == 1
    (build,) = machine.builds()
    next(build.rglob("restore.py")).write_text("something else")
    assert len(predicted_then_done(run)) == 1
    machine.command.chmod(0o644)
    assert predicted_then_done(run) == [f"make {machine.command} executable"]


@pytest.mark.parametrize(("value", "clears"), [(True, True), ("true", True), (False, False), ("false", False), ("no", False)])
def test_clear_on_stop_is_a_boolean(run: Run, machine: Machine, units: Systemd, value: object, clears: bool) -> None:
    run("ipvs_boot", clear_on_stop=value)
    for name, what in zip(NAMES, ("table", "network"), strict=True):
        assert (f"ExecStop={machine.command} clear {what}\n" in unit(units, name)) is clears


@pytest.mark.parametrize("clear", [True, False])
def test_services_get_their_own_scheduler_without_an_interruption(run: Run, machine: Machine, units: Systemd, clear: bool) -> None:
    """A restart of the unit would run its ExecStop first, which may clear the table."""
    run("ipvs_boot", fallback_scheduler="fo", clear_on_stop=clear)
    machine.fallback.parent.mkdir()
    machine.fallback.write_text("tcp 192.0.2.1:80\n")
    units.told.clear()
    steps = predicted_then_done(run, fallback_scheduler="fo", clear_on_stop=clear)
    assert steps == ["give services their own scheduler again, which was missing when the table was restored"]
    assert machine.ran == ["ipvs-director restore table --fallback=fo"]
    assert units.told == []


def test_services_still_without_their_own_scheduler_are_an_error(run: Run, machine: Machine, units: Systemd) -> None:
    run("ipvs_boot")
    machine.fallback.parent.mkdir()
    machine.fallback.write_text("tcp 192.0.2.1:80\n")
    machine.still_missing = True
    assert f"{machine.command} restore table failed, and nothing after it was done: Service x" in run("ipvs_boot")["msg"]


def test_an_incomplete_restore_is_a_warning(run: Run, machine: Machine, units: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.warn", lambda _module, text, **_more: warned.append(text))
    units.broken.add(NAMES[0])
    units.status[NAMES[0]] = 4
    assert not run("ipvs_boot").get("failed")
    assert len(warned) == 1
    assert warned[0].startswith("ipvs-director.service could not restore all that is saved. Its journal names the entries")
    units.told.clear()
    assert not run("ipvs_boot")["changed"]
    assert units.told == []
    assert len(warned) == 2


def test_any_other_failure_of_a_unit_is_an_error(run: Run, machine: Machine, units: Systemd) -> None:
    units.broken.add(NAMES[0])
    units.status[NAMES[0]] = 1
    assert "journalctl -b -u ipvs-director.service" in run("ipvs_boot")["msg"]
    assert "start ipvs-director.service" in run("ipvs_boot", check=True)["steps"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fallback_scheduler": "fooo"}, 'fallback_scheduler: scheduler "fooo" is not known to the kernel: no module ip_vs_fooo'),
        ({"fallback_scheduler": "a b"}, 'fallback_scheduler: scheduler "a b" is not known to the kernel'),
        ({"kernel_modules": ["ip_vs", "a b"]}, "kernel_modules[1]: 'a b' is not the name of a kernel module"),
        ({"sysctl_file": "x.conf"}, "sysctl_file: 'x.conf' is not the absolute path of a file"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_refused_at_deployment(run: Run, machine: Machine, units: Systemd, options: dict[str, object], message: str, check: bool) -> None:
    assert run("ipvs_boot", check=check, **options)["msg"].startswith(message)
    assert not machine.command.exists()
    assert not list(units.directory.iterdir())


def test_absent_leaves_nothing(run: Run, machine: Machine, units: Systemd) -> None:
    run("ipvs_boot", clear_on_stop=True)
    machine.table.with_name("last-run-ipvs_table").touch()
    units.told.clear()
    steps = predicted_then_done(run, state="absent")
    assert machine.ran == ["ipvs-director clear network", "ipvs-director clear table"]
    assert steps[:2] == [f"run {machine.command} clear network", f"run {machine.command} clear table"]
    assert units.told[:2] == [f"disable --quiet --now {name}" for name in reversed(NAMES)]
    assert not machine.command.exists()
    assert not machine.library.exists()
    assert not machine.table.parent.exists()
    assert not units.directory.exists()


def test_absent_after_version_0_1_0(run: Run, machine: Machine) -> None:
    machine.former.parent.mkdir(parents=True)
    machine.former.write_text("the program of 0.1.0")
    machine.table.parent.mkdir()
    machine.table.write_text("a table")
    predicted_then_done(run, state="absent")
    assert machine.ran == ["ipvs-director-restore clear-network", "ipvs-director-restore clear-table"]
    assert not machine.former.exists()


def failed(result: Result) -> str:
    assert result["failed"]
    return str(result["msg"])


def test_a_failed_clear_stops_the_removal(run: Run, machine: Machine, units: Systemd) -> None:
    run("ipvs_boot")
    machine.failing = "clear network"
    assert "clear network failed, and nothing after it was done: the reason" in failed(run("ipvs_boot", state="absent"))
    assert units.enabled == set(NAMES)
    assert machine.table.exists()
    remove(str(machine.command))
    for check in (True, False):
        message = failed(run("ipvs_boot", state="absent", check=check))
        assert message.startswith(f"{machine.command} is missing, which takes what is saved in {machine.table} out of the kernel")


def test_a_failed_write_keeps_the_earlier_build(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    run("ipvs_boot")
    before = machine.command.read_text(), machine.builds()
    monkeypatch.setattr(program, "sources", lambda: {"a/b.py": b"other"})
    monkeypatch.setattr("ansible_collections.lvs.director.plugins.modules.ipvs_boot.sources", lambda: {"a/b.py": b"other"})

    def full(_old: str, _new: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(program.os, "rename", full)
    assert "No space left on device" in failed(run("ipvs_boot"))
    assert (machine.command.read_text(), machine.builds()) == before
    assert systemd.states(NAMES)[NAMES[0]].active
