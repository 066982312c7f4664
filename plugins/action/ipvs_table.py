# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's part of ``ipvs_table``: sends each service as one text.

On the target, AnsibleModule copies all of its options twice, value by value: for ten thousand destinations that takes
longer than reading the kernel's table, and for a hundred thousand tens of megabytes. An option whose elements are
dictionaries may also be given as the JSON text of each, which AnsibleModule makes a dictionary of; texts are not copied.
"""

from __future__ import annotations

import json
from typing import Any, Optional

from ansible.plugins.action.normal import ActionModule as NormalAction


class ActionModule(NormalAction):
    """Runs the module as any other one, with ``services`` written in another way."""

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Run the task."""
        services = self._task.args.get("services")
        if isinstance(services, list):
            self._task.args = {**self._task.args, "services": [_text(one) for one in services]}
        result: dict[str, Any] = NormalAction.run(self, tmp, task_vars)
        return result


def _text(service: Any) -> Any:
    """Return a service as JSON, and as it is what the module has to judge."""
    if not isinstance(service, dict):
        return service
    try:
        return json.dumps(service, separators=(",", ":"))
    except (TypeError, ValueError):
        return service
