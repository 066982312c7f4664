# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The director: read its table over ssh, change it with the collection's own modules."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Table
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Service

from experiment import table

# Seconds for one of Ansible's tasks, in an emulated machine.
LIMIT = 300.0


class Director:
    def __init__(
        self,
        run: Callable[[str], str],
        inventory: Path,
        told: Callable[[str], None] = lambda command: None,
    ) -> None:
        """`run` runs a command on the director; `told` receives every ansible command line."""
        self.run = run
        self.inventory = inventory
        self.told = told

    def table(self, service: Service) -> Table:
        return table.parse(self.run(table.command(service)))

    def set_weight(self, service: Service, address: str, weight: int) -> None:
        self.module(
            "lvs.director.ipvs_destination",
            service=identity(service),
            address=address,
            port=service.port,
            weight=weight,
        )

    def arrange(self, service: Service) -> None:
        """Give the service's destinations in their order, and say nothing else about them."""
        self.module(
            "lvs.director.ipvs_service",
            **identity(service),
            destinations=[{"address": destination.address, "port": destination.port} for destination in service.destinations],
        )

    def module(self, name: str, **options: Any) -> None:
        command = ["ansible", "directors", "-i", str(self.inventory)]
        command += ["-m", name, "-a", folded(options)]
        self.told(shlex.join(command))
        command[0] = program(command[0])
        done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LIMIT)
        if done.returncode:
            raise IpvsExperimentError(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")


def folded(options: dict[str, Any]) -> str:
    """As JSON in lines that can be shown: between options a line break is as good as a space."""
    items = (json.dumps({option: value})[1:-1].replace(" ", "\0") for option, value in options.items())
    return "{" + textwrap.fill(", ".join(items), 84).replace("\0", " ") + "}"


def program(name: str) -> str:
    """The path of one of Ansible's programs, from the environment of this interpreter."""
    return str(Path(sys.executable).with_name(name))


def identity(service: Service) -> dict[str, Any]:
    return {"protocol": "tcp", "address": service.address, "port": service.port}
