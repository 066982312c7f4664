# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's archive: the kernels of a release, and the packages needed to build against them.

Names of header packages are read from the release's index each time. Nothing is pinned: a
superseded kernel leaves the archive.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab import cache, sources
from lab.errors import LabError
from lab.progress import Progress


@dataclasses.dataclass(frozen=True)
class Release:
    """A release whose compiler builds the kernels of its suites."""

    name: str
    suites: tuple[str, ...]


RELEASES = {release.name: release for release in (
    Release("bullseye", ("bullseye", "bullseye-security")),
    Release("bookworm", ("bookworm", "bookworm-security", "bookworm-backports")),
    Release("trixie", ("trixie", "trixie-security", "trixie-backports")),
    Release("forky", ("forky",)),
    Release("sid", ("sid", "experimental")),
)}
DEBIAN_12_AND_13 = ("bookworm", "trixie")
FLAVOURS = ("amd64", "cloud-amd64")


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel that the module can be built for: its header package, as one suite serves it."""

    release: str
    suite: str
    package: str
    version: str

    @property
    def name(self) -> str:
        """The kernel's own name, as uname -r says it."""
        return self.package.removeprefix("linux-headers-")


@dataclasses.dataclass(frozen=True)
class Package:
    """A binary package at the version that apt would install."""

    name: str
    version: str
    depends: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.name}_{self.version}"


