# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Results of the modules for services and destinations."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome
from ansible_collections.lvs.director.plugins.module_utils._model.results import service_result
from ansible_collections.lvs.director.plugins.module_utils._model.table import Observed


def change_result(outcome: Outcome) -> dict[str, Any]:
    """Return ``changed``, ``diff`` (empty if nothing changed), and ``warnings``."""
    warnings = list(outcome.plan.warnings)
    if not outcome.changed:
        return {"changed": False, "diff": [], "warnings": warnings}
    from ansible_collections.lvs.director.plugins.module_utils._plan.diff import saved_diff, table_diff  # noqa: PLC0415 (compiled only where it is used)

    found, save = table_diff(outcome.plan), outcome.save
    if save:
        found += saved_diff(save.before, save.after)
    return {"changed": True, "diff": found, "warnings": warnings}


def only(outcome: Outcome) -> Optional[Observed]:
    """Return the service of a single-service task, None if it does not exist (any more)."""
    return next(iter(outcome.observed.values()), None)


def service_result_or_none(observed: Optional[Observed]) -> Optional[dict[str, Any]]:
    """Return ``service``."""
    return service_result(observed) if observed else None
