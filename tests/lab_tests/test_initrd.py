# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
from pathlib import Path

from lab.initrd import INIT, cpio, load_order

MODULES_DEP = """\
kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/fs/some-thing.ko.xz:
"""


def names(*drivers: str) -> list[str]:
    return [path.rpartition("/")[2] for path in load_order(MODULES_DEP, drivers)]


def test_dependencies_of_a_driver_are_loaded_first_and_once() -> None:
    assert names("virtio_pci", "virtio_blk") == ["virtio.ko", "virtio_ring.ko", "virtio_pci.ko", "virtio_blk.ko"]


def test_a_driver_without_a_file_is_built_in() -> None:
    assert names("ext4", "virtio") == ["virtio.ko"]


def test_names_may_have_dashes_or_underscores_and_be_compressed() -> None:
    assert names("some_thing") == ["some-thing.ko.xz"]


def test_the_kernel_can_unpack_the_archive(tmp_path: Path) -> None:
    archive = cpio(["bin", "dev"], [("init", 0o755, b"#!/bin/sh\n"), ("bin/odd", 0o600, b"12345")])
    assert len(archive) % 4 == 0
    entries, offset = {}, 0
    while True:
        assert archive[offset:offset + 6] == b"070701"
        fields = [int(archive[offset + 6 + 8 * n:offset + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[offset + 110:offset + 109 + name_size].decode()
        content = (offset + 110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            break
        entries[name] = (oct(mode), archive[content:content + size])
        offset = (content + size + 3) // 4 * 4
    assert entries == {"bin": ("0o40755", b""), "dev": ("0o40755", b""),
                       "init": ("0o100755", b"#!/bin/sh\n"), "bin/odd": ("0o100600", b"12345")}


def test_the_init_script_is_a_shell_script() -> None:
    subprocess.run(["sh", "-n"], input=INIT, text=True, check=True)
