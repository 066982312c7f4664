# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -m tools.earlier VERSION DIRECTORY`: install a released version of the collection into a new directory.

The version is built from the commit with which it was released. So the clone needs its history.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tools import artefact, release
from tools.checkout import CACHE

COMMITS = {"0.1.0": "c0e6cbfa8faa3c95b98efe7fc7e5e1d1aedba2bc"}


def install(version: str, target: Path) -> None:
    """Build a released version, and install it into a new directory."""
    with tempfile.TemporaryDirectory(prefix="earlier.", dir=CACHE) as work:
        copy, built = Path(work) / "sources", Path(work) / "built"
        release.checked_out(copy, COMMITS[version])
        artefact.quietly("ansible-galaxy", "collection", "build", "--output-path", built, copy)
        artefact.install(built / f"lvs-director-{version}.tar.gz", target)


if __name__ == "__main__":
    install(sys.argv[1], Path(sys.argv[2]))
