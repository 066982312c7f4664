# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""QEMU's command line, in the parts that a template and its clones share or differ in."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .images import KERNEL_ARGUMENTS, Image

QEMU = "qemu-system-x86_64"

# Firmware that has keys of its maker's enrolled, so that it says, and the kernel believes, that Secure Boot is on. This build
# of it does not verify what it boots: else QEMU's own way to give it a kernel would be shut. What the guest writes into its
# variables is gone at the end.
SECURE_BOOT = [
    "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
    "-drive", "if=pflash,format=raw,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd",
]


def version() -> str:
    """The first line of QEMU's --version."""
    return subprocess.run([QEMU, "--version"], check=True, text=True, stdout=subprocess.PIPE, timeout=60).stdout.splitlines()[0]


def escape(path: Path) -> str:
    """A path within one of QEMU's comma separated options."""
    return str(path).replace(",", ",,")


def hardware(image: Image, accel: str, memory: int, cpus: int) -> list[str]:
    """The options that a template and its clones must share."""
    return ["-M", "pc", "-nodefaults", "-display", "none",
            *(["-accel", "kvm", "-cpu", "host,migratable=on"] if accel == "kvm" else
              # QEMU would keep up to half a gigabyte of translated code per machine. A quarter
              # of the machine's memory is where more stops to pay.
              ["-accel", f"tcg,thread=multi,tb-size={max(64, memory // 4)}"]),
            "-m", str(memory), "-smp", str(cpus),
            *([] if image.boot_loader else
              ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", f"root=/dev/vda rw {KERNEL_ARGUMENTS}"]),
            "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci",
            # tells a resumed guest that it is a clone: its random numbers must differ from its twins'
            "-device", "vmgenid,guid=auto",
            "-device", "virtio-net-pci,netdev=management,romfile=",
            # port 0: QEMU takes one that is free
            "-netdev", "user,id=management,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22"]


def disk(path: Path, *, keep: bool) -> list[str]:
    """The disk; without ``keep`` what is written goes to a file without a name, and is gone at the end."""
    return ["-drive", f"id=disk,if=none,file={escape(path)},format=qcow2,cache=unsafe,discard=unmap,"
                      f"snapshot={'off' if keep else 'on'}"]


def with_port(arguments: list[str], port: int) -> list[str]:
    """The same machine with ssh forwarded from this port, and not from one that is free."""
    return [argument.replace("hostfwd=tcp:127.0.0.1:0-:22", f"hostfwd=tcp:127.0.0.1:{port}-:22") for argument in arguments]


def lab_interface(backend: str, mac: str) -> list[str]:
    """The second network interface, eth1 of the guest."""
    return ["-netdev", f"{backend},id=lan", "-device", f"virtio-net-pci,netdev=lan,mac={mac},romfile="]
