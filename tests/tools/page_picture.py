# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in the guides' own pages, because antsibull-docs copies nothing but pages: between two comments, as SVG."""

from __future__ import annotations

END = ".. The end of the picture\n"


def begin(tool: str) -> str:
    """Return the comment before the picture that a tool makes."""
    return f".. The picture: made by tests/tools/{tool}.py\n"


def renewed(document: str, tool: str, svg: str) -> str:
    """Return the page with the picture as it has to be."""
    before, _begin, rest = document.partition(begin(tool))
    _old, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{tool}: the guide has no place for the picture between {begin(tool).strip()} and {END.strip()}")
    indented = "".join(f"   {line}\n" for line in svg.splitlines())
    return f"{before}{begin(tool)}\n.. raw:: html\n\n{indented}\n{END}{after}"


def text(x: float, y: float, words: str, *, anchor: str, colour: str = "#1f2933") -> str:
    halo = 'stroke="#ffffff" stroke-width="5" paint-order="stroke"'
    return f'  <text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{colour}" {halo}>{words}</text>'
