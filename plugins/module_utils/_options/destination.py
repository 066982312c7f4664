# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert options of ``ipvs_destination``. Those for draining are in ``drain``."""

from __future__ import annotations

from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.ramp import Ramp
from ansible_collections.lvs.director.plugins.module_utils._options.common import (
    DESTINATION_SPEC,
    SERVICE_KEY_SPEC,
    STRICT_SPEC,
    Params,
    Spec,
    given_of_destination,
    number,
    parsed_address,
    read_destination,
    service_key,
)

RAMP_SPEC: Spec = {
    "from": {"type": "int", "default": 10},
    "steps": {"type": "int", "default": 5},
    "every": {"type": "int", "default": 30},
}


def destination_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_destination``."""
    return {
        "argument_spec": {
            "state": {"type": "str", "choices": ["present", "absent", "drained"], "default": "present"},
            "drain_timeout": {"type": "int", "default": 300},
            "drain_connections": {"type": "int", "default": 0},
            "drain_count": {"type": "str", "choices": ["all", "active"], "default": "all"},
            "drain_then": {"type": "str", "choices": ["keep", "remove"], "default": "keep"},
            "drain_on_timeout": {"type": "str", "choices": ["fail", "continue"], "default": "fail"},
            "min_available": {"type": "int", "default": 1},
            "ramp": {"type": "dict", "options": RAMP_SPEC},
            "service": {"type": "dict", "options": SERVICE_KEY_SPEC},
            **DESTINATION_SPEC,
            **STRICT_SPEC,
        },
        "supports_check_mode": True,
    }


def ramp_from_destination_module(params: Params) -> Optional[Ramp]:
    """Return how the destination comes back, None for at once.

    :raises IpvsInputError: a value is invalid.
    """
    options = params["ramp"]
    if options is None:
        return None
    if params["state"] != "present":
        raise IpvsInputError("ramp", f"is for bringing a destination back, with state present, not {params['state']}")
    return Ramp(
        number(options, "ramp", "from", 1, 99, " percent"),
        number(options, "ramp", "steps", 2, 100),
        number(options, "ramp", "every", 1, 3600, " seconds"),
    )


def address_from_destination_module(params: Params) -> tuple[bytes, Optional[int]]:
    """Return the address, and the port if it is given, of a task that names no service.

    :raises IpvsInputError: a value is invalid, or means something only for one service.
    """
    address = parsed_address("address", params["address"])
    given = next(iter(given_of_destination("", params)), None)
    if given:
        raise IpvsInputError(given, "is for the destination of one service: give service as well")
    return address, None if params["port"] is None else number(params, "", "port", 0, 65535)


def desired_from_destination_module(params: Params) -> DesiredTable:
    """Return the desired state of a task of ``ipvs_destination`` that names a service.

    :raises IpvsInputError: a value is invalid.
    """
    key = service_key("service", params["service"])
    destination = read_destination("", 0, params, key)._replace(present=params["state"] != "absent")
    if params["state"] == "drained" and destination.given:
        raise IpvsInputError(next(iter(destination.given)), "state drained sets weight 0 and changes nothing else")
    service = DesiredService("service", key, Given(), must_exist=True, destinations=(destination,), strict=params["strict"])
    return DesiredTable((service,))
