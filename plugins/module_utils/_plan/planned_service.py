# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What a plan says of one service."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, Entry, ServiceKey

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._model.steps import Step


class PlannedService(NamedTuple):
    """What is going to happen to one service."""

    key: ServiceKey
    before: Optional[Entry]
    after: Optional[Entry]
    phases: tuple[tuple[Step, ...], tuple[Step, ...]]
    # The only eligible destination, if it has to move itself: for a moment the service is without one.
    gap: Optional[DestinationKey] = None

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return any(self.phases)
