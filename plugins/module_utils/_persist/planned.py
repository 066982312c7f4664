# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What a run is going to make of what is restored at boot, for who reports it and carries it out."""

from __future__ import annotations

from typing import NamedTuple, Optional


class PlannedSave(NamedTuple):
    """What is going to happen to what is restored at boot.

    ``before`` and ``after`` show it to people. Of services they have those that were not there as in the kernel: of the
    others, what becomes of the kernel says all.
    """

    text: Optional[str] = None  # the new one; None: it stays as it is
    before: str = ""
    after: str = ""

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.text is not None
