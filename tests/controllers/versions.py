# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions of ansible-core a controller may have, on which Python they are tested, and which patch release is the newest."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass

from lab.errors import LabError


@dataclass(frozen=True)
class Version:
    """A minor version of ansible-core."""

    name: str
    python: str
    """A Debian's Python, the newest that this ansible-core is made for."""
    system: str | None = None
    """The Debian that has it, where the host's has another one."""


# ansible-core 2.20 and later want Python 3.12 or newer, which Debian 12 does not have.
VERSIONS = {
    version.name: version
    for version in (
        Version("2.19", "3.11"),
        Version("2.20", "3.13", "debian13"),
        Version("2.21", "3.13", "debian13"),
    )
}


def wanted(names: list[str]) -> list[Version]:
    """Return the versions of these names, all of them if none is named."""
    if unknown := sorted(set(names) - set(VERSIONS)):
        raise LabError(f"no controller is tested with ansible-core {', '.join(unknown)}: there are {', '.join(VERSIONS)}")
    return [VERSIONS[name] for name in names or VERSIONS]


def newest(version: Version) -> str:
    """Ask the package index for the newest patch release."""
    command = [sys.executable, "-m", "pip", "index", "versions", "ansible-core", "--python-version", version.python, "--only-binary=:all:"]
    asked = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    releases = patch_releases(asked.stdout, version.name)
    if not releases:
        raise LabError(
            f"the package index serves no ansible-core {version.name} for Python {version.python}; "
            f"{' '.join(command[1:5])} said:\n{(asked.stdout + asked.stderr).strip()}"
        )
    return max(releases, key=lambda release: int(release.rpartition(".")[2]))


def patch_releases(said: str, name: str) -> list[str]:
    """Return pip's releases of a minor version, without pre-releases."""
    listed = re.search(r"^Available versions: (.*)$", said, re.MULTILINE)
    return [release for release in listed.group(1).split(", ") if re.fullmatch(rf"{re.escape(name)}\.\d+", release)] if listed else []
