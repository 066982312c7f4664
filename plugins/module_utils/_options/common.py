# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Shared by several modules: argument specs of services and destinations, and converters for single options.

Options have no defaults here: an omitted option keeps the kernel's value. The defaults of new entries are in ``_model.table``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.desired import (
    DesiredDestination,
    Given,
    at,
)
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    DestinationKey,
    ServiceKey,
    address_family,
    parse_address,
)

Spec = dict[str, Any]
Params = Mapping[str, Any]
FWMARK_MAX = 2**32 - 1

# ``check_service_name`` checks the combinations: AnsibleModule would count an option that is null.
SERVICE_KEY_SPEC: Spec = {
    "protocol": {"type": "str", "choices": list(uapi.PROTOCOLS)},
    "address": {"type": "str"},
    "port": {"type": "int"},
    "fwmark": {"type": "int"},
    "family": {"type": "str", "choices": list(uapi.FAMILIES)},
}

DESTINATION_SPEC: Spec = {
    "address": {"type": "str", "required": True},
    "port": {"type": "int"},
    "forward_method": {"type": "str", "choices": list(uapi.FORWARD_METHODS)},
    "weight": {"type": "int"},
    "upper_threshold": {"type": "int"},
    "lower_threshold": {"type": "int"},
    "tunnel_type": {"type": "str", "choices": list(uapi.TUNNEL_TYPES)},
    "tunnel_port": {"type": "int"},
    "tunnel_flags": {"type": "list", "elements": "str", "choices": list(uapi.TUNNEL_FLAGS)},
}

STRICT_SPEC: Spec = {"strict": {"type": "bool", "default": True}}


def service_key(path: str, params: Params) -> ServiceKey:
    """Return the service named by options of SERVICE_KEY_SPEC.

    :raises IpvsInputError: they name no service.
    """
    check_service_name(path, params)
    if params["fwmark"] is not None:
        return ServiceKey(params["family"] or "ipv4", fwmark=number(params, path, "fwmark", 1, FWMARK_MAX))
    address = parsed_address(at(path, "address"), params["address"])
    family = address_family(address)
    if params["family"] not in (None, family):
        raise IpvsInputError(at(path, "family"), f"{params['address']} is {family}, not {params['family']}")
    return ServiceKey(family, params["protocol"], address, number(params, path, "port", 0, 65535))


def check_service_name(path: str, params: Params) -> None:
    """Require either protocol, address and port, or a firewall mark.

    :raises IpvsInputError: worded as by AnsibleModule.
    """
    named = [option for option in ("address", "protocol", "port") if params[option] is not None]
    if params["fwmark"] is None:
        if "address" not in named:
            raise IpvsInputError(path, "one of the following is required: address, fwmark")
        if len(named) < 3:
            raise IpvsInputError(path, "parameters are required together: protocol, address, port")
    elif named:
        raise IpvsInputError(path, f"parameters are mutually exclusive: {named[0]}|fwmark")


def read_destination(listed: str, index: int, params: Params, service: ServiceKey) -> DesiredDestination:
    """Return the desired destination from options of DESTINATION_SPEC."""
    path = f"{listed}[{index}]" if listed else ""
    # As with ipvsadm -r, the port defaults to the service's.
    port = service.port if params["port"] is None else number(params, path, "port", 0, 65535)
    return DesiredDestination(
        listed, index, DestinationKey(parsed_address(at(path, "address"), params["address"]), port), given_of_destination(path, params)
    )


def given_of_destination(path: str, params: Params) -> Given:
    """Return the given fields of ``Destination``, except its key.

    :raises IpvsInputError: a value is invalid.
    """
    given = {option: params[option] for option in ("forward_method", "tunnel_type") if params[option] is not None}
    for option in ("weight", "upper_threshold", "lower_threshold"):
        if params[option] is not None:
            given[option] = number(params, path, option, 0, uapi.INT_MAX)
    if params["tunnel_port"] is not None:
        given["tunnel_port"] = number(params, path, "tunnel_port", 1, 65535)
    words = params["tunnel_flags"]
    if words is not None:
        if "nocsum" in words and set(words) != {"nocsum"}:
            raise IpvsInputError(at(path, "tunnel_flags"), f"{' and '.join(sorted(set(words)))} exclude each other")
        given["tunnel_flags"] = bits(words, uapi.TUNNEL_FLAGS)
    return Given(given)


def parsed_address(path: str, text: str) -> bytes:
    """Return the packed form of an address.

    :raises IpvsInputError: it is not an address.
    """
    try:
        return parse_address(text)
    except ValueError as exc:
        raise IpvsInputError(path, str(exc)) from None


def number(params: Params, path: str, option: str, least: int, most: int, unit: str = "") -> int:
    """Return the number in an option.

    :raises IpvsInputError: it is out of range, or a boolean, which AnsibleModule's type int accepts.
    """
    value = params[option]
    if isinstance(value, bool):
        raise IpvsInputError(at(path, option), f"{value!r} is not a whole number")
    if not least <= value <= most:
        raise IpvsInputError(at(path, option), f"{value} is not in the range {least} to {most}{unit}")
    return int(value)


def bits(words: list[str] | tuple[str, ...], values: Mapping[str, int]) -> int:
    """Return flags as the kernel has them."""
    found = 0
    for word in words:
        found |= values[word]
    return found
