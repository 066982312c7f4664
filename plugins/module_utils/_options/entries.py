# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Services in the shape of options -> entries, through the checks that a task's options go through."""

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
    """Return all of a spec's options with the values that are given, as AnsibleModule would; it does not check them."""
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
    """Return what ``ipvs_service`` makes of its options where there is no such service yet.

    :param values: options of ``ipvs_service``; what is missing or None has the model's default.
    :param path: of the service in the task, for errors.
    :param strict: refuse what the kernel takes but what does not work as it looks.
    :param warnings: gets what strict would refuse.
    :raises IpvsInputError: with the option's path.
    """
    desired = service_with_destinations(path, with_defaults(_SPEC, values))._replace(strict=strict)
    # Only a service that is to be absent has no entry.
    return cast(Entry, plan_entry(None, desired, Merger(warnings)))


def new_entries(services: Iterable[Mapping[str, Any]], *, strict: bool = True, warnings: Optional[list[str]] = None) -> list[Entry]:
    """Return a table's services.

    :param strict: refuse what the kernel takes but what does not work as it looks.
    :param warnings: gets what strict would refuse.
    :raises IpvsInputError: with the option's path, such as ``services[0].destinations[1].weight``.
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
