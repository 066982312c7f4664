# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place to build in: a release's compiler and tools, with one kernel's header packages laid over them.

Both are cached as plain directories that belong to whoever runs this. They are joined by a
read-only overlay in a mount namespace, so that a new kernel costs the unpacking of three packages,
and an ordinary user can do it all: in a user namespace of one user, which owns every file.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from lab import cache, tree
from lab.errors import LabError
from lab.host import SEARCH_PATH
from lab.progress import Progress

from .archive import Index, Kernel, Package

HERE = Path(__file__).parent
KIND = "kmod"
# make and sparse for the kernel's build; gcc and libc6-dev for kmod_tests, which run the scheduler in user space.
TOOLS = ("make", "sparse", "gcc", "libc6-dev")

# $1 the overlay's layers, $2 the directory to work in, $3 an empty directory, the rest: a command.
ENTER = """
mount -t overlay -o "ro,lowerdir=$1" overlay "$3"
mount --rbind /dev "$3/dev"
mount --rbind /proc "$3/proc"
mount -t tmpfs tmpfs "$3/tmp"
mount --bind "$2" "$3/mnt"
root=$3
shift 3
exec chroot "$root" /usr/bin/env --ignore-environment PATH=/usr/bin:/bin LC_ALL=C.UTF-8 \\
    sh -c 'cd /mnt && exec "$@"' sh "$@"
"""


@dataclasses.dataclass(frozen=True)
class Root:
    """Where one kernel's module can be built."""

    layers: tuple[Path, ...]

    def run(self, directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the root, with a directory of the host's as its working directory."""
        user = () if os.geteuid() == 0 else ("--map-root-user",)
        with tempfile.TemporaryDirectory(prefix="kmod-root-") as mount_point:
            return subprocess.run(
                ["unshare", *user, "--mount", "sh", "-euc", ENTER, "sh",
                 ":".join(map(str, self.layers)), str(directory), mount_point, *command],
                env=dict(os.environ, PATH=SEARCH_PATH), text=True, errors="replace", stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=900)


def roots(index: Index, kernels: Iterable[Kernel], progress: Progress) -> dict[Kernel, Root | str]:
    """For each kernel its root, or the reason why there is none."""
    own: dict[Kernel, list[Package]] = {}
    needs: set[str] = set(TOOLS)
    for kernel in kernels:
        own[kernel], others = index.closure(kernel)
        needs |= set(others)
    tools = _tools(index, needs, progress)
    unpacked = _unpack(index, {package.key: package for packages in own.values() for package in packages}, progress)
    result: dict[Kernel, Root | str] = {}
    for kernel, packages in own.items():
        layers = [unpacked[package.key] for package in packages]
        refusals = sorted({layer for layer in layers if isinstance(layer, str)})
        if refusals:
            result[kernel] = f"the index lists its packages, the archive refuses them: {', '.join(refusals)}"
        else:
            result[kernel] = Root((*(layer for layer in layers if isinstance(layer, Path)), tools))
    _require_entry([root for root in result.values() if isinstance(root, Root)][:1])
    return result


def _require_entry(some: list[Root]) -> None:
    """Whether a root can be entered is a matter of the host, not of a kernel: say so once, and as such."""
    for root in some:
        with tempfile.TemporaryDirectory() as directory:
            entered = root.run(Path(directory), "true")
        if entered.returncode != 0:
            raise LabError("a directory to build in cannot be entered: it takes a mount namespace with an overlay, which root has, "
                           f"and others where the kernel lets them have user namespaces. unshare said: {entered.stdout.strip()}")


def _tools(index: Index, needs: set[str], progress: Progress) -> Path:
    """The release's compiler, make and sparse, and the libraries that the kernel's own tools need."""
    solution = index.solution(needs)
    name = index.release.name

    def build(directory: Path) -> None:
        progress.say(name, f"installing {len(solution)} packages and the essential ones into a directory")
        tree.make(directory, name, needs, [str(index.sources)], index.access(), progress)

    key = f"tools-{name}-{cache.key_of([solution, tree.OPTIONS])}"
    return cache.entry(KIND, key, build, progress) / "root"


def _unpack(index: Index, packages: dict[str, Package], progress: Progress) -> dict[str, Path | str]:
    """For each key the directory that holds the unpacked package, or the reason why there is none."""
    directory_of = {key: cache.root() / KIND / key for key in packages}
    missing = [package for key, package in packages.items() if not directory_of[key].is_dir()]
    files: dict[str, Path | str] = {}
    with tempfile.TemporaryDirectory(prefix="download-", dir=_make(cache.root() / KIND)) as scratch:
        if missing:
            with progress.waiting(index.release.name, f"download of {len(missing)} packages"):
                files = index.download(missing, Path(scratch))
        result: dict[str, Path | str] = {}
        for key in packages:
            file = files.get(key, directory_of[key])
            if isinstance(file, str):
                result[key] = file
                continue
            with progress.waiting(index.release.name, f"unpacking {key}"):
                result[key] = cache.entry(KIND, key, functools.partial(_extract, file), progress)
    return result


def checkpatch(index: Index, progress: Progress) -> Path:
    """The kernel's checkpatch.pl, from the release's package of kernel sources: header packages do not have it."""
    [source] = index.packages(["linux-source"]).values()
    [concrete] = index.packages(source.depends).values()

    def build(directory: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="download-", dir=directory.parent) as scratch:
            with progress.waiting(index.release.name, f"checkpatch.pl from {concrete.name}"):
                file = index.download([concrete], Path(scratch))[concrete.key]
                if isinstance(file, str):
                    raise LabError(f"checkpatch.pl is in Debian's kernel sources, but {concrete.name} cannot be fetched: {file}")
                subprocess.run(
                    ["bash", "-euo", "pipefail", "-c",
                     'dpkg-deb --fsys-tarfile "$1" | tar --extract --to-stdout --wildcards "./usr/src/linux-source-*.tar.xz"'
                     ' | tar --extract --xz --directory "$2" --strip-components=2 --wildcards "*/scripts/checkpatch.pl"'
                     ' "*/scripts/spelling.txt" "*/scripts/const_structs.checkpatch"', "bash", str(file), str(directory)],
                    check=True, timeout=900)

    # Not by its version: the script changes with the kernel's series, and each update would cost 140 MB.
    return cache.entry(KIND, f"checkpatch-{concrete.name}", build, progress) / "checkpatch.pl"


def _make(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _extract(file: Path, directory: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", str(file), str(directory)], check=True, timeout=900)
    os.utime(directory)  # dpkg-deb gave it the package's date, which the cache would take for its last use
    # /lib/modules/*/build. On a release with a merged /usr this directory would hide the link /lib.
    shutil.rmtree(directory / "lib", ignore_errors=True)
    for scripts in directory.glob("usr/lib/linux-kbuild-*/scripts"):
        if not (scripts / "checker-valid.sh").exists():
            shutil.copy(HERE / "checker-valid.sh", scripts)
            (scripts / "checker-valid.sh").chmod(0o755)
