# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the docs site into build/docs: the guides of docs/docsite, a page for each module, filter and role, and the changelog.

Built from the installed collection, with antsibull-docs and Sphinx. Their warnings are errors. The first page is tests/docsite/index.rst.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tools.checkout import BUILD, CACHE, ROOT

SITE = BUILD / "docs"
CONFIGURATION = ROOT / "tests" / "docsite"
# Where to begin; the others follow in alphabetical order.
FIRST = ("ipvs_table", "ipvs_service", "ipvs_destination", "ipvs_info", "ipvs_director")
# What antsibull-docs says of a plugin in its list.
_LISTED = re.compile(r"^\* :ansplugin:`\S+ (\w+) <[\w.]+\.(\w+)#\w+>` -- .*$", re.MULTILINE)


def run(*command: str | Path) -> str:
    ended = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    if ended.returncode:
        raise SystemExit(f"docs: {command[0]} failed:\n{ended.stdout}")
    return ended.stdout


def entries(kind: str, generated: str) -> list[tuple[str, str]]:
    """Return the plugins of a kind, each with its line in the list that antsibull-docs has made."""
    found = [(match[2], match[0]) for match in _LISTED.finditer(generated) if match[1] == kind]
    return sorted(found, key=lambda entry: (FIRST.index(entry[0]) if entry[0] in FIRST else len(FIRST), entry[0]))


def sections() -> str:
    """Return the guides as the sections of docs/docsite/extra-docs.yml."""
    listed = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    return "\n".join(
        f".. toctree::\n   :caption: {section['title']}\n   :hidden:\n\n" + "".join(f"   docsite/{name}\n" for name in section["toctree"])
        for section in listed
    )


def index(generated: str) -> str:
    """Return the first page, in place of the one that antsibull-docs has made.

    :raises ValueError: it leaves out a plugin, or the place for a list is missing.
    """
    text = (CONFIGURATION / "index.rst").read_text(encoding="utf-8")
    parts = {"@guides@": sections()}
    listed = 0
    for kind in ("module", "role", "filter"):
        found = entries(kind, generated)
        listed += len(found)
        parts[f"@{kind}s list@"] = "\n".join(line for _name, line in found)
        parts[f"@{kind}s@"] = "\n   ".join(f"{name} <{name}_{kind}>" for name, _line in found)
    if listed != len(re.findall("^\\* :ansplugin:", generated, re.MULTILINE)):
        raise ValueError("docs: the list of antsibull-docs has a plugin of another kind, for which the first page has no place")
    for place, part in parts.items():
        if text.count(place) != 1:
            raise ValueError(f"docs: index.rst has no single place for {place}")
        text = text.replace(place, part)
    return text


def build(target: Path) -> None:
    """Make the site in a folder, which is replaced as a whole."""
    with tempfile.TemporaryDirectory(prefix="docs.", dir=CACHE) as work:
        pages, site = Path(work) / "rst", Path(work) / "html"
        # antsibull-docs only writes to a private directory.
        pages.mkdir(mode=0o700)
        run("antsibull-docs", "collection", "--use-current", "--fail-on-error", "--squash-hierarchy", "--dest-dir", pages, "lvs.director")
        first = pages / "index.rst"
        first.write_text(index(first.read_text(encoding="utf-8")), encoding="utf-8")
        # No plugin has one, so the page is empty.
        (pages / "environment_variables.rst").unlink()
        run("antsibull-changelog", "generate", "--output", pages / "changelog.rst", "--output-format", "rst")
        # The guides name pictures as they are in the checkout.
        for picture in (ROOT / "docs").glob("*.svg"):
            shutil.copy(picture, work)
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
