# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's part of ``ipvs_table``: sends a large table in one small piece.

On the way to the target a table is written and read as JSON several times, as a text inside of others, and there
AnsibleModule copies its options twice, value by value: for ten thousand destinations that takes longer than reading the
kernel's table, and for a hundred thousand tens of megabytes. So it is packed here: a line of JSON for each service, compressed.
``_options.table`` unpacks it, line by line.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any, Optional

from ansible.plugins.action.normal import ActionModule as NormalAction


class ActionModule(NormalAction):
    """Runs the module as any other one, with ``services`` written in another way."""

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Run the task."""
        given = self._task.args
        services = given.get("services")
        # Whatever is in it: the module knows the errors, and AnsibleModule would word them otherwise.
        if isinstance(services, list):
            self._task.args = {**given, "services": packed(services)}
        try:
            result: dict[str, Any] = NormalAction.run(self, tmp, task_vars)
        finally:
            # With until, this same object runs again.
            self._task.args = given
        return result


def packed(services: list[Any]) -> list[Any]:
    """Return a list of one dictionary that has all of them; or the same list, if there is something in it that JSON has no word for."""
    try:
        lines = "\n".join([json.dumps(service, separators=(",", ":")) for service in services])
    except (TypeError, ValueError):
        return services
    # The fastest level: a table is mostly repetition.
    return [{"packed": base64.b64encode(zlib.compress(lines.encode(), 1)).decode(), "number": len(services)}]