class Index:
    """The package index of a release, with an apt configuration of its own: the host's is not touched."""

    def __init__(self, release: Release, progress: Progress) -> None:
        self.release = release
        self.directory = cache.root() / "kmod-index" / release.name
        self.sources = self.directory / "sources.list"
        # Given on the command line, because /etc/apt/apt.conf.d outweighs a configuration file. What else stands
        # there (a proxy, say) goes on to count.
        self._options = [f"--option={name}={value}" for name, value in {
            "APT::Architecture": "amd64",
            "APT::Sandbox::User": "root",  # may read below a user's home
            "Acquire::Languages": "none",
            "Dir::State::lists": self.directory / "lists",
            "Dir::State::status": self.directory / "status",
            "Dir::Cache": self.directory,
            # Images of containers switch these off; without them each question takes a second.
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::sourcelist": self.sources,
            "Dir::Etc::sourceparts": "/dev/null",
        }.items()]
        with cache.lock(self.directory.with_name(release.name + ".lock"), progress, release.name, "another process reads its index"):
            self._refresh(progress)

    def _refresh(self, progress: Progress) -> None:
        for name in ("lists/partial", "archives/partial"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "status").write_text("", encoding="utf-8")
        archive, security = mirrors()
        self.sources.write_text("".join(
            f"deb [signed-by={sources.KEYRING}] {security if suite.endswith('-security') else archive} {suite} main\n"
            for suite in self.release.suites), encoding="utf-8")
        with progress.waiting(self.release.name, "package index"):
            update = self._run("apt-get", "update", "--error-on=any")
        if update.returncode != 0:
            raise LabError(f"the package index of {' and '.join(self.release.suites)} cannot be read from the host's "
                           f"mirror; apt-get update said:\n{update.stderr.strip()}")

    def _run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        program, *rest = command
        return subprocess.run([program, *self._options, *rest], env=dict(os.environ, LC_ALL="C.UTF-8"), cwd=cwd, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=600)

    def _ask(self, *command: str) -> str:
        answer = self._run(*command)
        if answer.returncode != 0:
            raise LabError(f"{self.release.name}: {' '.join(command[:2])} failed: {answer.stderr.strip()}")
        return answer.stdout

    def kernels(self) -> list[Kernel]:
        """Every kernel of the release's suites, in the order of their versions."""
        names = self._ask("apt-cache", "pkgnames", "linux-headers-").split()
        flavours = "|".join(FLAVOURS)
        # linux-headers-6.12-amd64 and the like are metapackages of a backport, without the ABI's own name.
        wanted = sorted(name for name in names if re.fullmatch(rf"linux-headers-\d[^-]*(-\d[^-]*)?-({flavours})", name))
        metapackages = {name for name, package in self.packages(wanted).items()
                        if any(dependency in wanted for dependency in package.depends)}
        found: dict[str, Kernel] = {}
        for package, version, suite in self._served(name for name in wanted if name not in metapackages):
            found.setdefault(package, Kernel(self.release.name, suite, package, version))
        return sorted(found.values(), key=lambda kernel: _natural(kernel.name))

    def current_kernels(self) -> list[Kernel]:
        """The kernels that the release and its security suite install today, both flavours."""
        metapackages = [f"linux-headers-{flavour}" for flavour in FLAVOURS]
        current: dict[str, Kernel] = {}
        for package, version, suite in self._served(metapackages):
            if not suite.endswith("-backports"):
                [concrete] = [name for name in self._show(f"{package}={version}")[0].depends if name.startswith("linux-headers-")]
                current[concrete] = Kernel(self.release.name, suite, concrete, version)
        return sorted(current.values(), key=lambda kernel: _natural(kernel.name))

    def _served(self, names: Iterable[str]) -> list[tuple[str, str, str]]:
        """Package, version and suite of everything called one of these names, newest version first."""
        lines = self._ask("apt-cache", "madison", *names).splitlines()
        fields = [[field.strip() for field in line.split("|")] for line in lines]
        return [(package, version, where.split()[1].split("/")[0]) for package, version, where in fields]

    def packages(self, names: Iterable[str]) -> dict[str, Package]:
        """The packages of these names that apt would install."""
        names = list(names)
        return {package.name: package for package in self._show(*names)} if names else {}

    def _show(self, *names: str) -> list[Package]:
        stanzas = self._ask("apt-cache", "show", "--no-all-versions", *names).strip().split("\n\n")
        result = []
        for stanza in stanzas:
            field = dict(re.findall(r"^(Package|Version|Depends): (.*)$", stanza, re.MULTILINE))
            # Of alternatives the first: the archive is complete, so it is what apt takes too.
            depends = tuple(clause.split()[0].split(":")[0] for clause in field.get("Depends", "").split(",") if clause)
            result.append(Package(field["Package"], field["Version"], depends))
        return result

    def closure(self, kernel: Kernel) -> tuple[list[Package], list[str]]:
        """The kernel's own packages, to be unpacked, and what they need of the release: compiler, libraries."""
        own: dict[str, Package] = {}
        needs: set[str] = set()
        ask = [kernel.package]
        while ask:
            found = self.packages(ask)
            own.update(found)
            depends = {name for package in found.values() for name in package.depends}
            ask = [name for name in depends - own.keys() if re.match(r"linux-(headers|kbuild|compiler)-", name)]
            # The headers of 6.12 and later want an image to be installed too; building needs none.
            needs |= {name for name in depends if not name.startswith("linux-")}
        return list(own.values()), sorted(needs)

    def solution(self, names: Iterable[str]) -> list[str]:
        """Everything, with versions, that installing these packages into nothing would install."""
        lines = self._ask("apt-get", "install", "--simulate", "--no-install-recommends", *names).splitlines()
        return sorted(line.removeprefix("Inst ") for line in lines if line.startswith("Inst "))

    def access(self) -> list[str]:
        """The host's apt settings on how an archive is reached and believed, which mmdebstrap does not look at."""
        return [line for line in self._ask("apt-config", "dump").splitlines()
                if re.match(r"Acquire::(Check-Valid-Until|Check-Date|https?::Proxy\S*) ", line)]

    def download(self, packages: Iterable[Package], directory: Path) -> dict[str, Path | str]:
        """Fetch packages; for each key the file, or the reason why there is none."""
        packages = list(packages)
        answer = self._run("apt-get", "download", *(f"{package.name}={package.version}" for package in packages), cwd=directory)
        result: dict[str, Path | str] = {}
        for package in packages:
            files = list(directory.glob(f"{package.name}_{package.version.replace(':', '%3a')}_*.deb"))
            if files:
                result[package.key] = files[0]
            else:
                # "E: Failed to fetch ADDRESS.deb  404  Not Found [IP: ADDRESS]"
                said = re.findall(rf"/{re.escape(package.name)}_\S+\.deb\s+(.*?)\s*(?:\[IP: .*)?$", answer.stderr, re.MULTILINE)
                result[package.key] = " ".join((said or answer.stderr.splitlines()[-1:] or ["no reason given"])[0].split())
        return result


def mirrors() -> tuple[str, str]:
    """The host's mirrors of Debian and of its security updates."""
    uri_of = {}
    for line in sources.lines("SUITE"):
        _deb, uri, suite, _component = line.split()
        uri_of[suite] = uri
    if "SUITE-security" not in uri_of:
        raise LabError(f"the host's apt sources have no Debian '{sources.host_codename()}-security main', from which the "
                       "security updates of the other releases could be had too: see 'apt-get indextargets', and add it below /etc/apt")
    return uri_of["SUITE"], uri_of["SUITE-security"]


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(number or 0), text) for number, text in re.findall(r"(\d+)|(\D+)", name)]
