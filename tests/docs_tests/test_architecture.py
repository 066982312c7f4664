# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/architecture.md and CONTRIBUTING.md name files that exist, and all packages with all their files."""

from __future__ import annotations

import re

import pytest

from tools.architecture import BEGIN, DOCUMENT, END, arrows, files
from tools.checkout import ROOT

PICTURE = DOCUMENT.with_suffix(".svg")
PAGES = [DOCUMENT, ROOT / "CONTRIBUTING.md"]
# Where a name may start.
FOLDERS = [ROOT, ROOT / "docs", ROOT / "plugins/module_utils", ROOT / "plugins/modules", ROOT / "roles/ipvs_director"]
FOLDERS += [ROOT / "tests/unit/plugins/modules"]


def named(text: str) -> set[str]:
    """Return the names of files and folders in a page; /usr/local/sbin/... is one of a director."""
    words = set(re.findall(r"`([\w.*/-]+)`", text)) | set(re.findall(r"\]\(([\w./-]+)", text))
    return {word for word in words if re.search(r"/|\.(py|yml|md|rst|svg)$", word) and not word.startswith("/") and not word.endswith(":")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page) -> None:
    before, _begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    # In between, files are named without their package.
    names = named(before + rest.partition(END)[2])
    assert len(names) > 10
    assert [name for name in sorted(names) if not any(list(folder.glob(name)) for folder in FOLDERS)] == []


@pytest.mark.parametrize("package", files())
def test_a_package_has_its_files_in_the_document(package: str) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    section = re.search(rf"^### `{package}(\.py)?`\n(.*?)(?=^###? |\Z)", document, re.MULTILINE | re.DOTALL)
    remedy = "python3 -m tools.architecture writes it anew"
    assert section, remedy
    names = {path.name for path in files()[package]} - {"__init__.py", f"{package}.py"}
    assert set(re.findall(r"^\| `(\w+\.py)` \|", section[2], re.MULTILINE)) == names, remedy


def test_no_removed_package_is_named() -> None:
    headings = set(re.findall(r"^### `(\w+)(?:\.py)?`$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    assert headings == set(files())


def test_in_the_picture_packages_import_only_lower_rows() -> None:
    places = re.findall(r'<text class="name" x="\d+" y="(\d+)">(_\w+)', PICTURE.read_text(encoding="utf-8"))
    rows = {name: int(y) for y, name in places}
    assert set(rows) >= set(files())
    assert [(upper, lower) for upper, imported in arrows().items() for lower in imported if rows[lower] <= rows[upper]] == []
