# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Output of a program on the director, for people and for systemd's journal."""

from __future__ import annotations

import sys


class Journal:
    """Prints lines; ``problems`` counts the errors, for the exit status."""

    def __init__(self, *, levels: bool) -> None:
        """:param levels: prefix lines with syslog levels, for systemd's journal."""
        self._levels = levels
        self.problems = 0

    def problem(self, text: object) -> None:
        self.problems += 1
        self._line(3, text)

    def warning(self, text: object) -> None:
        self._line(4, text)

    def note(self, text: object) -> None:
        self._line(6, text)

    def _line(self, level: int, text: object) -> None:
        for line in str(text).splitlines():
            sys.stdout.write(f"<{level}>{line}\n" if self._levels else f"{line}\n")
        sys.stdout.flush()
