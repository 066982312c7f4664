# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import pytest

from lab import bootloader

MIB = 1 << 20


def system(directory: Path, core: bytes) -> tuple[Path, Path]:
    """An archive of a system that has GRUB, and its file system: something, and then nothing."""
    packed, disk = directory / "root.tar", directory / "disk.img"
    with tarfile.open(packed, "w") as archive:
        for name, content in (("boot.img", b"\xeb" * 512), ("core.img", core)):
            info = tarfile.TarInfo(f"./boot/grub/i386-pc/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    with open(disk, "wb") as file:
        file.write(b"ext4" * 1000)
        file.truncate(64 * MIB)
    return packed, disk


def test_a_disk_has_grub_before_its_one_partition(tmp_path: Path) -> None:
    packed, disk = system(tmp_path, core=b"core" * 9000)
    bootloader.install(packed, disk)
    with open(disk, "rb") as file:
        head = file.read(MIB)
        assert file.read(4000) == b"ext4" * 1000
    assert head[:446] == b"\xeb" * 446
    assert head[510:512] == b"\x55\xaa"
    assert head[512:] == (b"core" * 9000).ljust(MIB - 512, b"\0")
    assert struct.unpack("<B3xB3xII", head[446:462]) == (0x80, 0x83, 2048, 64 * MIB // 512)
    assert disk.stat().st_size == 65 * MIB
    assert disk.stat().st_blocks * 512 < 4 * MIB, "holes stay holes"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".img"] == ["disk.img"]


def test_grub_must_fit_before_the_partition(tmp_path: Path) -> None:
    packed, disk = system(tmp_path, core=bytes(MIB))
    with pytest.raises(ValueError, match="does not fit"):
        bootloader.install(packed, disk)
