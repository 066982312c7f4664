# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""Current and desired timeouts of connections -> what has to be set. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.settings import Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import SetTimeouts


class PlannedTimeouts(NamedTuple):
    """What is going to happen to the timeouts."""

    before: Timeouts
    after: Timeouts
    steps: tuple[SetTimeouts, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.steps)


def plan_timeouts(current: Timeouts, given: Mapping[str, int]) -> PlannedTimeouts:
    """Return what has to happen to the timeouts.

    :param given: seconds by the names of ``Timeouts``' fields; those that are missing stay as they are.
    """
    after = current._replace(**given)
    # Only what changes is sent: the rest may be changed by somebody else at the same time.
    new = Timeouts(*(wanted if wanted != present else 0 for wanted, present in zip(after, current)))
    return PlannedTimeouts(current, after, (SetTimeouts(new),) if any(new) else ())
