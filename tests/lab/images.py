# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images: what they hold, and how they are made from Debian's packages.

An image is a directory of the cache with disk.img (a bare ext4 file system), and the kernel
and initrd that were taken out of the same installation, so that they always match.
"""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import tarfile
from pathlib import Path

from . import cache, initrd, sources
from .errors import LabError
from .host import SEARCH_PATH
from .progress import Progress

HERE = Path(__file__).parent
DISK_SIZE = "6G"  # sparse; room for packages and kernel headers installed in the guest

# What makes a Debian server reachable by ssh and manageable by Ansible, and nothing more.
# python3-apt: the apt module would otherwise install it first. dbus: networkctl, hostnamectl.
BARE = """
    linux-image-cloud-amd64 busybox-static systemd-sysv udev dbus kmod procps
    openssh-server python3 python3-apt ca-certificates netbase
    iproute2 iputils-ping
""".split()

# What the role installs, so that its package task finds nothing to do ...
ROLE = "dkms openssl linux-headers-cloud-amd64 python3-pyroute2 gcc make".split()
# ... and what the tests look with.
TESTS = "ipvsadm nftables tcpdump conntrack curl python3-pytest python3-hypothesis".split()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What an image is asked to hold."""

    name: str
    codename: str
    packages: tuple[str, ...]


RECIPES = {
    recipe.name: recipe
    for system, codename in sources.CODENAMES.items()
    for recipe in (
        Recipe(f"{system}-bare", codename, tuple(BARE)),
        Recipe(system, codename, tuple(BARE + ROLE + TESTS)),
    )
}


@dataclasses.dataclass(frozen=True)
class Image:
    """A built image."""

    name: str
    directory: Path

    @property
    def key(self) -> str:
        return self.directory.name

    @property
    def disk(self) -> Path:
        return self.directory / "disk.img"

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.directory / "initrd"


def recipe(name: str) -> Recipe:
    """The recipe of that name."""
    try:
        return RECIPES[name]
    except KeyError:
        raise LabError(f"no image is called {name!r}: there are {', '.join(RECIPES)}") from None


def image(name: str, progress: Progress) -> Image:
    """The image of that name, built if the cache does not have it yet."""
    wanted = recipe(name)
    public_key = cache.identity_file(progress).with_suffix(".pub").read_text(encoding="utf-8")
    apt_sources = sources.lines(wanted.codename)

    def build(directory: Path) -> None:
        progress.say(name, "building the image from Debian packages")
        with progress.waiting(name, "image from Debian packages"):
            _build(wanted, apt_sources, public_key, directory)

    return Image(name, cache.entry("images", key(wanted, apt_sources, public_key), build, progress))


def key(wanted: Recipe, apt_sources: list[str], public_key: str) -> str:
    """The cache key: a hash of everything that goes into the image."""
    scripts = {path.name: path.read_text(encoding="utf-8")
               for path in (HERE / "build_disk.sh", HERE / "customize.sh", HERE / "initrd.py", Path(__file__))}
    files = {str(path.relative_to(HERE)): path.read_text(encoding="utf-8")
             for path in sorted((HERE / "guest").rglob("*")) if path.is_file()}
    return cache.key_of([dataclasses.asdict(wanted), apt_sources, public_key, scripts, files])


def _build(wanted: Recipe, apt_sources: list[str], public_key: str, directory: Path) -> None:
    environment = dict(os.environ, PATH=SEARCH_PATH, LC_ALL="C.UTF-8")
    log = directory / "build.log"
    overlay = directory / "overlay.tar"
    packed = directory / "root.tar"
    _pack_overlay(overlay, public_key)
    with open(log, "w", encoding="utf-8") as output:
        def run(*command: str) -> None:
            status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=subprocess.STDOUT, check=False).returncode
            if status != 0:
                tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
                raise LabError(f"image {wanted.name}: {command[0]} ended with status {status}; its last lines:\n{tail}")

        run("mmdebstrap", "--variant=minbase", f"--include={','.join(wanted.packages)}",
            f"--keyring={sources.KEYRING}",
            "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Languages \"none\"",
            "--dpkgopt=force-unsafe-io",
            *(f"--dpkgopt=path-exclude=/usr/share/{path}/*" for path in ("man", "doc", "locale", "info")),
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            # apt in the guest shall know its packages without a download
            "--skip=cleanup/apt/lists",
            f"--customize-hook=tar-in {_quote(overlay)} /",
            f"--customize-hook=upload {_quote(HERE / 'customize.sh')} /customize.sh",
            "--customize-hook=chroot \"$1\" sh -eux /customize.sh",
            "--customize-hook=rm \"$1/customize.sh\"",
            wanted.codename, str(packed), *apt_sources)
        run("fakeroot", "sh", "-eu", str(HERE / "build_disk.sh"), str(packed), str(directory / "disk.img"), DISK_SIZE)
    initrd.extract(packed, kernel=directory / "vmlinuz", initrd=directory / "initrd")
    packed.unlink()
    overlay.unlink()


def _quote(path: Path) -> str:
    """mmdebstrap splits its special hooks like a shell."""
    return "'" + str(path).replace("'", "'\\''") + "'"


def _pack_overlay(path: Path, public_key: str) -> None:
    """The files below guest/, owned by root as the guest shall see them."""
    with tarfile.open(path, "w") as archive:
        def add(name: str, content: bytes, mode: int) -> None:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))

        for source in sorted((HERE / "guest").rglob("*")):
            if source.is_file():
                add(str(source.relative_to(HERE / "guest")), source.read_bytes(), 0o644)
        home = tarfile.TarInfo("root/.ssh")
        home.type, home.mode = tarfile.DIRTYPE, 0o700
        archive.addfile(home)
        add("root/.ssh/authorized_keys", public_key.encode(), 0o600)
