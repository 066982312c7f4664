# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that boots by itself: a partition table, GRUB before the first partition, and Debian's own initrd in it.

Other machines get their kernel from QEMU, which is faster, but would get the same one for ever. Here it is as on any
Debian machine with a BIOS: GRUB reads /boot/grub/grub.cfg, which update-grub writes anew when a kernel is installed.
Only grub-install is not run: it wants to see the disk that is still to be made.
"""

from __future__ import annotations

import struct
import subprocess
import tarfile
from pathlib import Path

PACKAGES = "grub2-common grub-pc-bin initramfs-tools".split()

SECTOR = 512
START = 2048
"""The sector where partitioning programs have the first partition begin. GRUB's place is before it."""

SETUP = """\
# The disk's driver is all that a known machine needs to boot, and no driver of others has to be packed, or loaded.
printf '%s\\n' virtio_pci virtio_blk ext4 >>/etc/initramfs-tools/modules
update-initramfs -c -k all

# As grub-install does it.
mkdir -p /boot/grub
cp -r /usr/lib/grub/i386-pc /boot/grub/
grub-mkimage --format=i386-pc --prefix='(hd0,msdos1)/boot/grub' --output=/boot/grub/i386-pc/core.img biosdisk part_msdos ext2

# For the first boot. Debian's hooks write this file anew for the next kernel, but only where there is one.
. /etc/default/grub.d/lab.cfg
kernel=$(linux-version list)
cat >/boot/grub/grub.cfg <<END
linux /boot/vmlinuz-$kernel root=/dev/vda1 $GRUB_CMDLINE_LINUX
initrd /boot/initrd.img-$kernel
boot
END
"""

CUSTOMIZE_HOOKS = ['--customize-hook=chroot "$1" sh -eux /bootloader.sh', '--customize-hook=rm "$1/bootloader.sh"']


def files(kernel_arguments: str) -> dict[str, bytes]:
    """What the guest shall have, by path, before ``CUSTOMIZE_HOOKS`` are run in it."""
    settings = ("GRUB_TIMEOUT=0", "GRUB_TERMINAL=serial", "GRUB_DISABLE_OS_PROBER=true", f'GRUB_CMDLINE_LINUX="rw {kernel_arguments}"')
    return {
        "bootloader.sh": SETUP.encode(),
        "etc/default/grub.d/lab.cfg": "".join(f"{line}\n" for line in settings).encode(),
        "etc/initramfs-tools/conf.d/lab": b"MODULES=list\nCOMPRESS=gzip\n",
    }


def install(packed: Path, disk: Path) -> None:
    """Make the file system ``disk`` the first partition of a disk that boots, with GRUB from the tar archive of the system."""
    with tarfile.open(packed) as archive:
        boot, core = (_read(archive, f"./boot/grub/i386-pc/{name}") for name in ("boot.img", "core.img"))
    if len(core) > (START - 1) * SECTOR:
        raise ValueError("GRUB does not fit before the first partition")
    system = disk.with_suffix(".system")
    disk.rename(system)
    size = system.stat().st_size
    partition = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", START, size // SECTOR)
    with open(disk, "wb") as output:
        # Where boot.img looks for the next sector, and that one for the others, is from the second sector on by itself.
        output.write(boot[:446] + partition + bytes(48) + b"\x55\xaa" + core)
        output.truncate(START * SECTOR + size)
    subprocess.run(["dd", "status=none", f"if={system}", f"of={disk}", f"bs={START * SECTOR}", "seek=1", "conv=sparse,notrunc"], check=True,
                   timeout=300)
    system.unlink()


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    handle = archive.extractfile(name)
    assert handle is not None, name
    return handle.read()
