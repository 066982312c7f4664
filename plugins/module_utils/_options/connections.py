# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert options of ``ipvs_connection_info``."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._model.connections import WantedConnections
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import CONNECTION_STATES, INT_MAX, PROTOCOLS
from ansible_collections.lvs.director.plugins.module_utils._options.common import Params, Spec, number, parsed_address
from ansible_collections.lvs.director.plugins.module_utils._options.service import prefix_length

_TEMPLATES = {"include": None, "exclude": False, "only": True}


def connection_info_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_connection_info``."""
    return {
        "argument_spec": {
            "protocol": {"type": "str", "choices": list(PROTOCOLS)},
            "address": {"type": "str"},
            "port": {"type": "int"},
            "destination_address": {"type": "str"},
            "destination_port": {"type": "int"},
            "client": {"type": "str"},
            "states": {"type": "list", "elements": "str", "choices": list(CONNECTION_STATES)},
            "templates": {"type": "str", "choices": list(_TEMPLATES), "default": "include"},
            "origin": {"type": "bool", "default": False},
            "limit": {"type": "int", "default": 1000},
        },
        "supports_check_mode": True,
    }


def wanted_from_connection_info_module(params: Params) -> WantedConnections:
    """Return the filter of a task of ``ipvs_connection_info``.

    :raises IpvsInputError: a value is invalid.
    """
    values: dict[str, Any] = {
        "protocol": params["protocol"],
        "template": _TEMPLATES[params["templates"]],
        "limit": number(params, "", "limit", 0, INT_MAX),
        "origin": params["origin"],
    }
    for option in ("address", "destination_address"):
        if params[option] is not None:
            values[option] = parsed_address(option, params[option])
    for option in ("port", "destination_port"):
        if params[option] is not None:
            # A service with port 0 has connections on all ports.
            values[option] = number(params, "", option, 0, 65535) or None
    if params["client"] is not None:
        values["client"] = _network("client", params["client"])
    if params["states"] is not None:
        values["states"] = frozenset(params["states"])
    return WantedConnections(**values)


def _network(path: str, text: str) -> tuple[bytes, int]:
    """Return address and length of a prefix; a single address has full length."""
    address, slash, digits = text.partition("/")
    packed = parsed_address(path, address)
    most = 8 * len(packed)
    if not slash:
        return packed, most
    length = None if digits.startswith("/") else prefix_length(digits)
    if length is None or length > most:
        raise IpvsInputError(path, f"{text!r} has no prefix length from 0 to {most}")
    return packed, length
