# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the kernel out of an installed system, and make the smallest initrd that boots it.

Debian's own initrd starts udev and tries everything; under software emulation that is a third
of the boot. Ours loads the drivers of the one disk and switches over.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import tarfile
from pathlib import Path

DRIVERS = ("virtio_pci", "virtio_blk", "ext4")

TRIAL_WORD = "lab.trial"
"""On the kernel's command line: only show that user space is reached, then power off."""
TRIAL_SUCCESS = "lab: the trial boot reached user space"

INIT = f"""#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
if /bin/busybox grep -qw {TRIAL_WORD} /proc/cmdline; then
    echo "{TRIAL_SUCCESS}"
    /bin/busybox poweroff -f
fi
for module in /modules/*; do
    /bin/busybox insmod "$module"
done
until [ -b /dev/vda ]; do
    /bin/busybox usleep 10000
done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /sbin/init
"""


def extract(root: Path, *, kernel: Path, initrd: Path) -> None:
    """Write the kernel of the system in the tar archive ``root``, and an initrd for it."""
    with tarfile.open(root) as archive:
        members = {posixpath.normpath("/" + member.name): member for member in archive.getmembers()}

        def read(path: str) -> bytes:
            handle = archive.extractfile(members[path])
            assert handle is not None, path
            return handle.read()

        kernels = [path for path in members if path.startswith("/boot/vmlinuz-")]
        assert len(kernels) == 1, kernels
        version = kernels[0].removeprefix("/boot/vmlinuz-")
        library = next(path for path in (f"/usr/lib/modules/{version}", f"/lib/modules/{version}")
                       if f"{path}/modules.dep" in members)
        busybox = next(path for path in ("/usr/bin/busybox", "/bin/busybox") if path in members)

        kernel.write_bytes(read(kernels[0]))
        files = [("init", 0o755, INIT.encode()), ("bin/busybox", 0o755, read(busybox))]
        for number, module in enumerate(load_order(read(f"{library}/modules.dep").decode(), DRIVERS)):
            content = read(f"{library}/{module}")
            if module.endswith(".xz"):
                content = lzma.decompress(content)
            name = posixpath.basename(module).removesuffix(".xz")
            files.append((f"modules/{number:02}-{name}", 0o644, content))
    initrd.write_bytes(cpio(["bin", "dev", "modules", "proc", "root"], files))


def load_order(modules_dep: str, drivers: tuple[str, ...]) -> list[str]:
    """The files of these drivers and of what they need, each after what it needs.

    A driver without a file is built into the kernel.
    """
    needs = {}
    for line in modules_dep.splitlines():
        module, _colon, dependencies = line.partition(":")
        needs[module] = dependencies.split()
    by_name = {posixpath.basename(path).split(".")[0].replace("-", "_"): path for path in needs}
    order: list[str] = []
    for driver in drivers:
        if driver in by_name:
            # depmod lists all dependencies, the one to load first last
            for module in [*reversed(needs[by_name[driver]]), by_name[driver]]:
                if module not in order:
                    order.append(module)
    return order


def cpio(directories: list[str], files: list[tuple[str, int, bytes]]) -> bytes:
    """An archive in the "newc" format, the one that the kernel unpacks."""
    output = io.BytesIO()
    entries = [(name, 0o040755, b"") for name in directories]
    entries += [(name, 0o100000 | mode, content) for name, mode, content in files]
    entries += [("TRAILER!!!", 0, b"")]
    for inode, (name, mode, content) in enumerate(entries, start=1):
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        output.write(b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0")
        output.write(b"\0" * (-output.tell() % 4))
        output.write(content)
        output.write(b"\0" * (-output.tell() % 4))
    return output.getvalue()
