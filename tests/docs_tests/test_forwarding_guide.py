# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide *Direct routing and tunnels* sums up what docs/forwarding.md has from the scenario ``forwarding``."""

from __future__ import annotations

import re

from tools.checkout import ROOT

MEASURED = (ROOT / "docs" / "forwarding.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_forwarding.rst").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?P<method>[a-z ]+) \| (?P<virtual>IPv\d) \| (?P<real>IPv\d) \| (?P<kernels>.*) \|$", re.MULTILINE)


def measured() -> dict[tuple[str, bool], set[str]]:
    """Return what works, by forwarding method, and whether both addresses are of one family, over all kernels."""
    found: dict[tuple[str, bool], set[str]] = {}
    for row in ROW.finditer(MEASURED):
        results = {"no" if cell.startswith("no") else cell for cell in row["kernels"].split(" | ")}
        found.setdefault((row["method"], row["virtual"] == row["real"]), set()).update(results)
    return found


def summed_up() -> dict[tuple[str, bool], set[str]]:
    part = GUIDE[GUIDE.index("   * - Forwarding\n") : GUIDE.index("*No* means")]
    rows = re.findall(r"   \* - (.+)\n     - (.+)\n     - (.+)\n", part)[1:]
    return {(method, alike): {cell} for method, *cells in rows for alike, cell in zip((True, False), cells, strict=True)}


def test_the_guide_sums_up_what_was_measured() -> None:
    assert len(measured()) == 10
    assert summed_up() == measured()


def test_both_kernels_are_named() -> None:
    kernels = re.findall(r"Linux ([\d.]+)", MEASURED[MEASURED.index("| forwarding |") :].splitlines()[0])
    assert [kernel for kernel in kernels if kernel not in GUIDE] == []
