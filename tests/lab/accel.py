# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""KVM or software emulation: decided by a trial boot, once per boot of the host.

/dev/kvm may exist, open, and still fail in the middle of a guest's kernel (nested
virtualisation without hardware support); only a kernel that has booted tells.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from . import cache, qemu
from .images import Image
from .initrd import TRIAL_SUCCESS, TRIAL_WORD
from .progress import Progress

PATIENCE = 20.0
"""Seconds for a boot; with working KVM it takes two."""


def choose(image: Image, progress: Progress) -> str:
    """"kvm" or "tcg"."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()

    def trial(directory: Path) -> None:
        with progress.waiting("kvm", "trial boot"):
            reason = trial_boot(image)
        progress.say("kvm", "works" if reason is None else f"not usable, so machines are emulated: {reason}")
        (directory / "verdict").write_text("tcg" if reason else "kvm", encoding="utf-8")

    return (cache.entry("kvm", cache.key_of([boot, image.key, qemu.version()]), trial, progress) / "verdict").read_text(encoding="utf-8")


def trial_boot(image: Image) -> str | None:
    """Boot the image's kernel into its initrd under KVM; why it failed, or None."""
    command = [qemu.QEMU, "-M", "pc", "-nodefaults", "-accel", "kvm", "-cpu", "host", "-m", "256", "-display", "none",
               "-no-reboot", "-kernel", str(image.kernel), "-initrd", str(image.initrd),
               "-append", f"console=ttyS0 panic=-1 {TRIAL_WORD}", "-serial", "stdio"]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, errors="replace", timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return f"a trial boot did not end within {PATIENCE:.0f} s"
    if TRIAL_SUCCESS in ended.stdout:
        return None
    words = ended.stderr.split("\n", maxsplit=1)[0] or f"the trial boot ended with status {ended.returncode}"
    return words.strip()


def host_cpu() -> str:
    """The host's processor, which a saved state depends on under KVM."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", maxsplit=1)[0].splitlines()
    return "\n".join(line for line in lines if line.startswith(("model name", "flags", "microcode")))
