# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images: their contents, and how they are built from Debian's packages.

An image is a directory of the cache with disk.img (a bare ext4 file system), and the kernel
and initrd that were taken out of the same installation, so that they always match. Where a
scenario is about which kernel boots, the disk has a boot loader instead: bootloader.py.
"""

from __future__ import annotations

import dataclasses
import io
import os
import shlex
import subprocess
import tarfile
import time
from pathlib import Path

from . import apt, bootloader, cache, initrd, sources
from .errors import LabError
from .host import SEARCH_PATH
from .progress import Progress
from .tail import tail

HERE = Path(__file__).parent
GUEST = HERE / "guest"
CUSTOMIZE = HERE / "customize.sh"
BUILD_DISK = HERE / "build_disk.sh"
BUILD_PATIENCE = 1800.0  # seconds for one program of a build
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
# What the bench measures with and against: the role, which builds the scheduler; its compiler also has bench/floor.c.
BENCH = [*ROLE, *"libc6-dev ipvsadm keepalived".split()]

# What a director is watched with, and who watches it.
MONITORING = [*ROLE, *TESTS, *"prometheus prometheus-node-exporter".split()]

# What is left of mitigations costs emulated time and protects nobody here.
KERNEL_ARGUMENTS = ("console=ttyS0 net.ifnames=0 mitigations=off audit=0 quiet systemd.show_status=0 "
                    # an oops shall end the machine, and so be reported, instead of a test being fooled by what is left
                    "oops=panic")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The contents of an image."""

    name: str
    codename: str
    packages: tuple[str, ...]
    backports: bool = False
    """Whether apt in the guest knows them; it takes nothing from there that it is not told to."""
    boot_loader: bool = False
    """Whether the machine boots by itself, and so into the kernel that its own configuration names."""

    @property
    def sources(self) -> list[str]:
        return sources.lines(self.codename, backports=self.backports)


RECIPES = {
    recipe.name: recipe
    for system, codename in sources.CODENAMES.items()
    for recipe in (
        Recipe(f"{system}-bare", codename, tuple(BARE)),
        Recipe(system, codename, tuple(BARE + ROLE + TESTS)),
        Recipe(f"{system}-bench", codename, tuple(BARE + BENCH)),
        Recipe(f"{system}-monitoring", codename, tuple(BARE + MONITORING)),
    )
}


def _with_kernel_of(suite: str, packages: list[str]) -> tuple[str, ...]:
    """These packages, of which those of the kernel come from this suite."""
    return tuple(f"{package}/{suite}" if package in ("linux-image-cloud-amd64", "linux-headers-cloud-amd64") else package
                 for package in packages)


RECIPES |= {recipe.name: recipe for recipe in (
    # The newest kernel that Debian has for it; and the one of the last point release, before the updates since.
    Recipe("debian13-backports", "trixie", _with_kernel_of("trixie-backports", BARE + ROLE + TESTS), backports=True),
    Recipe("debian12-released", "bookworm", _with_kernel_of("bookworm", BARE + TESTS + ["python3-pyroute2"])),
    # For who installs another kernel, and boots it.
    Recipe("debian13-grub", "trixie", tuple(BARE + ROLE + TESTS + bootloader.PACKAGES), backports=True, boot_loader=True),
)}


@dataclasses.dataclass(frozen=True)
class Image:
    """A built image."""

    name: str
    directory: Path
    boot_loader: bool = False

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
    overlay = _overlay(wanted, cache.identity_file(progress).with_suffix(".pub").read_text(encoding="utf-8"))

    def build(directory: Path) -> None:
        started = time.monotonic()
        progress.say(name, "building the image from Debian packages")
        with progress.waiting(name, "image from Debian packages", lambda: _stage(directory)):
            _build(wanted, overlay, directory)
        progress.say(name, f"built after {time.monotonic() - started:.0f} s")

    def _stage(directory: Path) -> str:
        said = [line.removeprefix("I: ") for line in tail(directory / "build.log", 200) if line.startswith("I: ")]
        return f": {said[-1]}" if said else ""

    return Image(name, cache.entry("images", key(wanted, overlay, progress), build, progress), wanted.boot_loader)


