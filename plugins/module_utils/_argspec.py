# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Options -> model: the argument specs, and the only place that reads ``module.params``.

Options have no defaults here: one that is not given stays as the kernel has it. What a new entry starts from stands in
``_model``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils import _uapi as uapi
from ansible_collections.lvs.director.plugins.module_utils._desired import DesiredDestination, DesiredService, DesiredTable, Drain, at
from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model import (
    DestinationKey,
    ServiceKey,
    address_family,
    parse_address,
)

Spec = dict[str, Any]
Params = Mapping[str, Any]
ReadDestination = Callable[[str, int, Params, ServiceKey], DesiredDestination]

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
FWMARK_MAX = 2**32 - 1

SERVICE_KEY_SPEC: Spec = {
    "protocol": {"type": "str", "choices": list(uapi.PROTOCOLS)},
    "address": {"type": "str"},
    "port": {"type": "int"},
    "fwmark": {"type": "int"},
    "family": {"type": "str", "choices": list(uapi.FAMILIES)},
}
# Holds for a module's own options as well as for a nested ``service``.
SERVICE_KEY_RULES: Spec = {
    "required_one_of": [("address", "fwmark")],
    "mutually_exclusive": [("address", "fwmark"), ("protocol", "fwmark"), ("port", "fwmark")],
    "required_together": [("protocol", "address", "port")],
}

