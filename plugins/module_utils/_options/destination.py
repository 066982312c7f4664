# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert options of ``ipvs_destination``. Those for draining are in ``drain``."""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._options.common import (
    DESTINATION_SPEC,
    SERVICE_KEY_SPEC,
    STRICT_SPEC,
    Params,
    Spec,
    read_destination,
    service_key,
)


def destination_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_destination``."""
    return {
        "argument_spec": {
            "state": {"type": "str", "choices": ["present", "absent", "drained"], "default": "present"},
            "drain_timeout": {"type": "int", "default": 300},
            "drain_connections": {"type": "int", "default": 0},
            "drain_count": {"type": "str", "choices": ["all", "active"], "default": "all"},
            "drain_then": {"type": "str", "choices": ["keep", "remove"], "default": "keep"},
            "min_available": {"type": "int", "default": 1},
            "service": {"type": "dict", "required": True, "options": SERVICE_KEY_SPEC},
            **DESTINATION_SPEC,
            **STRICT_SPEC,
        },
        "supports_check_mode": True,
    }


def desired_from_destination_module(params: Params) -> DesiredTable:
    """Return the desired state of a task of ``ipvs_destination``.

    :raises IpvsInputError: a value is invalid.
    """
    key = service_key("service", params["service"])
    destination = read_destination("", 0, params, key)._replace(present=params["state"] != "absent")
    if params["state"] == "drained" and destination.given:
        raise IpvsInputError(next(iter(destination.given)), "state drained sets weight 0 and changes nothing else")
    service = DesiredService("service", key, Given(), must_exist=True, destinations=(destination,), strict=params["strict"])
    return DesiredTable((service,))
