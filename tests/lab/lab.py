# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab: machines on a switch of their own, up together and down together."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from . import cache, host, images, process, qemu
from .attempts import attempts
from .errors import LabError, MachineDied
from .introduction import introduction
from .machine import Machine
from .progress import Progress
from .spec import MachineSpec
from .template import Template, resume, template


class Lab:
    """The machines whose record is in one state directory.

    with Lab(state).up(machines) as lab:
        lab["director"].run("uname -r")
    """

    def __init__(self, state: Path | str, progress: Progress | None = None) -> None:
        self._state = Path(state).absolute()
        self._progress = progress or Progress()
        self._runtime: Path | None = None
        self._machines: dict[str, Machine] = {}
        self._load()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.down()

    def __getitem__(self, name: str) -> Machine:
        try:
            return self._machines[name]
        except KeyError:
            there = ", ".join(self._machines) or "none"
            raise LabError(f"{self._state} has no machine {name!r}; there are: {there}") from None

    def __iter__(self) -> Iterator[Machine]:
        return iter(self._machines.values())

    # -- up ----------------------------------------------------------------------------------

    def up(self, machines: list[dict[str, Any]]) -> Lab:
        """Start these machines; return when commands can be run in all of them.

        If that fails, nothing is left running. The same machines, up already, are taken as they
        are; the remains of a lab that crashed are cleared away.
        """
        specs = [MachineSpec.parse(values) for values in machines]
        names = [spec.name for spec in specs]
        if not names or len(set(names)) < len(names):
            raise LabError(f"a lab needs machines with different names, not {names}")
        host.require_tools()
        with self._locked():
            self._load()
            running = [vm.name for vm in self if process.find(vm.marker)]
            if running:
                if [vm.spec for vm in self] == specs and running == names and all(vm.port for vm in self):
                    self._progress.say("lab", f"is up already: {', '.join(names)}")
                    return self
                raise LabError(f"{self._state} holds another lab, of which {', '.join(running)} still run: "
                               f"end it first with 'down --state {self._state}'")
            self._end()
            try:
                self._start(specs)
            except BaseException:
                self._end()
                raise
        return self

    def _start(self, specs: list[MachineSpec]) -> None:
        # One template after the other: a boot takes all the processors that there are.
        built = {name: images.image(name, self._progress) for name in {spec.image: None for spec in specs}}
        templates: dict[tuple[str, int, int, bool], Template] = {}
        for spec in specs:
            if spec.kind not in templates:
                templates[spec.kind] = template(built[spec.image], spec, self._progress)

        identity_file = cache.identity_file(self._progress)
        # Unix sockets have names of at most 107 bytes, and the state directory may be deep.
        self._runtime = runtime = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
        self._machines = {spec.name: Machine(spec, number, self._state, runtime, identity_file)
                          for number, spec in enumerate(specs, start=1)}
        self._save()  # before anything runs, so that whatever runs can be found again

        self._start_switch()
        with concurrent.futures.ThreadPoolExecutor(len(specs)) as pool:
            jobs: list[concurrent.futures.Future[Machine]] = []
            try:
                jobs.extend(pool.submit(self._resume, vm, templates[vm.spec.kind]) for vm in list(self))
                for job in concurrent.futures.as_completed(jobs):
                    vm = job.result()
                    self._machines[vm.name] = vm
            except BaseException:
                # The others shall not go on waiting for what nobody will use. One may only now be about to start.
                self._end_processes()
                while concurrent.futures.wait(jobs, timeout=0.2).not_done:
                    self._end_processes()
                raise
        self._save()

    def _resume(self, vm: Machine, saved: Template) -> Machine:
        started = time.monotonic()
        if vm.spec.keep_disk:
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(saved.disk), str(vm.own_disk)],
                           check=True, timeout=60)
        job = vm.start([*self._arguments(vm, saved), "-incoming", "defer"])
        with vm.first_conversation(job) as qmp:
            resume(qmp, saved)
            vm = vm.find_port(qmp)
        vm.wait_for_ssh(self._progress, job)
        vm.run(introduction(vm), check=True)
        self._progress.say(vm.name, f"up after {time.monotonic() - started:.1f} s")
        return vm

    def _arguments(self, vm: Machine, saved: Template) -> list[str]:
        cable = f"stream,server=off,addr.type=unix,addr.path={qemu.escape(vm.runtime / 'switch')}"
        disk = qemu.disk(vm.own_disk if vm.spec.keep_disk else saved.disk, keep=vm.spec.keep_disk)
        return [*saved.hardware, *disk, *qemu.lab_interface(cable, vm.mac)]

    # -- off and on --------------------------------------------------------------------------

    def power_off(self, name: str) -> None:
        """End a machine as a power cut does: between two instructions, and nothing more is written."""
        vm = self[name]
        if not vm.spec.keep_disk:
            raise LabError(f"machine {name!r} could not be powered on again: its disk would be gone; it needs keep_disk: true")
        vm.hang_up()
        with vm.qmp() as qmp:
            qmp("quit")
        if not process.wait_until_gone(vm.marker, 60):
            raise LabError(f"{name}: its QEMU has not ended within 60 s")

    def power_on(self, name: str) -> None:
        """Boot a machine that was powered off, and return when commands can be run in it, on the port of before."""
        vm = self[name]
        saved = template(images.image(vm.spec.image, self._progress), vm.spec, self._progress)
        started = time.monotonic()
        with self._locked():
            job = vm.start(qemu.with_port(self._arguments(vm, saved), vm.port))
            vm.wait_for_ssh(self._progress, job)
        self._progress.say(name, f"powered on, up after {time.monotonic() - started:.1f} s")

    @property
    def _switch_marker(self) -> str:
        return f"--listen={self._runtime}/switch"

    def _start_switch(self) -> None:
        assert self._runtime is not None
        words = self._state / "switch.words"
        with open(words, "wb") as output:
            switch = subprocess.Popen([sys.executable, "-m", "lab.switch", self._switch_marker],
                                      env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}, cwd="/",
                                      stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        for _attempt in attempts(60, f"the lab's switch did not listen on {self._runtime}/switch", pause=0.01):
            if (self._runtime / "switch").exists():
                return
            if switch.poll() is not None:
                raise LabError(f"the lab's switch died: {words.read_text(encoding='utf-8', errors='replace')}")

    # -- down --------------------------------------------------------------------------------

    def down(self) -> None:
        """End exactly what ``up`` started, also after a crash. Nothing to end is fine.

        A machine that has died by itself is reported here too: where Ansible was at work, it only
        said "unreachable".
        """
        if self._state.is_dir():
            with self._locked():
                self._load()
                for vm in self:
                    try:
                        vm.check()
                    except MachineDied as death:
                        self._progress.say("lab", str(death))
                self._end()

    def _end(self) -> None:
        if self._runtime is None:
            return
        self._end_processes()
        for vm in self:
            vm.own_disk.unlink(missing_ok=True)
        shutil.rmtree(self._runtime, ignore_errors=True)
        self._record.unlink(missing_ok=True)
        self._runtime, self._machines = None, {}

    def _end_processes(self) -> None:
        for vm in self:
            vm.hang_up()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(process.end, [*(vm.marker for vm in self), self._switch_marker]))

    # -- the record --------------------------------------------------------------------------

    @property
    def _record(self) -> Path:
        return self._state / "lab.json"

    def _save(self) -> None:
        record = {
            "runtime": str(self._runtime),
            "machines": [{"spec": dataclasses.asdict(vm.spec), "port": vm.port, "identity_file": str(vm.identity_file)}
                         for vm in self],
        }
        fresh = self._record.with_suffix(".new")
        fresh.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        fresh.rename(self._record)

    def _load(self) -> None:
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._runtime, self._machines = None, {}
            return
        self._runtime = runtime = Path(record["runtime"])
        self._machines = {
            entry["spec"]["name"]: Machine(MachineSpec(**entry["spec"]), number, self._state, runtime,
                                           Path(entry["identity_file"]), entry["port"])
            for number, entry in enumerate(record["machines"], start=1)
        }

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._state.mkdir(parents=True, exist_ok=True)
        with cache.lock(self._state / "lock", self._progress, "lab", "another command works on it"):
            yield
