# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert options of services with their destinations."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, DesiredTable, at
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, parse_address
from ansible_collections.lvs.director.plugins.module_utils._options.common import (
    DESTINATION_SPEC,
    SERVICE_KEY_SPEC,
    STRICT_SPEC,
    Params,
    Spec,
    bits,
    number,
    read_destination,
    service_key,
)

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
ReadDestination = Callable[[str, int, Params, ServiceKey], DesiredDestination]

SERVICE_SPEC: Spec = {
    "scheduler": {"type": "str"},
    "scheduler_flags": {"type": "list", "elements": "str", "choices": list(uapi.SCHEDULER_FLAGS)},
    "persistence_timeout": {"type": "int"},
    "persistence_netmask": {"type": "str"},
    "persistence_engine": {"type": "str"},
    "one_packet": {"type": "bool"},
}

# A service's destinations, in ``ipvs_service`` and in each item of ``ipvs_table``.
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
            **STRICT_SPEC,
        },
        "supports_check_mode": True,
    }


def desired_from_service_module(params: Params) -> DesiredTable:
    """Return the desired state of a task of ``ipvs_service``.

    :raises IpvsInputError: a value is invalid.
    """
    service = service_with_destinations("", params)
    return DesiredTable((service._replace(zero_counters=params["zero_counters"], strict=params["strict"]),))


def service_with_destinations(path: str, params: Params, read: Optional[ReadDestination] = None) -> DesiredService:
    """Return a service with its destinations, from options of SERVICE_DESTINATIONS_SPEC and the specs above it.

    :param read: converts an item of ``destinations``.
    :raises IpvsInputError: a value is invalid.
    """
    desired = _service(path, params)
    if params["state"] == "absent":
        return desired._replace(present=False)
    destinations = params["destinations"]
    if destinations is None:
        if params["exclusive_destinations"]:
            raise IpvsInputError(at(path, "exclusive_destinations"), "give destinations too; an empty list removes them all")
        return desired
    return desired._replace(
        destinations=_destinations(at(path, "destinations"), destinations, desired.key, read or read_destination),
        exclusive=params["exclusive_destinations"],
        ordered=params["ordered"],
    )


def _service(path: str, params: Params) -> DesiredService:
    key = service_key(path, params)
    given: dict[str, Any] = {}
    words = tuple(params["scheduler_flags"] or ())
    if params["scheduler"] is not None:
        given["scheduler"] = _name(at(path, "scheduler"), params["scheduler"], uapi.IP_VS_SCHEDNAME_MAXLEN)
    if params["scheduler_flags"] is not None:
        given["scheduler_flags"] = bits(words, uapi.SCHEDULER_FLAGS)
    if params["persistence_timeout"] is not None:
        given["persistence_timeout"] = number(params, path, "persistence_timeout", 0, uapi.UINT_MAX, " seconds")
    if params["persistence_netmask"] is not None:
        given["persistence_netmask"] = _netmask(at(path, "persistence_netmask"), params["persistence_netmask"], key.family)
    if params["persistence_engine"] is not None:
        # An empty name removes the engine.
        given["persistence_engine"] = params["persistence_engine"] and _name(
            at(path, "persistence_engine"), params["persistence_engine"], uapi.IP_VS_PENAME_MAXLEN
        )
    if params["one_packet"] is not None:
        given["one_packet"] = params["one_packet"]
    return DesiredService(path, key, given, words)


def _destinations(path: str, items: list[Params], service: ServiceKey, read: ReadDestination) -> tuple[DesiredDestination, ...]:
    found: dict[DestinationKey, DesiredDestination] = {}
    for index, item in enumerate(items):
        destination = read(path, index, item, service)
        key = destination.key
        if key in found:
            raise IpvsInputError(destination.path, f"{key} is listed already, as {found[key].path}")
        found[key] = destination
    return tuple(found.values())


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
    """Return the number in ``/24`` or ``24``; None if the text is neither."""
    digits = text[1:] if text.startswith("/") else text
    return int(digits) if re.fullmatch(r"[0-9]{1,3}", digits) else None
