# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual machine that is measured in, with the collection and this package in it."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import tables
from lab import LabError
from lab.machine import Machine

SPEC: dict[str, Any] = {"name": "bench", "image": "debian12-bench", "memory": 2048}
FOLDER = "/root/bench"
MEASURED_PYTHON = f"{FOLDER}/measured_python"
HERE = Path(__file__).parent
PLUGINS = "ansible_collections/lvs/director/plugins"


class Guest:
    """The machine, as the bench sees it."""

    def __init__(self, machine: Machine, installed: Path) -> None:
        """Copy the programs into it. ``installed`` is the directory of the installed collection on this host."""
        self._machine = machine
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as files:
            for path in sorted((installed / PLUGINS / "module_utils").rglob("*.py")):
                files.add(path, str(path.relative_to(installed)))
            for path in (*HERE.glob("*.py"), HERE / "floor.c"):
                files.add(path, f"bench/{path.name}")
            for name in ("__init__.py", "directors.py"):
                files.add(HERE.parent / "contract" / name, f"contract/{name}")
        interpreter = f'#!/bin/sh\nexec /usr/bin/python3 -ISB {FOLDER}/bench/measured_python.py "$@"\n'
        command = (
            f"mkdir -p {FOLDER} && tar -C {FOLDER} -x --no-same-owner"
            f" && printf %s {shlex.quote(interpreter)} > {MEASURED_PYTHON} && chmod +x {MEASURED_PYTHON}"
            f" && gcc -O2 -Wall -o {FOLDER}/bench/floor {FOLDER}/bench/floor.c"
            f" && python3 -m compileall -q {FOLDER} && modprobe -a ip_vs ip_vs_{tables.SCHEDULER}"
        )
        done = subprocess.run([*machine.ssh_arguments(), command], input=archive.getvalue(), capture_output=True, check=False, timeout=600)
        if done.returncode:
            raise LabError(f"{machine.name}: cannot be made ready: {done.stderr.decode(errors='replace')}")

    def ask(self, *arguments: str) -> Iterator[str]:
        """Run guest.py there; yield the lines that it prints, as they come."""
        command = ["env", f"PYTHONPATH={FOLDER}", "python3", "-m", "bench.guest", *arguments]
        with self._machine.popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT) as job:
            assert job.stdout is not None
            said = []
            for line in job.stdout:
                said.append(line)
                yield line
        if job.returncode:
            self._machine.check()
            raise LabError(f"bench: {' '.join(arguments)} failed in the machine:\n{''.join(said[-30:])}")

    def measure(self, size: int, runs: int, cases: Sequence[str], *, warm_up: bool) -> Iterator[dict[str, Any]]:
        """Yield the results of guest.py, run by run."""
        cold = [] if warm_up else ["--no-warm-up"]
        for line in self.ask("--size", str(size), "--runs", str(runs), *cold, *cases):
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                print(line, end="")  # the error output of a program there

    def memory(self) -> float:
        """Return the MiB that the process took which measured_python ran last."""
        kib = self._machine.run(["cat", f"{FOLDER}/bench/memory"], check=True).stdout
        return int(kib) / 1024

    def describe(self) -> dict[str, str]:
        """Return the conditions that the numbers depend on."""
        asked = {
            "kernel": "uname -r",
            "python": "python3 -V",
            "pyroute2": "dpkg-query -W -f '${Version}' python3-pyroute2",
            "ipvsadm": "dpkg-query -W -f '${Version}' ipvsadm",
            "keepalived": "dpkg-query -W -f '${Version}' keepalived",
            "processor": "systemd-detect-virt",
        }
        return {name: self._machine.run(command, check=True).stdout.strip() for name, command in asked.items()}
