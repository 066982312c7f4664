# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a log."""

from __future__ import annotations

from pathlib import Path


def tail(path: Path, lines: int = 30) -> list[str]:
    """The last lines of a file that are not blank; none if there is no file."""
    try:
        with open(path, "rb") as handle:
            handle.seek(max(0, path.stat().st_size - 65536))
            text = handle.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
