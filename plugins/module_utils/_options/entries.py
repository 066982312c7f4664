# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert services given as options to entries, with the same checks as a task's options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional, cast

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._options.common import DESTINATION_SPEC, SERVICE_KEY_SPEC, Spec
from ansible_collections.lvs.director.plugins.module_utils._options.service import SERVICE_SPEC, STATE_SPEC, service_with_destinations
from ansible_collections.lvs.director.plugins.module_utils._plan.service import Merger, plan_entry

# One service with its destinations, for an ArgumentSpecValidator.
ENTRY_SPEC: Spec = {
    **SERVICE_KEY_SPEC,
    **SERVICE_SPEC,
    "destinations": {"type": "list", "elements": "dict", "options": DESTINATION_SPEC},
}
_SPEC: Spec = {**ENTRY_SPEC, **STATE_SPEC, "exclusive_destinations": {}, "ordered": {}}


def with_defaults(spec: Spec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of a spec with the given values, as AnsibleModule would, but unchecked."""
    found: dict[str, Any] = {}
    for name, option in spec.items():
        value = values.get(name, option.get("default"))
        inner = option.get("options")
        if inner and isinstance(value, list):
            value = [with_defaults(inner, item) for item in value]
        elif inner and isinstance(value, Mapping):
            value = with_defaults(inner, value)
        found[name] = value
    return found


def new_entry(values: Mapping[str, Any], *, path: str = "", strict: bool = True, warnings: Optional[list[str]] = None) -> Entry:
    """Return the entry that ``ipvs_service`` would add for these options.

    :param values: options of ``ipvs_service``; missing ones and None get the model's defaults.
    :param path: path of the service in the task, for errors.
    :param strict: refuse what the kernel accepts but does not work as it looks.
    :param warnings: receives what strict would refuse.
    :raises IpvsInputError: with the option's path.
    """
    desired = service_with_destinations(path, with_defaults(_SPEC, values))._replace(strict=strict)
    # Only an absent service has no entry.
    return cast(Entry, plan_entry(None, desired, Merger(warnings)))


def new_entries(services: Iterable[Mapping[str, Any]], *, strict: bool = True, warnings: Optional[list[str]] = None) -> list[Entry]:
    """Return a table's services.

    :param strict: refuse what the kernel accepts but does not work as it looks.
    :param warnings: receives what strict would refuse.
    :raises IpvsInputError: with the option's path, e.g. ``services[0].destinations[1].weight``.
    """
    found: dict[ServiceKey, Entry] = {}
    for index, values in enumerate(services):
        path = f"services[{index}]"
        entry = new_entry(values, path=path, strict=strict, warnings=warnings)
        key = entry.service.key
        if key in found:
            raise IpvsInputError(path, f"{key} is listed already, as services[{list(found).index(key)}]")
        found[key] = entry
    return list(found.values())
