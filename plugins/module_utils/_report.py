# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What modules that change the table report, all of it from the plan."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._engine import Outcome
from ansible_collections.lvs.director.plugins.module_utils._model import Observed
from ansible_collections.lvs.director.plugins.module_utils._results import service_result


def change_result(outcome: Outcome) -> dict[str, Any]:
    """Return ``changed`` and ``diff``, of which both parts are empty where there is nothing to do."""
    if not outcome.changed:
        return {"changed": False, "diff": {"before": "", "after": ""}}
    from ansible_collections.lvs.director.plugins.module_utils._diff import diff  # noqa: PLC0415 (compiled only where it is used)

    table, save = diff(outcome.plan), outcome.save
    return {
        "changed": True,
        "diff": {"before": table["before"] + save.before, "after": table["after"] + save.after},
    }


def only(outcome: Outcome) -> Optional[Observed]:
    """Return the service of a task that is about one, None if there is none (now, or any more)."""
    return next(iter(outcome.observed.values()), None)


def service_result_or_none(observed: Optional[Observed]) -> Optional[dict[str, Any]]:
    """Return ``service``."""
    return service_result(observed) if observed else None