SERVICE_SPEC: Spec = {
    "scheduler": {"type": "str"},
    "scheduler_flags": {"type": "list", "elements": "str", "choices": list(uapi.SCHEDULER_FLAGS)},
    "persistence_timeout": {"type": "int"},
    "persistence_netmask": {"type": "str"},
    "persistence_engine": {"type": "str"},
    "one_packet": {"type": "bool"},
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

# What can be said of a service and its destinations together: ``ipvs_service``, and each item of ``ipvs_table``.
SERVICE_DESTINATIONS_SPEC: Spec = {
    "destinations": {"type": "list", "elements": "dict", "options": DESTINATION_SPEC},
    "exclusive_destinations": {"type": "bool"},
    "ordered": {"type": "bool"},
}

STATE_SPEC: Spec = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
ZERO_COUNTERS_SPEC: Spec = {"zero_counters": {"type": "bool", "default": False}}


def service_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_service``."""
    return {
        "argument_spec": {
            **STATE_SPEC,
            **SERVICE_KEY_SPEC,
            **SERVICE_SPEC,
            **SERVICE_DESTINATIONS_SPEC,
            "exclusive_destinations": {"type": "bool", "default": False},
            "ordered": {"type": "bool", "default": True},
            **ZERO_COUNTERS_SPEC,
        },
        **SERVICE_KEY_RULES,
        "supports_check_mode": True,
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
            "min_available": {"type": "int", "default": 1},
            "service": {"type": "dict", "required": True, "options": SERVICE_KEY_SPEC, **SERVICE_KEY_RULES},
            **DESTINATION_SPEC,
        },
        "supports_check_mode": True,
    }


def info_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_info``."""
    return {"argument_spec": {}, "supports_check_mode": True}


def desired_from_service_module(params: Params) -> DesiredTable:
    """Return what a task of ``ipvs_service`` asks for.

    :raises IpvsInputError: a value is impossible in itself.
    """
    return DesiredTable((service_with_destinations("", params)._replace(zero_counters=params["zero_counters"]),))


def service_with_destinations(path: str, params: Params, read: Optional[ReadDestination] = None) -> DesiredService:
    """Return what is asked for of a service and its destinations, from options of SERVICE_DESTINATIONS_SPEC and those above it.

    :param read: makes the value of each item of ``destinations``.
    :raises IpvsInputError: a value is impossible in itself.
    """
    desired = _service(path, params)
    if params["state"] == "absent":
        return desired._replace(present=False)
    destinations = params["destinations"]
    if destinations is None:
        if params["exclusive_destinations"]:
            raise IpvsInputError(at(path, "exclusive_destinations"), "give destinations too; an empty list removes all that there are")
        return desired
    return desired._replace(
        destinations=_destinations(at(path, "destinations"), destinations, desired.key, read or _destination),
        exclusive=params["exclusive_destinations"],
        ordered=params["ordered"],
    )


def desired_from_destination_module(params: Params) -> DesiredTable:
    """Return what a task of ``ipvs_destination`` asks for.

    :raises IpvsInputError: a value is impossible in itself.
    """
    key = _service_key("service", params["service"])
    destination = _destination("", 0, params, key)._replace(present=params["state"] != "absent")
    if params["state"] == "drained" and destination.given:
        raise IpvsInputError(next(iter(destination.given)), "state drained sets weight 0, and changes nothing else")
    return DesiredTable((DesiredService("service", key, {}, must_exist=True, destinations=(destination,)),))


def drain_from_destination_module(params: Params) -> Drain:
    """Return how a task of ``ipvs_destination`` asks to drain.

    :raises IpvsInputError: a value is impossible in itself.
    """
    return Drain(
        timeout=number(params, "", "drain_timeout", 0, uapi.MAX_TIMEOUT, " seconds"),
        connections=number(params, "", "drain_connections", 0, uapi.INT_MAX),
        counted=params["drain_count"],
        remove=params["drain_then"] == "remove",
        min_available=number(params, "", "min_available", 0, uapi.INT_MAX),
    )


def _service(path: str, params: Params) -> DesiredService:
    key = _service_key(path, params)
    given: dict[str, Any] = {}
    words = tuple(params["scheduler_flags"] or ())
    if params["scheduler"] is not None:
        given["scheduler"] = _name(at(path, "scheduler"), params["scheduler"], uapi.IP_VS_SCHEDNAME_MAXLEN)
    if params["scheduler_flags"] is not None:
        given["scheduler_flags"] = _bits(words, uapi.SCHEDULER_FLAGS)
    if params["persistence_timeout"] is not None:
        given["persistence_timeout"] = number(params, path, "persistence_timeout", 0, uapi.MAX_TIMEOUT, " seconds")
    if params["persistence_netmask"] is not None:
        given["persistence_netmask"] = _netmask(at(path, "persistence_netmask"), params["persistence_netmask"], key.family)
    if params["persistence_engine"] is not None:
        # An empty name takes the engine off the service.
        given["persistence_engine"] = params["persistence_engine"] and _name(
            at(path, "persistence_engine"), params["persistence_engine"], uapi.IP_VS_PENAME_MAXLEN
        )
    if params["one_packet"] is not None:
        given["one_packet"] = params["one_packet"]
    return DesiredService(path, key, given, words)


def _service_key(path: str, params: Params) -> ServiceKey:
    if params["fwmark"] is not None:
        return ServiceKey(params["family"] or "ipv4", fwmark=number(params, path, "fwmark", 1, FWMARK_MAX))
    address = parsed_address(at(path, "address"), params["address"])
    family = address_family(address)
    if params["family"] not in (None, family):
        raise IpvsInputError(at(path, "family"), f"{params['address']} is {family}, not {params['family']}")
    return ServiceKey(family, params["protocol"], address, number(params, path, "port", 0, 65535))


def _destinations(path: str, items: list[Params], service: ServiceKey, read: ReadDestination) -> tuple[DesiredDestination, ...]:
    found: dict[DestinationKey, DesiredDestination] = {}
    for index, item in enumerate(items):
        one = read(path, index, item, service)
        if one.key in found:
            raise IpvsInputError(one.path, f"{one.key} is listed already, as {found[one.key].path}")
        found[one.key] = one
    return tuple(found.values())


def _destination(listed: str, index: int, params: Params, service: ServiceKey) -> DesiredDestination:
    path = f"{listed}[{index}]" if listed else ""
    # As with ipvsadm -r, a destination without a port has its service's.
    port = service.port if params["port"] is None else number(params, path, "port", 0, 65535)
    return DesiredDestination(
        listed, index, DestinationKey(parsed_address(at(path, "address"), params["address"]), port), given_of_destination(path, params)
    )


def given_of_destination(path: str, params: Params) -> dict[str, Any]:
    """Return the fields of ``Destination`` that are given, but for its name.

    :raises IpvsInputError: a value is impossible in itself.
    """
    given = {option: params[option] for option in ("forward_method", "tunnel_type") if params[option] is not None}
    for option in ("weight", "upper_threshold", "lower_threshold"):
        if params[option] is not None:
            given[option] = number(params, path, option, 0, uapi.INT_MAX)
    if params["tunnel_port"] is not None:
        given["tunnel_port"] = number(params, path, "tunnel_port", 1, 65535)
    words = params["tunnel_flags"]
    if words is not None:
        if len(set(words)) > 1:
            raise IpvsInputError(at(path, "tunnel_flags"), f"{' and '.join(sorted(set(words)))} exclude each other")
        given["tunnel_flags"] = _bits(words, uapi.TUNNEL_FLAGS)
    return given


def parsed_address(path: str, text: str) -> bytes:
    try:
        return parse_address(text)
    except ValueError as exc:
        raise IpvsInputError(path, str(exc)) from exc


def number(params: Params, path: str, option: str, least: int, most: int, unit: str = "") -> int:
    value = params[option]
    if not least <= value <= most:
        raise IpvsInputError(at(path, option), f"{value} is not in the range {least} to {most}{unit}")
    return int(value)


def _bits(words: list[str] | tuple[str, ...], values: Mapping[str, int]) -> int:
    bits = 0
    for word in words:
        bits |= values[word]
    return bits


def _name(path: str, text: str, size: int) -> str:
    if not _NAME.fullmatch(text) or len(text) >= size:
        raise IpvsInputError(path, f"{text!r} is not a name of 1 to {size - 1} letters, digits, and _ . -")
    return text


def _netmask(path: str, text: str, family: str) -> str:
    """Return a netmask in the kernel's form for the family: dotted for IPv4, prefix length for IPv6."""
    length = prefix_length(text)
    if family == "ipv6":
        if length is None or not 1 <= length <= 128:
            raise IpvsInputError(path, f"{text!r} is not a prefix length from 1 to 128, as IPv6 needs")
        return str(length)
    if length is not None and length <= 32:
        bits = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
        return ".".join(str((bits >> shift) & 0xFF) for shift in (24, 16, 8, 0))
    try:
        packed = parse_address(text)
    except ValueError:
        packed = b""
    if len(packed) != 4:
        raise IpvsInputError(path, f"{text!r} is neither a netmask like 255.255.255.0 nor a prefix length from 0 to 32")
    return ".".join(str(part) for part in packed)


def prefix_length(text: str) -> Optional[int]:
    """Return the number behind a slash, or without one; None if it is none."""
    digits = text[1:] if text.startswith("/") else text
    return int(digits) if re.fullmatch(r"[0-9]{1,3}", digits) else None
