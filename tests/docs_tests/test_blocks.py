# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every block of code in the documentation has a `tested` comment. tests/docs/__init__.py explains the kinds."""

from __future__ import annotations

import pytest

import docs
from docs.blocks import KINDS, blocks, blocks_in, hidden, pages
from tools.checkout import ROOT

PAGES = pages()


def test_all_kinds_of_pages_are_found() -> None:
    folders = {page.rpartition("/")[0] for page in PAGES}
    assert {"", "docs", "docs/docsite/rst", "roles/ipvs_director", "roles/ipvs_realserver", "files/kmod/ip_vs_test"} <= folders


@pytest.mark.parametrize("page", PAGES)
def test_every_block_has_a_kind(page: str) -> None:
    assert [str(block) for block in blocks(page) if block.kind not in KINDS] == []


@pytest.mark.parametrize("page", PAGES)
def test_code_is_only_in_blocks(page: str) -> None:
    assert hidden(page, (ROOT / page).read_text(encoding="utf-8")) == []


def test_every_kind_is_explained_and_used() -> None:
    assert {kind for kind in KINDS if f"``{kind}" not in str(docs.__doc__)} == set()
    assert {block.kind for page in PAGES for block in blocks(page)} == KINDS


@pytest.mark.parametrize(
    ("page", "text", "found"),
    [
        ("x.md", "a\n<!-- tested: tasks -->\n```yaml\n- a\n```\n", [("tasks", "", "- a\n", 4)]),
        ("x.md", "<!-- tested: playbook x.yml -->\n```yaml\n- a\n\n- b\n```\n", [("playbook", "x.yml", "- a\n\n- b\n", 3)]),
        ("x.md", "a\n\n```yaml\n- a\n```\n", [("", "", "- a\n", 4)]),
        ("x.md", "```\na\n```\nb\n<!-- tested: diff -->\n```diff\nc\n```\n", [("", "", "a\n", 2), ("diff", "", "c\n", 7)]),
        ("x.rst", ".. tested: tasks\n.. code-block:: yaml\n\n   - a\n     b\n\n   - c\n\nd\n", [("tasks", "", "- a\n  b\n\n- c\n", 3)]),
        ("x.rst", "a\n\n.. code-block:: yaml\n   :linenos:\n\n   - a\n\nd\n", [("", "", "- a\n", 4)]),
        ("x.rst", "- a\n\n  .. tested: commands\n  .. code-block:: sh\n\n     b\n\n- c\n", [("commands", "", "b\n", 5)]),
    ],
)
def test_blocks_are_found(page: str, text: str, found: list[tuple[str, str, str, int]]) -> None:
    assert [(block.kind, block.name, block.text, block.line) for block in blocks_in(page, text)] == found


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("x.md", "a\n\n    code\n"),
        ("x.rst", "This::\n\n   code\n"),
        ("x.rst", "a\n\n::\n\n   code\n"),
        ("x.rst", ".. parsed-literal::\n\n   code\n"),
    ],
)
def test_other_code_is_found(page: str, text: str) -> None:
    assert hidden(page, text)
    assert not blocks_in(page, text)
