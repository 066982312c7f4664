# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An interpreter for Ansible that measures the memory of the module it runs, in a separate network namespace.

Runs in the virtual machine. Writes the KiB to the file `memory` in its directory.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

CLONE_NEWNET = 0x40000000


def main() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    # Without any route, no address counts as unicast, and the kernel refuses every destination.
    subprocess.run(["/sbin/ip", "link", "set", "lo", "up"], check=True, timeout=60)
    status = subprocess.run(["/usr/bin/python3", *sys.argv[1:]], check=False, timeout=600).returncode
    # That of the largest of the processes that were waited for.
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    Path(__file__).with_name("memory").write_text(f"{largest}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
