# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates: a machine booted once, its running state saved, and copies resumed within seconds.

A cold boot under software emulation takes a quarter of a minute per machine and core; resuming
takes a second. The saved state fits exactly one machine type, amount of memory, number of
processors and QEMU version, so there is one template for each.
"""

from __future__ import annotations

import dataclasses
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from . import accel, cache, process, qemu
from .attempts import attempts
from .errors import LabError
from .images import Image
from .machine import Machine
from .progress import Progress
from .qmp import Qmp
from .spec import MachineSpec

# Run in the template before it is saved, so that no copy has to: wait for the boot to be over,
# and read what Ansible will need into the page cache.
WARM_UP = "systemctl is-system-running --wait; python3 -c 'import json, zipfile, apt, ssl, subprocess'; sync"


@dataclasses.dataclass(frozen=True)
class Template:
    """A saved machine."""

    directory: Path
    hardware: list[str]
    """The QEMU arguments with which its state must be resumed."""

    @property
    def disk(self) -> Path:
        return self.directory / "disk.qcow2"

    @property
    def state(self) -> Path:
        return self.directory / "state"


def template(image: Image, wanted: MachineSpec, progress: Progress) -> Template:
    """The template of such a machine, made if the cache does not have it yet."""
    chosen = accel.choose(image, progress)
    arguments = [*qemu.hardware(image, chosen, wanted.memory, wanted.cpus), *(qemu.SECURE_BOOT if wanted.secure_boot else [])]
    key = cache.key_of([image.key, arguments, qemu.lab_interface("backend", "mac"), qemu.disk(Path("disk"), keep=True),
                        qemu.version(), WARM_UP, accel.host_cpu() if chosen == "kvm" else None])
    name = f"template of {image.name} ({wanted.memory} MiB, {wanted.cpus} cpu, {chosen}{', Secure Boot' if wanted.secure_boot else ''})"
    spec = dataclasses.replace(wanted, name="template", lan=None)

    def build(directory: Path) -> None:
        _build(name, image, spec, Template(directory, arguments), progress)

    return Template(cache.entry("templates", key, build, progress), arguments)


def _build(name: str, image: Image, spec: MachineSpec, result: Template, progress: Progress) -> None:
    started = time.monotonic()
    progress.say(name, "booting")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image.disk), str(result.disk)],
                   check=True, timeout=60)
    runtime = Path(tempfile.mkdtemp(prefix="lab-"))
    vm = Machine(spec, 0, result.directory, runtime, cache.identity_file(progress))
    try:
        # No switch: the cable of the lab interface ends in a hub with nobody else in it.
        job = vm.start([*result.hardware, *qemu.disk(result.disk, keep=True),
                        *qemu.lab_interface("hubport,hubid=0", vm.mac)])
        with vm.first_conversation(job) as qmp:
            vm = vm.find_port(qmp)
            vm.wait_for_ssh(progress, job)
            with progress.waiting(name, "end of its boot"):
                vm.run(WARM_UP)
            vm.hang_up()
            qmp("stop")
            qmp("migrate-set-parameters", max_bandwidth=10**10)
            qmp("migrate", uri="exec:cat > " + shlex.quote(str(result.state)))
            _wait_for_migration(qmp)
            qmp("quit")
        job.wait(60)
        vm.words.unlink()
    finally:
        process.end(vm.marker)
        shutil.rmtree(runtime)
    progress.say(name, f"saved after {time.monotonic() - started:.1f} s")


def _wait_for_migration(qmp: Qmp) -> None:
    for _attempt in attempts(600, "QEMU has not saved the state of a template", pause=0.05):
        answer = qmp("query-migrate")
        if answer.get("status") == "completed":
            return
        if answer.get("status") in ("failed", "cancelled"):
            raise LabError(f"QEMU could not save the state of a template: {answer}")


def resume(qmp: Qmp, saved: Template) -> None:
    """Load a template's state into a QEMU that was started with -incoming defer."""
    qmp("migrate-incoming", uri="exec:cat " + shlex.quote(str(saved.state)))
    for _attempt in attempts(600, f"QEMU has not resumed {saved.state}", pause=0.02):
        status = qmp("query-status")["status"]
        if status == "running":
            return
        if status in ("paused", "prelaunch", "postmigrate"):
            qmp("cont")
