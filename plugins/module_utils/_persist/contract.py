# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The interface of a machine's files for the layers above. Only for types: no task compiles it.

``files.MachineStore`` is the real implementation. Unit tests have one in memory, which passes the same tests.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Optional, Protocol


class Store(Protocol):
    """The files that a run keeps on the machine."""

    def read_table(self) -> Optional[str]:
        """Return the saved table as text, None if nothing is restored at boot."""

    def replace_table(self, text: str) -> AbstractContextManager[None]:
        """Prepare a new text, and put it in place if the block succeeds."""

    def read_fallback(self) -> frozenset[str]:
        """Return the names of the services that run with the fallback scheduler."""

    def write_fallback(self, names: frozenset[str]) -> None:
        """Replace these names; they are kept until the next boot."""

    def record_run(self, module: str) -> None:
        """Keep the time as that of a module's last run, if this machine has a saved table."""

    def read_runs(self) -> dict[str, float]:
        """Return when each module last ran, in seconds since 1970."""

    def read_daemon_index(self, state: str) -> Optional[int]:
        """Return the index of a sync daemon's interface when the daemon was started or first seen; None if unknown."""

    def write_daemon_index(self, state: str, index: Optional[int]) -> None:
        """Keep that index until the next boot; None forgets it."""
