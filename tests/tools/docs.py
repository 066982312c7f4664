# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the docs site into build/docs: the guides of docs/docsite, and a page for each module, filter and role.

Built from the installed collection, with antsibull-docs and Sphinx. Their warnings are errors.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.checkout import BUILD, CACHE, ROOT

SITE = BUILD / "docs"
CONFIGURATION = ROOT / "tests" / "docsite"


def run(*command: str | Path) -> str:
    ended = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    if ended.returncode:
        raise SystemExit(f"docs: {command[0]} failed:\n{ended.stdout}")
    return ended.stdout


def build(target: Path) -> None:
    """Make the site in a folder, which is replaced as a whole."""
    with tempfile.TemporaryDirectory(prefix="docs.", dir=CACHE) as work:
        pages, site = Path(work) / "rst", Path(work) / "html"
        # antsibull-docs only writes to a private directory.
        pages.mkdir(mode=0o700)
        run("antsibull-docs", "collection", "--use-current", "--fail-on-error", "--squash-hierarchy", "--dest-dir", pages, "lvs.director")
        run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "-d", Path(work) / "doctrees", "-c", CONFIGURATION, pages, site)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(site, target)


def main() -> int:
    BUILD.mkdir(exist_ok=True)
    build(SITE)
    print(f"docs: {(SITE / 'index.html').relative_to(ROOT)}, {len(list(SITE.rglob('*.html')))} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
