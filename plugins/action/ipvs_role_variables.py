# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All of ``ipvs_role_variables``: it compares the names of variables, and needs no connection to the target for that."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Optional

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

ROLES = Path(__file__).parents[2] / "roles"


class ActionModule(ActionBase):
    """Fails if a variable has the role's prefix and the role does not know it."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Run the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(  # type: ignore[no-untyped-call]
            {
                "role": {"type": "str", "required": True, "choices": sorted(path.name for path in ROLES.iterdir())},
                "facts": {"type": "list", "elements": "str", "default": []},
            }
        )
        role = given["role"]
        known = {*variables_of(role), *given["facts"]}
        prefix = f"{role}_"
        unknown = sorted(name for name in task_vars or {} if name.startswith(prefix) and name not in known)
        if unknown:
            hints = "; no ".join(hint(name, known, prefix) for name in unknown)
            raise AnsibleActionFail(f"The role lvs.director.{role} has no variable {hints}")
        return {**result, "changed": False}


def variables_of(role: str) -> list[str]:
    """Return the names of a role's variables, those of all its entry points."""
    specs = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    return [name for spec in specs.values() for name in spec["options"]]


def hint(name: str, known: Iterable[str], prefix: str) -> str:
    """Return a name with the one that was probably meant."""
    # Without what all of them have in common, which would make any two similar.
    similar = difflib.get_close_matches(name.removeprefix(prefix), [each.removeprefix(prefix) for each in known], n=1)
    return f"{name} (did you mean {prefix}{similar[0]}?)" if similar else name
