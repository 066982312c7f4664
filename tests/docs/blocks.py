# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks of code on a page, with their `tested` comments."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

from tools.checkout import ROOT, files

KINDS = {"playbook", "tasks", "vars", "inventory", "diff", "rules", "keepalived", "services", "commands", "printed"}

_FENCE = re.compile(r"(?P<mark>^.*\n)?^(?P<indent> *)```[^`\n]*\n(?P<text>[\s\S]*?)^(?P=indent)```$", re.MULTILINE)
_DIRECTIVE = re.compile(
    r"(?P<mark>^.*\n)?^(?P<indent> *)\.\. (?:code-block|code|sourcecode)::.*\n(?P<text>(?:(?P=indent) +.*\n|[ \t]*\n)+)", re.MULTILINE
)
_MARK = re.compile(r"^ *(?:<!-- tested: (?P<md>.+?) -->|\.\. tested: (?P<rst>.+))$")
# Code that the patterns above would miss.
_HIDDEN = {
    ".md": re.compile(r"^\n {4,}(?![*-])\S.*$", re.MULTILINE),
    ".rst": re.compile(r"^(?! *\.\. ).*::$|^ *\.\. (?:parsed-literal|literalinclude)::.*$", re.MULTILINE),
}


class Block(NamedTuple):
    """A block of code."""

    page: str
    line: int
    kind: str  # "" if there is no mark in front of it
    name: str  # the words after the kind, or ""
    text: str

    def __str__(self) -> str:
        """Name it as a compiler would."""
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Return every page that is written for people, by its path in the checkout."""
    return [
        name
        for name in files()
        if name in ("README.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md", "TESTING.md")
        or re.fullmatch(r"docs/.*\.(md|rst)|roles/[^/]+/README\.md|files/.*README\.md", name)
    ]


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in its order."""
    return blocks_in(page, (ROOT / page).read_text(encoding="utf-8"))


def blocks_in(page: str, text: str) -> list[Block]:
    """Return the blocks of a page with this text."""
    pattern = _FENCE if page.endswith(".md") else _DIRECTIVE
    found = []
    for match in pattern.finditer(text):
        mark = _MARK.match(match["mark"] or "")
        kind, _space, name = (mark["md"] or mark["rst"]).partition(" ") if mark else ("", "", "")
        code = textwrap.dedent(re.sub(r"\A( *:\w+:.*\n)*\s*\n", "", match["text"])).rstrip("\n") + "\n"
        found.append(Block(page, text.count("\n", 0, match.start("text")) + 1, kind, name, code))
    return found


def hidden(page: str, text: str) -> list[str]:
    """Return the lines that start code in any other way."""
    rest = (_FENCE if page.endswith(".md") else _DIRECTIVE).sub("", text)
    return [match[0].strip() for match in _HIDDEN[Path(page).suffix].finditer(rest)]
