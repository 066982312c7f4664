# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: without_checks
short_description: Leave the health checks out of a list of IPVS services
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Returns services without the options that only M(lvs.director.ipvs_health) knows. One variable can then describe services with their
    checks, and be given to both modules. Like other modules, M(lvs.director.ipvs_table) refuses an option that it does not know.
positional: _input
options:
  _input:
    description:
      - Services as for M(lvs.director.ipvs_health).
    type: list
    elements: dict
    required: true
seealso:
  - module: lvs.director.ipvs_health
  - module: lvs.director.ipvs_table
"""

EXAMPLES = r"""
- name: Configure the services (ipvs_health takes the same list as it is)
  lvs.director.ipvs_table:
    services: "{{ services | lvs.director.without_checks }}"
  vars:
    services:
      - protocol: tcp
        address: 10.211.55.3
        port: 80
        checks: [{type: tcp}]
        destinations:
          - {address: 10.211.55.253, forward_method: masquerade}
"""

RETURN = r"""
_value:
  description:
    - The services without C(checks), C(min_available), C(on_failure), C(recover_after) and C(slow_start), their destinations without
      C(checks) and C(sorry).
  type: list
  elements: dict
"""

from collections.abc import Callable, Collection
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._options.health import DESTINATION_HEALTH_SPEC, SERVICE_SPEC


def without_checks(services: Any) -> Any:
    return [_service(each) for each in services] if isinstance(services, list) else services


def _service(service: Any) -> Any:
    rest = _without(service, SERVICE_SPEC)
    if isinstance(rest, dict) and isinstance(rest.get("destinations"), list):
        rest["destinations"] = [_without(each, DESTINATION_HEALTH_SPEC) for each in rest["destinations"]]
    return rest


def _without(values: Any, names: Collection[str]) -> Any:
    """Return a dictionary without some of its items; whatever else it is, the module refuses it."""
    return {name: value for name, value in values.items() if name not in names} if isinstance(values, dict) else values


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"without_checks": without_checks}
