# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Life and death of a lab, with our own processes in place of QEMU: its reports, and its remains."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, LabError, MachineDied, host, images, lab, process, qemu
from lab.attempts import attempts
from lab.qmp import Qmp
from lab.template import Template

FAKE = Path(__file__).with_name("fake_qemu.py")
TWO: list[dict[str, Any]] = [{"name": "director", "lan": "10.211.55.2/24"}, {"name": "client"}]


@pytest.fixture
def fates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    program = tmp_path / "qemu"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {FAKE} \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setattr(qemu, "QEMU", str(program))
    monkeypatch.setattr(images, "image", lambda *_: None)
    monkeypatch.setattr(lab, "template", lambda *_: Template(tmp_path / "template", []))

    def decide(**by_name: str) -> None:
        monkeypatch.setenv("FAKE_QEMU_FATES", " ".join(f"{name}={fate}" for name, fate in by_name.items()))

    return decide


def nothing_is_left(state: Path) -> bool:
    # The fake of this checkout, run: a linter may have its name among its arguments, another clone its own.
    fakes = [pid for pid in Path("/proc").glob("[0-9]*/cmdline") if _read(pid).split(b"\0")[1:2] == [os.fsencode(FAKE)]]
    return not fakes and not (state / "lab.json").exists()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_killed_machine_is_reported_at_once_with_the_end_of_its_console(fates: Callable[..., None], tmp_path: Path) -> None:
    fates(director="live", client="9")
    started = time.monotonic()
    with pytest.raises(MachineDied) as report:
        Lab(tmp_path / "state").up(TWO)
    assert time.monotonic() - started < 30
    said = str(report.value)
    assert "machine client died: QEMU was killed by signal 9 (Killed)" in said
    assert "line 39 of client" in said
    assert "line 10 of client" in said
    assert "line 9 of client" not in said, "the last 30 lines, not all"
    assert nothing_is_left(tmp_path / "state")


def test_a_panic_is_reported_though_qemu_lives(fates: Callable[..., None], tmp_path: Path) -> None:
    fates(director="panic", client="live")
    with pytest.raises(MachineDied, match=r"machine director died: .*Kernel panic - not syncing: Fatal exception"):
        Lab(tmp_path / "state").up(TWO)
    assert nothing_is_left(tmp_path / "state")


def test_a_qemu_error_is_quoted(fates: Callable[..., None], tmp_path: Path) -> None:
    fates(director="refuse", client="live")
    with pytest.raises(MachineDied, match=r"(?s)director died: QEMU ended with status 1.*there is no such device"):
        Lab(tmp_path / "state").up(TWO)
    assert nothing_is_left(tmp_path / "state")


def test_qemu_s_error_for_an_unloadable_state_is_quoted(fates: Callable[..., None], tmp_path: Path) -> None:
    fates(director="corrupt", client="live")
    with pytest.raises(MachineDied, match=r"(?s)director died: QEMU ended with status 1.*error while loading state"):
        Lab(tmp_path / "state").up(TWO)
    assert nothing_is_left(tmp_path / "state")


@pytest.fixture
def half_up(fates: Callable[..., None], tmp_path: Path) -> Any:
    """An up that is at work (it waits for an ssh that never comes), and its state directory."""
    fates(director="live", client="live")
    state = tmp_path / ("deep" * 30) / "state"
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
            Lab(state).up(TWO)
        finally:
            os._exit(0)
    while not (state / "lab.json").exists() or len([vm for vm in Lab(state) if process.find(vm.marker)]) < 2:
        time.sleep(0.05)
    yield state, child
    Lab(state).down()


