# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The importer's messages count, even if it succeeds."""

from __future__ import annotations

import pytest

from tools.importer import complaints

END = "Importer processing completed successfully"


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (f"Loading role a\n{END}", []),
        (f"Loading role a\nWARNING: no role metadata found\n{END}", ["WARNING: no role metadata found"]),
        (f"ERROR: bad\n{END}", ["ERROR: bad"]),
        ("Loading role a", ["it did not come to its end"]),
        ("Traceback (most recent call last):", ["Traceback (most recent call last):", "it did not come to its end"]),
    ],
)
def test_everything_but_progress_is_a_complaint(output: str, found: list[str]) -> None:
    assert complaints(output) == found
