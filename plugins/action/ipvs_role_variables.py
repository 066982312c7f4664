# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All of ``ipvs_role_variables``: it judges a role's variables, and needs no connection to the target for that."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Optional

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._options.common import Spec
from ansible_collections.lvs.director.plugins.module_utils._options.health import DEFAULTS_SPEC, health_from_module, health_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.table import (
    SCOPE_SPEC,
    checked,
    desired_from_table_module,
    table_module_spec,
)
from ansible_collections.lvs.director.plugins.module_utils._options.words import Words, fault

ROLES = Path(__file__).parents[2] / "roles"


class ActionModule(ActionBase):
    """Fails if a variable has the role's prefix and the role does not know it, or if a module would refuse what it is given."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Run the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(  # type: ignore[no-untyped-call]
            {
                "role": {"type": "str", "required": True, "choices": sorted(path.name for path in ROLES.iterdir())},
                "facts": {"type": "list", "elements": "str", "default": []},
                "table": {"type": "dict"},
                "health": {"type": "dict"},
            }
        )
        role = given["role"]
        known = {*variables_of(role), *given["facts"]}
        prefix = f"{role}_"
        unknown = sorted(name for name in task_vars or {} if name.startswith(prefix) and name not in known)
        if unknown:
            hints = "; no ".join(hint(name, known, prefix) for name in unknown)
            raise AnsibleActionFail(f"The role lvs.director.{role} has no variable {hints}")
        problem = wrong_in_table(given["table"]) if given["table"] else ""
        if given["health"] and not problem:
            problem = re.sub("^defaults", "checks", wrong_in_health(given["health"]))
        if problem:
            # Options and variables have the same names.
            raise AnsibleActionFail(f"{prefix}{problem}")
        return {**result, "changed": False}


def variables_of(role: str) -> list[str]:
    """Return the names of a role's variables, those of all its entry points."""
    specs = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    return [name for spec in specs.values() for name in spec["options"]]


def wrong_in_table(options: dict[str, Any]) -> str:
    """Return what is wrong with options of ``ipvs_table``, whatever the kernel has; empty if nothing is."""

    def read(values: dict[str, Any]) -> None:
        scope = [checked(f"scope[{index}]", part, SCOPE_SPEC, strict=True) for index, part in enumerate(values["scope"] or ())]
        desired_from_table_module({**values, "scope": scope})

    return wrong(options, table_module_spec()["argument_spec"], read)


def wrong_in_health(options: dict[str, Any]) -> str:
    """Return what is wrong with options of ``ipvs_health``; empty if nothing is."""

    def read(values: dict[str, Any]) -> None:
        health_from_module({**values, "defaults": checked("defaults", values["defaults"] or {}, DEFAULTS_SPEC, strict=True)})

    return wrong(options, health_module_spec()["argument_spec"], read)


def wrong(options: dict[str, Any], spec: Spec, read: Callable[[dict[str, Any]], None]) -> str:
    """Return what the module with this spec would say of its options; empty if it would take them."""
    found = fault(options, spec)
    if found is None:
        try:
            read(checked("", options, spec, strict=True))
        except IpvsInputError as exc:
            found = exc
    return Words(options, spec).error(found) if found else ""


def hint(name: str, known: Iterable[str], prefix: str) -> str:
    """Return a name with the one that was probably meant."""
    # Without what all of them have in common, which would make any two similar.
    similar = difflib.get_close_matches(name.removeprefix(prefix), [each.removeprefix(prefix) for each in known], n=1)
    return f"{name} (did you mean {prefix}{similar[0]}?)" if similar else name
