# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""How to drain a destination."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationCounters


class Drain(NamedTuple):
    """How to drain: how long to wait, and what to do then."""

    timeout: int  # seconds; 0: do not wait
    connections: int  # this many may remain
    counted: str  # "all": active and inactive ones, or "active"
    remove: bool
    min_available: int  # this many other destinations must have a weight above 0
    fail_on_timeout: bool = True

    def left(self, counters: DestinationCounters) -> int:
        """Return the number of connections to wait for."""
        inactive = counters.inactive_connections if self.counted == "all" else 0
        return counters.active_connections + inactive

    def gives_up(self, timed_out: bool) -> bool:
        """Return whether a timeout is a failure. One of 0 seconds is none, unless connections would be lost."""
        return timed_out and self.fail_on_timeout and (self.timeout > 0 or self.remove)
