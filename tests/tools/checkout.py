# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are in the checkout, and which files belong to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
BUILD = ROOT / "build"
INSTALLED = CACHE / "installed"
COLLECTION = INSTALLED / "ansible_collections" / "lvs" / "director"


def files() -> list[str]:
    """Every existing file that git knows or would add, without the leftovers of tools and builds."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    ).stdout
    return sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})
