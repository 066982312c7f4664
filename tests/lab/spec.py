# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a machine."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from typing import Any

from .errors import LabError

FOR_THE_INVENTORY = {"groups", "children"}
"""Keys of molecule's platforms that mean nothing to a machine."""


@dataclasses.dataclass(frozen=True)
class MachineSpec:
    """The specification of a machine (an item of molecule's platforms)."""

    name: str
    image: str = "debian12"
    memory: int = 256
    cpus: int = 1
    lan: str | None = None
    secure_boot: bool = False
    """Booted by UEFI firmware that says that Secure Boot is on. (It does not look at the kernel, which QEMU gives to it.)"""
    keep_disk: bool = False
    """What it writes survives the end of its QEMU, for a machine that is powered off and on again."""

    @property
    def kind(self) -> tuple[str, int, int, bool]:
        """The properties that machines with the same template share."""
        return self.image, self.memory, self.cpus, self.secure_boot

    @classmethod
    def parse(cls, values: dict[str, Any]) -> MachineSpec:
        """A checked specification from decoded JSON."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = set(values) - known - FOR_THE_INVENTORY
        if unknown:
            raise LabError(f"machine {values.get('name')!r}: unknown key {', '.join(sorted(unknown))}; "
                           f"known are {', '.join(sorted(known | FOR_THE_INVENTORY))}")
        if not isinstance(values.get("name"), str) or not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", values["name"]):
            raise LabError(f"machine {values.get('name')!r}: the name must be a host name of small letters, digits and -")
        for number in ("memory", "cpus"):
            if not isinstance(values.get(number, 1), int) or values.get(number, 1) < 1:
                raise LabError(f"machine {values['name']!r}: {number} must be a positive whole number")
        for flag in ("secure_boot", "keep_disk"):
            if not isinstance(values.get(flag, False), bool):
                raise LabError(f"machine {values['name']!r}: {flag} must be true or false")
        if values.get("lan") is not None:
            try:
                if "/" not in str(values["lan"]):
                    raise ValueError("the prefix length is missing")
                ipaddress.ip_interface(values["lan"])
            except ValueError as error:
                raise LabError(f"machine {values['name']!r}: lan must be like 10.211.55.3/24: {error}") from None
        return cls(**{name: value for name, value in values.items() if name in known})
