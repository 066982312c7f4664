# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Debian packages come from: the mirrors that the host's own apt uses."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .errors import LabError

CODENAMES = {"debian12": "bookworm", "debian13": "trixie"}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def host_codename() -> str:
    """The host's own suite."""
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        key, _equals, value = line.partition("=")
        if key == "VERSION_CODENAME":
            return value.strip('"')
    raise LabError("/etc/os-release has no VERSION_CODENAME: the lab takes its packages from a Debian host's apt sources")


def lines(codename: str) -> list[str]:
    """One-line apt sources of a suite, as the host would have them had it that suite."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        check=True, text=True, stdout=subprocess.PIPE).stdout
    return translate(targets, host_codename(), codename)


def translate(targets: str, host: str, codename: str) -> list[str]:
    """The host's index targets (URI, release, component), moved to another suite.

    Only the releases that Debian itself serves count: a third party's repository has none of
    the packages that an image is made of.
    """
    result = []
    for target in targets.splitlines():
        uri, release, component = target.split()
        suffix = release.removeprefix(host)
        if release.startswith(host) and suffix in ("", "-updates", "-security") and component == "main" and "debian" in uri:
            result.append(f"deb {uri.rstrip('/')} {codename}{suffix} main")
    if not any(line.endswith(f" {codename} main") for line in result):
        raise LabError(f"the host's apt sources have no Debian '{host} main' whose mirror could serve {codename}: "
                       "see 'apt-get indextargets', and add it below /etc/apt")
    return sorted(set(result))