def key(wanted: Recipe, overlay: Overlay, progress: Progress) -> str:
    """The cache key: a hash of everything that goes into the image, the packages' versions included."""
    return cache.key_of([
        _mmdebstrap(wanted, Path("overlay"), Path("packed")),
        apt.solution(wanted.codename + ("-backports" if wanted.backports else ""), wanted.sources, wanted.packages, progress),
        {name: [mode, content.decode()] for name, (mode, content) in overlay.items()},
        [path.read_text(encoding="utf-8") for path in (BUILD_DISK, Path(initrd.__file__))],
        DISK_SIZE,
        *([Path(bootloader.__file__).read_text(encoding="utf-8")] if wanted.boot_loader else []),
    ])


def _build(wanted: Recipe, overlay: Overlay, directory: Path) -> None:
    packed, files, log = directory / "root.tar", directory / "overlay.tar", directory / "build.log"
    _pack(overlay, files)
    for command in (_mmdebstrap(wanted, files, packed),
                    ["fakeroot", "sh", "-eu", str(BUILD_DISK), str(packed), str(directory / "disk.img"), DISK_SIZE]):
        status = _run(command, log)
        if status != 0:
            last = "\n".join(f"    {line}" for line in tail(log))
            raise LabError(f"image {wanted.name}: {command[0]} ended with status {status}; its last words:\n{last}")
    initrd.extract(packed, kernel=directory / "vmlinuz", initrd=directory / "initrd")
    if wanted.boot_loader:
        bootloader.install(packed, directory / "disk.img")
    packed.unlink()
    files.unlink()


def _run(command: list[str], log: Path) -> int:
    # INITRD: the kernel's package shall not make an initrd either, which nobody would use
    environment = dict(os.environ, PATH=SEARCH_PATH, LC_ALL="C.UTF-8", INITRD="No")
    with (open(log, "ab") as output,
          subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as job):
        try:
            return job.wait(BUILD_PATIENCE)
        except subprocess.TimeoutExpired:
            job.terminate()
            raise LabError(f"{command[0]} has not ended within {BUILD_PATIENCE:.0f} s; what it said is in {log}") from None
        except BaseException:
            job.terminate()  # not killed: mmdebstrap has mounts and a gigabyte to clear away
            raise


def _mmdebstrap(wanted: Recipe, overlay: Path, packed: Path) -> list[str]:
    return ["mmdebstrap", "--variant=minbase", f"--include={','.join(wanted.packages)}", f"--keyring={sources.KEYRING}",
            # These stay in force in the guest.
            *(f"--aptopt={line}" for line in ('APT::Install-Recommends "false";', 'Acquire::Languages "none";', *sources.proxies())),
            "--dpkgopt=force-unsafe-io",
            *(f"--dpkgopt=path-exclude=/usr/share/{path}/*" for path in ("man", "doc", "locale", "info")),
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            # apt in the guest shall know its packages without a download
            "--skip=cleanup/apt/lists",
            f"--customize-hook=tar-in {shlex.quote(str(overlay))} /",
            '--customize-hook=chroot "$1" sh -eux /customize.sh',
            '--customize-hook=rm "$1/customize.sh"',
            *(bootloader.CUSTOMIZE_HOOKS if wanted.boot_loader else []),
            wanted.codename, str(packed), *wanted.sources]


Overlay = dict[str, tuple[int, bytes]]
"""Files of the guest by path: mode and content."""


def _overlay(wanted: Recipe, public_key: str) -> Overlay:
    overlay: Overlay = {str(path.relative_to(GUEST)): (0o644, path.read_bytes())
                        for path in sorted(GUEST.rglob("*")) if path.is_file()}
    overlay["customize.sh"] = (0o644, CUSTOMIZE.read_bytes())
    overlay["root/.ssh/authorized_keys"] = (0o600, public_key.encode())
    if wanted.boot_loader:
        overlay |= {name: (0o644, content) for name, content in bootloader.files(KERNEL_ARGUMENTS).items()}
    return overlay


def _pack(overlay: Overlay, path: Path) -> None:
    """An archive of these files, owned by root as the guest shall see them."""
    with tarfile.open(path, "w") as archive:
        for name, (mode, content) in overlay.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