def test_down_cleans_up_after_a_killed_up(half_up: tuple[Path, int]) -> None:
    state, child = half_up
    runtime = Path(json.loads((state / "lab.json").read_text())["runtime"])
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    assert len(str(runtime / "a-name-of-sixty-three-letters-which-is-the-longest-that-a-host-has.qmp")) <= 107
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(runtime)])
    try:
        Lab(state).down()
        assert nothing_is_left(state)
        assert not runtime.exists()
        assert not process.find(f"--listen={runtime}/switch")
        assert stranger.poll() is None, "down ended a process that it had not started"
        Lab(state).down()  # nothing to end is fine
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_up_cleans_up(half_up: tuple[Path, int]) -> None:
    state, child = half_up
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    assert nothing_is_left(state)


def test_another_lab_in_the_same_place_is_refused(half_up: tuple[Path, int]) -> None:
    state, child = half_up
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with pytest.raises(LabError, match=r"holds another lab, of which director, client still run: end it first"):
        Lab(state).up([{"name": "somebody-else"}])


@pytest.fixture
def with_a_disk(fates: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lab of one machine that keeps its disk, and one that does not; their ssh answers at once."""
    fates(director="live", client="live")
    (tmp_path / "template").mkdir()
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(tmp_path / "template" / "disk.qcow2"), "1M"], check=True)
    monkeypatch.setattr(lab.Machine, "wait_for_ssh", lambda *_: None)
    monkeypatch.setattr(lab.Machine, "run", lambda *_, **_options: None)
    with Lab(tmp_path / "state").up([TWO[0] | {"keep_disk": True}, TWO[1]]) as machines:
        yield machines


def arguments_of(vm: lab.Machine) -> list[str]:
    """The arguments of the machine's process, which answers. A process that has just been started may have none yet."""
    for _attempt in attempts(10, f"{vm.name} does not answer", pause=0.05):
        with contextlib.suppress(OSError), vm.qmp() as qmp:
            assert qmp("query-status") == {"status": "running"}
            break
    (pid,) = process.find(vm.marker)
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def test_a_machine_is_powered_off_and_on_again_with_its_disk(with_a_disk: Lab, tmp_path: Path) -> None:
    vm = with_a_disk["director"]
    drive = next(word for word in arguments_of(vm) if word.startswith("id=disk"))
    assert f"file={tmp_path}/state/director.disk," in drive
    assert "snapshot=off" in drive
    with_a_disk.power_off("director")
    assert not process.find(vm.marker)
    assert vm.own_disk.exists()
    with_a_disk.power_on("director")
    again = arguments_of(vm)
    assert drive in again
    assert "-incoming" not in again, "it boots, and does not go on where its template was saved"
    with_a_disk.down()
    assert not vm.own_disk.exists()


def test_a_machine_that_keeps_no_disk_is_not_powered_off(with_a_disk: Lab) -> None:
    with pytest.raises(LabError, match="'client' could not be powered on again: its disk would be gone"):
        with_a_disk.power_off("client")
    assert arguments_of(with_a_disk["client"])


def test_cables_and_clocks_are_qemu_s(with_a_disk: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(Qmp, "__call__", lambda _self, command, **values: asked.append((command, values)))
    vm = with_a_disk["client"]
    vm.cable(plugged=False)
    vm.freeze()
    vm.thaw()
    assert [command for command in asked if command[0] != "qmp_capabilities"] == [
        ("set_link", {"name": "lan", "up": False}), ("stop", {}), ("cont", {})]


def test_machines_need_different_names(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="different names"):
        Lab(tmp_path / "state").up([{"name": "a"}, {"name": "a"}])


def test_down_where_no_lab_was_is_fine(tmp_path: Path) -> None:
    Lab(tmp_path / "state").down()
    assert not (tmp_path / "state").exists()


def test_an_unknown_machine_is_refused_with_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no machine 'x'; there are: none"):
        Lab(tmp_path / "state")["x"]


def test_missing_host_packages_are_named_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "SEARCH_PATH", "/nonexistent")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(LabError, match=r"apt-get install e2fsprogs fakeroot mmdebstrap openssh-client qemu-system-x86 qemu-utils$"):
        host.require_tools()
