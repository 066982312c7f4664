# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Debian packages come from: the mirrors that the host's own apt uses."""

from __future__ import annotations

import functools
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


def lines(codename: str, *, backports: bool = False) -> list[str]:
    """One-line apt sources of a suite, as the host would have them had it that suite.

    With ``backports``, these too, which the host itself need not have: the same mirrors serve them.
    """
    found = translate(_targets(), host_codename(), codename)
    if backports:
        found += [line.replace(f" {codename} main", f" {codename}-backports main") for line in found if line.endswith(f" {codename} main")]
    return found


@functools.cache
def _targets() -> str:
    return subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)", "Created-By: Packages"],
        check=True, text=True, stdout=subprocess.PIPE, timeout=60).stdout


def translate(targets: str, host: str, codename: str) -> list[str]:
    """The host's index targets (URI, release, component, origin), moved to another suite.

    Only what Debian itself serves counts: nobody else's repository has the packages of an image.
    """
    result = set()
    for target in targets.splitlines():
        uri, release, component, origin = target.split(maxsplit=3)
        # apt leaves $(ORIGIN) as it is before the first "apt-get update"
        debian = origin == "Debian" or (origin == "$(ORIGIN)" and "debian" in uri)
        suffix = release.removeprefix(host)
        if debian and component == "main" and release.startswith(host) and suffix in ("", "-updates", "-security"):
            result.add(f"deb {uri.rstrip('/')} {codename}{suffix} main")
    if not any(line.endswith(f" {codename} main") for line in result):
        raise LabError(f"the host's apt sources have no Debian '{host} main' whose mirror could serve {codename}: "
                       "see 'apt-get indextargets', and add it below /etc/apt")
    return sorted(result)


@functools.cache
def proxies() -> list[str]:
    """The host's apt proxies, as lines of an apt configuration: where it needs one, so does a guest."""
    dump = subprocess.run(["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', "Acquire::http::Proxy", "Acquire::https::Proxy"],
                          check=True, text=True, stdout=subprocess.PIPE, timeout=60).stdout
    return dump.splitlines()
