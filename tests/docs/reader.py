# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader who follows the pages, with an empty home directory, a directory for saved files, and a terminal.

No path leads to this checkout or to the environment of the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from docs.blocks import Block
from docs.guides import saved
from docs.plays import written
from lab import Machine
from lab.inventory import COMMON, variables
from tools import artefact
from tools.checkout import BUILD, ROOT

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# If one were missing, another Ansible on this machine would be found.
PROGRAMS = ("ansible-galaxy", "ansible-inventory", "ansible-playbook")
# A reader's inventory does not say it: Ansible finds it.
UNKNOWN = {"ansible_python_interpreter"}


class Reader:
    """Types the commands of the pages, and has Ansible run their blocks."""

    def __init__(self, folder: Path, machines: Iterable[Machine], controller: Path | None) -> None:
        """`controller` has Ansible's programs; without it, the reader creates an environment, as in the README."""
        self.folder = folder / "files"
        self._said = folder / "said"
        self._terminal = folder / "terminal"
        self.home = folder / "home"
        for each in (self.folder, self.folder / "host_vars", self.home):
            each.mkdir()
        if controller and (missing := [name for name in PROGRAMS if not (controller / name).exists()]):
            raise FileNotFoundError(f"{controller}, which is to run the guides, has no {', '.join(missing)}")
        path = f"{controller}:{SYSTEM_PATH}" if controller else SYSTEM_PATH
        self._environment = {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8"}
        if not controller:
            self._environment |= for_pip(folder)
        self._terminal.touch()
        for name, text in saved().items():
            (self.folder / name).write_text(text, encoding="utf-8")
        shutil.copy(BUILD / artefact.file_name(), self.folder)
        self._save_inventory(machines)

    def _save_inventory(self, machines: Iterable[Machine]) -> None:
        """Set the lab's addresses of the machines that pages name, and add the others."""
        common = {name: value for name, value in COMMON.items() if name not in UNKNOWN}
        names = []
        for machine in machines:
            names.append(machine.name)
            (self.folder / "host_vars" / f"{machine.name}.yml").write_text(yaml.safe_dump({**common, **variables(machine)}))
        servers: dict[str, Any] = {name: {} for name in names if name.startswith("server")}
        (self.folder / "servers.yml").write_text(yaml.safe_dump({"realservers": {"hosts": servers}}))

    def types(self, line: str) -> str:
        """Type a command, and return its output. Variables it sets last, as in any terminal.

        :raises AssertionError: it failed.
        """
        script = f". {self._terminal}\n{line}\nexport -p >{self._terminal}"
        # A file, because a connection that ssh keeps open would keep a pipe open.
        with self._said.open("w+", encoding="utf-8") as said:
            ended = subprocess.run(
                ["/bin/sh", "-ec", script],
                check=False,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                timeout=1200,
            )
            said.seek(0)
            text = "\n".join(one.rstrip() for one in said)
        assert ended.returncode == 0, f"{line}\n{text}"
        return text

    def plays(self, block: Block) -> str:
        """Have Ansible run a block, a playbook exactly as written, and return the output."""
        name = block.name if block.kind == "playbook" and block.name else re.sub(r"\W+", "-", str(block)) + ".yml"
        text = block.text if block.kind == "playbook" else yaml.safe_dump(written(block), sort_keys=False)
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.types(f"ansible-playbook -i inventory.yml -i servers.yml {name} --diff")


def for_pip(folder: Path) -> dict[str, str]:
    """Return pip's settings on this machine, with the tests' versions as constraints."""
    pinned = re.search(r"^ansible-core==.*$", (ROOT / "tests" / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned
    constraints = folder / "constraints.txt"
    constraints.write_text(f"{pinned[0]}\n{(ROOT / 'tests' / 'constraints.txt').read_text(encoding='utf-8')}", encoding="utf-8")
    own = Path.home() / ".config" / "pip" / "pip.conf"
    given = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")}
    return {"PIP_CONFIG_FILE": str(own), **given, "PIP_CONSTRAINT": str(constraints)}
