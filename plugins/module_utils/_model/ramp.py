# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""How a destination comes back in steps."""

from __future__ import annotations

from typing import NamedTuple


class Ramp(NamedTuple):
    """Shares of the weight, and how long each lasts."""

    first: int  # percent
    steps: int
    every: int  # seconds

    def shares(self) -> list[int]:
        """Return the shares in percent, of which the last is 100."""
        return [self.first + (100 - self.first) * step // (self.steps - 1) for step in range(self.steps)]
