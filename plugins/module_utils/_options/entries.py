# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Services in the shape of options -> entries, by the path on which the modules go: same ranges, same checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._options import common as argspec
from ansible_collections.lvs.director.plugins.module_utils._options import service as argspec_service
from ansible_collections.lvs.director.plugins.module_utils._plan.service import plan_entry

# One service with its destinations, as arguments of an ArgumentSpecValidator.
ENTRY_SPEC: argspec.Spec = {
    "argument_spec": {
        **argspec.SERVICE_KEY_SPEC,
        **argspec_service.SERVICE_SPEC,
        "destinations": {"type": "list", "elements": "dict", "options": argspec.DESTINATION_SPEC},
    },
    **argspec.SERVICE_KEY_RULES,
}


def with_defaults(spec: argspec.Spec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return all of a spec's options with the values that are given, as AnsibleModule would; it does not check them."""
    found: dict[str, Any] = {}
    for name, option in spec.items():
        value = values.get(name, option.get("default"))
        inner = option.get("options")
        if inner and isinstance(value, list):
            value = [with_defaults(inner, one) for one in value]
        elif inner and isinstance(value, Mapping):
            value = with_defaults(inner, value)
        found[name] = value
    return found


def new_entry(values: Mapping[str, Any]) -> Entry:
    """Return what ``ipvs_service`` makes of its options where there is no such service yet.

    :param values: options of ``ipvs_service``; what is missing or None has the model's default.
    :raises IpvsInputError: with the option's path.
    """
    params = with_defaults(argspec_service.service_module_spec()["argument_spec"], values)
    (desired,) = argspec_service.desired_from_service_module(params).services
    # There is one, since nothing but a service that is to be absent comes to none.
    return cast(Entry, plan_entry(None, desired))


def new_entries(services: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Return a table's services.

    :raises IpvsInputError: its text starts with the option's path, ``services[0].destinations[1].weight`` say.
    """
    found: dict[ServiceKey, Entry] = {}
    for index, values in enumerate(services):
        path = f"services[{index}]"
        try:
            entry = new_entry(values)
        except IpvsInputError as exc:
            raise IpvsInputError("", f"{path}.{exc}") from exc
        key = entry.service.key
        if key in found:
            raise IpvsInputError(path, f"{key} is listed already, as services[{list(found).index(key)}]")
        found[key] = entry
    return list(found.values())
