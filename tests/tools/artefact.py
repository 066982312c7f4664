# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection's artefact and install it, offline and from the file, where every test finds it.

`python3 -m tools.artefact` does nothing when no file that could be in the artefact has changed.
"""

from __future__ import annotations

import fcntl
import fnmatch
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import yaml

from tools.checkout import BUILD, INSTALLED, ROOT, files

STAMP = "made-from"
# Seconds.
LOCK_LIMIT = 600.0


def galaxy() -> dict[str, object]:
    content = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert isinstance(content, dict)
    return content


def file_name() -> str:
    meta = galaxy()
    return f"{meta['namespace']}-{meta['name']}-{meta['version']}.tar.gz"


def digest() -> str:
    """The files of the artefact: all that git knows or would add, and that the build does not ignore."""
    patterns = galaxy()["build_ignore"]
    assert isinstance(patterns, list)
    total = hashlib.sha256()
    for name in files():
        path = ROOT / name
        levels = [name, *map(str, Path(name).parents)]
        if any(fnmatch.fnmatch(level, pattern) for level in levels for pattern in patterns):
            continue
        mode = "x" if os.access(path, os.X_OK) else "-"
        total.update(f"{name}\0{mode}{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def quietly(*command: str | Path) -> None:
    """Run a command, and show its output only if it fails."""
    result = subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if result.returncode:
        raise SystemExit(f"artefact: {' '.join(map(str, command))} failed:\n{result.stdout}")


def install(artefact: Path, target: Path, galaxy: str | Path = "ansible-galaxy") -> None:
    """Install an artefact from its file into a new folder; --offline lets nothing be fetched."""
    quietly(galaxy, "collection", "install", artefact, "--offline", "--force", "-p", target)


def take(lock: IO[str]) -> None:
    """Take the lock; another process may hold it while it installs the collection."""
    end = time.monotonic() + LOCK_LIMIT
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise SystemExit(f"artefact: another process has held {lock.name} for {LOCK_LIMIT:.0f} s") from None
            time.sleep(0.1)


def main() -> int:
    BUILD.mkdir(exist_ok=True)
    INSTALLED.parent.mkdir(exist_ok=True)
    with open(INSTALLED.with_suffix(".lock"), "w") as lock:
        take(lock)
        wanted = digest()
        artefact = BUILD / file_name()
        stamp = INSTALLED / STAMP
        if artefact.exists() and stamp.exists() and stamp.read_text() == wanted:
            return 0
        quietly("ansible-galaxy", "collection", "build", "--force", "--output-path", artefact.parent, ".")
        fresh = Path(tempfile.mkdtemp(prefix="installed.", dir=INSTALLED.parent))
        fresh.chmod(0o755)
        install(artefact, fresh)
        (fresh / STAMP).write_text(wanted)
        # Swapped in as a whole: nobody sees half a collection, or files that the artefact no longer has.
        if INSTALLED.exists():
            old = Path(tempfile.mkdtemp(prefix="old.", dir=INSTALLED.parent))
            INSTALLED.rename(old / "installed")
            fresh.rename(INSTALLED)
            shutil.rmtree(old)
        else:
            fresh.rename(INSTALLED)
        print(f"installed {artefact.relative_to(ROOT)} into {INSTALLED.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
