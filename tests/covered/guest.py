# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -m covered.guest TAR`: an archive, unpacked at a guest's root, that measures every Python of the guest.

It holds coverage.py in the version that merges the data here (Debian's are older, and do not know all of plugins.ini), and a
file that Python reads whenever it starts: modules, tests and their subprocesses are measured without knowing it.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import coverage

from covered.data import CONFIG
from tools.checkout import CACHE

# of Debian 12 and 13
PYTHONS = ("3.11", "3.13")
FOLDER = "var/tmp/coverage"
# Read in the order of names: before coverage.py's own a1_coverage.pth, which begins to measure if it is asked to.
ASKS = "a0_measure_all.pth"
ASKED = f'import os; os.environ.update(COVERAGE_PROCESS_START="/etc/coverage.ini", COVERAGE_DATA="/{FOLDER}")\n'


def library(python: str) -> Path:
    """Return a folder with coverage.py for a Python, downloaded as bootstrap does."""
    folder = CACHE / "coverage" / f"{coverage.__version__}-python{python}"
    if not folder.exists():
        fresh = folder.with_suffix(".fresh")
        command = f"{sys.executable} -m pip --disable-pip-version-check install -q --no-input --no-deps --no-compile --upgrade"
        choice = ["--target", str(fresh), "--python-version", python, "--only-binary=:all:", f"coverage=={coverage.__version__}"]
        subprocess.run([*command.split(), *choice], check=True, timeout=300)
        fresh.rename(folder)
    return folder


def pack(target: Path) -> None:
    with tarfile.open(target, "w") as archive:

        def add(name: str, content: bytes = b"", mode: int = 0o644, kind: bytes = tarfile.REGTYPE) -> None:
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.type = len(content), mode, kind
            archive.addfile(info, io.BytesIO(content))

        # Other users than root also write there.
        add(FOLDER, mode=0o1777, kind=tarfile.DIRTYPE)
        add("etc/coverage.ini", CONFIG.read_bytes())
        for python in PYTHONS:
            packages = f"usr/local/lib/python{python}/dist-packages"
            add(f"{packages}/{ASKS}", ASKED.encode())
            top = library(python)
            for path in sorted([*top.glob("*.pth"), *top.glob("coverage/*.py"), *top.glob("coverage/*.so")]):
                add(f"{packages}/{path.relative_to(top)}", path.read_bytes())


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
