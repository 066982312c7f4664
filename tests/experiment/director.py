# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The director: read its table over ssh, change it with the collection's own modules."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiment import table
from experiment.service import Service


class Director:
    def __init__(
        self,
        run: Callable[[str], str],
        inventory: Path,
        told: Callable[[str], None] = lambda command: None,
    ) -> None:
        """`run` is one command in the director, `told` hears of every ansible command line."""
        self.run = run
        self.inventory = inventory
        self.told = told

    def table(self, service: Service) -> table.Table:
        return table.parse(self.run(table.command(service)))

    def weigh(self, service: Service, address: str, weight: int) -> None:
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
            destinations=[
                {"address": destination.address, "port": destination.port} for destination in service.destinations
            ],
        )

    def module(self, name: str, **options: Any) -> None:
        command = ["ansible", "directors", "-i", str(self.inventory)]
        command += ["-m", name, "-a", json.dumps(options)]
        self.told(shlex.join(command))
        # The ansible of the interpreter that runs this, whatever PATH says.
        command[0] = str(Path(sys.executable).with_name("ansible"))
        done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")


def identity(service: Service) -> dict[str, Any]:
    return {"protocol": "tcp", "address": service.address, "port": service.port}
