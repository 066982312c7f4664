# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Poll for something, with a limit."""

from __future__ import annotations

import time
from collections.abc import Iterator

from .errors import LabError


def attempts(limit: float, failure: str, pause: float) -> Iterator[None]:
    """Yield at once and after each pause; when the limit (in seconds) is over, raise LabError with the words of the failure."""
    deadline = time.monotonic() + limit
    yield
    while time.monotonic() < deadline:
        time.sleep(pause)
        yield
    raise LabError(f"{failure} within {limit:.0f} s")
