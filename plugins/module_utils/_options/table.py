# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Options of ``ipvs_table`` -> model.

A table may hold a hundred thousand destinations. AnsibleModule needs 50 microseconds to validate each of them against
nested options, more than all the rest of a run, so here the list comes as it was written and is held to the same specs
by ``_checked``. What equal destinations share is made once.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.desired import (
    DesiredDestination,
    DesiredService,
    DesiredTable,
    ScopePart,
    at,
)
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, parse_address
from ansible_collections.lvs.director.plugins.module_utils._options.common import (
    DESTINATION_SPEC,
    FWMARK_MAX,
    SERVICE_KEY_RULES,
    SERVICE_KEY_SPEC,
    Params,
    Spec,
    given_of_destination,
    number,
)
from ansible_collections.lvs.director.plugins.module_utils._options.service import (
    SERVICE_DESTINATIONS_SPEC,
    SERVICE_SPEC,
    STATE_SPEC,
    ZERO_COUNTERS_SPEC,
    service_with_destinations,
)

# An item of ``services``: the options of ipvs_service, and held to them here.
TABLE_SERVICE_SPEC: Spec = {**STATE_SPEC, **SERVICE_KEY_SPEC, **SERVICE_SPEC, **SERVICE_DESTINATIONS_SPEC}

SCOPE_SPEC: Spec = {
    "addresses": {"type": "str"},
    "protocol": {"type": "str", "choices": list(uapi.PROTOCOLS)},
    "fwmarks": {"type": "str"},
    "family": {"type": "str", "choices": list(uapi.FAMILIES)},
}


def table_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_table``."""
    return {
        "argument_spec": {
            "services": {"type": "list", "elements": "dict"},
            "scope": {"type": "list", "elements": "dict", "options": SCOPE_SPEC},
            "purge": {"type": "bool", "default": False},
            "exclusive_destinations": {"type": "bool"},
            **ZERO_COUNTERS_SPEC,
        },
        "required_one_of": [("services", "zero_counters")],
        "required_if": [("purge", True, ("scope", "services"))],
        "supports_check_mode": True,
    }


def desired_from_table_module(params: Params) -> DesiredTable:
    """Return what a task of ``ipvs_table`` asks for.

    :raises IpvsInputError: a value is impossible in itself; entries are named by index, as in ``services[3].destinations[1]``.
    """
    scope = tuple(_scope_part(f"scope[{index}]", part) for index, part in enumerate(params["scope"] or ()))
    if params["purge"] and not scope:
        raise IpvsInputError("scope", "is empty: say in which part of the table services that are not listed shall be purged")
    exclusive = params["purge"] if params["exclusive_destinations"] is None else params["exclusive_destinations"]
    read = _Destinations()
    found: dict[ServiceKey, DesiredService] = {}
    for index, item in enumerate(_unpacked(params["services"] or ())):
        path = f"services[{index}]"
        values = _checked(path, item, TABLE_SERVICE_SPEC)
        _check_name(path, values)
        if values["exclusive_destinations"] is None:
            values["exclusive_destinations"] = exclusive and values["destinations"] is not None
        one = service_with_destinations(path, values, read.read)
        if one.key in found:
            raise IpvsInputError(path, f"{one.key} is listed already, as {found[one.key].path}")
        if scope and not any(part.covers(one.key) for part in scope):
            raise IpvsInputError(path, f"{one.key} is outside of the declared scope, in which alone this task may change anything")
        found[one.key] = one
    zero_listed = params["zero_counters"] and params["services"] is not None
    return DesiredTable(
        tuple(one._replace(zero_counters=True) for one in found.values()) if zero_listed else tuple(found.values()),
        scope,
        params["purge"],
        params["zero_counters"] and params["services"] is None,
    )


def number_of_services(services: Sequence[Any]) -> int:
    """Return how many services were listed."""
    return sum(one["number"] if _is_packed(one) else 1 for one in services)


def _unpacked(services: Sequence[Any]) -> Iterator[Any]:
    """Yield services, one after the other also if the action plugin has packed them: all at once would take memory."""
    for one in services:
        if not _is_packed(one):
            yield one
            continue
        try:
            for line in zlib.decompress(base64.b64decode(one["packed"])).splitlines():
                yield json.loads(line)
        except (TypeError, ValueError, zlib.error) as exc:
            raise IpvsInputError("services", f"was damaged on the way from the controller: {exc}") from exc


def _is_packed(service: Any) -> bool:
    return isinstance(service, dict) and service.keys() == {"packed", "number"}


# What the classes do, without being asked a hundred thousand times how they do it.
_make = tuple.__new__


class _Destinations:
    """Makes the values of destinations; what was given, names apart, is the same value for all that were given the same."""

    def __init__(self) -> None:
        self._given: dict[tuple[Any, ...], Mapping[str, Any]] = {}
        # With the types: 1 equals true, and only one of them is a weight.
        self._last: tuple[dict[str, Any], list[type], Mapping[str, Any]] = {}, [type(self)], {}

    def read(self, listed: str, index: int, item: Any, service: ServiceKey) -> DesiredDestination:
        """Return one destination.

        :raises IpvsInputError: a value is impossible in itself.
        """
        if not isinstance(item, dict):
            raise IpvsInputError(f"{listed}[{index}]", f"{item!r} is not a destination: give address, and what else is to be said of it")
        rest = item.copy()
        address, port = rest.pop("address", None), rest.pop("port", None)
        simple = isinstance(address, str) and (port is None or (isinstance(port, int) and not isinstance(port, bool)))
        last, types, given = self._last
        if simple and rest == last and list(map(type, rest.values())) == types:
            pass  # the same as the one before, as mostly
        elif simple and self._known(rest):
            given = self._last[2]
        else:
            path = f"{listed}[{index}]"
            values = _checked(path, item, DESTINATION_SPEC)
            address, port = values["address"], values["port"]
            given = self._remember(rest, given_of_destination(path, values))
        if port is None:
            port = service.port
        elif not 0 <= port <= 65535:
            number({"port": port}, f"{listed}[{index}]", "port", 0, 65535)
        try:
            packed = parse_address(address)
        except ValueError as exc:
            raise IpvsInputError(f"{listed}[{index}].address", str(exc)) from exc
        one: DesiredDestination = _make(DesiredDestination, (listed, index, _make(DestinationKey, (packed, port)), given, True))
        return one

    def _known(self, rest: dict[str, Any]) -> bool:
        """Return whether an item has had the same options before; they are the last ones then."""
        given = self._given.get(_hashable(rest))
        if given is None:
            return False
        self._last = rest, list(map(type, rest.values())), given
        return True

    def _remember(self, rest: dict[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
        given = self._given.setdefault(_hashable(rest), given)
        self._last = rest, list(map(type, rest.values())), given
        return given


def _hashable(options: dict[str, Any]) -> tuple[Any, ...]:
    return tuple([(option, repr(value)) for option, value in options.items()])


def _checked(path: str, item: Any, spec: Spec) -> dict[str, Any]:
    """Return all options of a spec, as AnsibleModule would: converted, None where nothing was given."""
    if not isinstance(item, dict):
        raise IpvsInputError(path, f"{item!r} is not a dictionary of options")
    unknown = [str(option) for option in item if option not in spec]
    if unknown:
        raise IpvsInputError(path, f"there is no option {', '.join(unknown)}; there are {', '.join(spec)}")
    values = {option: rule.get("default") for option, rule in spec.items()}
    for option, value in item.items():
        if value is None:
            continue
        rule = spec[option]
        converted = _CONVERT[rule["type"]](at(path, option), value)
        if "choices" in rule:
            for one in converted if isinstance(converted, list) else (converted,):
                if one not in rule["choices"]:
                    raise IpvsInputError(at(path, option), f"{one!r} is none of {', '.join(rule['choices'])}")
        values[option] = converted
    for option, rule in spec.items():
        if rule.get("required") and values[option] is None:
            raise IpvsInputError(at(path, option), "is missing")
    return values


def _whole_number(path: str, value: Any) -> int:
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            return int(value)
        except ValueError:
            pass
    raise IpvsInputError(path, f"{value!r} is not a whole number")


def _text(path: str, value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise IpvsInputError(path, f"{value!r} is not a text")
    return str(value)


def _list(path: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        return value.split(",")
    if not isinstance(value, list):
        raise IpvsInputError(path, f"{value!r} is not a list")
    return value


def _boolean(path: str, value: Any) -> bool:
    word = str(value).lower()
    if word in ("true", "yes", "on", "y", "t", "1"):
        return True
    if word in ("false", "no", "off", "n", "f", "0"):
        return False
    raise IpvsInputError(path, f"{value!r} is neither true nor false")


_CONVERT = {"int": _whole_number, "str": _text, "list": _list, "bool": _boolean}


def _check_name(path: str, values: Params) -> None:
    """Hold a service to SERVICE_KEY_RULES, which AnsibleModule does for the other modules."""
    if values["fwmark"] is None and None not in (values["protocol"], values["address"], values["port"]):
        return  # as most are

    def given(options: Sequence[str]) -> list[str]:
        return [option for option in options if values[option] is not None]

    for options in SERVICE_KEY_RULES["required_one_of"]:
        if not given(options):
            raise IpvsInputError(path, f"one of the following is required: {', '.join(options)}")
    for options in SERVICE_KEY_RULES["mutually_exclusive"]:
        if len(given(options)) > 1:
            raise IpvsInputError(path, f"parameters are mutually exclusive: {'|'.join(options)}")
    for options in SERVICE_KEY_RULES["required_together"]:
        if given(options) and len(given(options)) < len(options):
            raise IpvsInputError(path, f"parameters are required together: {', '.join(options)}")


def _scope_part(path: str, part: Params) -> ScopePart:
    if part["fwmarks"] is not None:
        if part["addresses"] is not None or part["protocol"] is not None:
            raise IpvsInputError(path, "a service with a firewall mark has neither address nor protocol: make two parts of it")
        first, last = _range(at(path, "fwmarks"), part["fwmarks"])
        return ScopePart(path, first_fwmark=first, last_fwmark=last, family=part["family"])
    if part["family"] is not None:
        raise IpvsInputError(at(path, "family"), "goes with fwmarks; addresses have a family of their own")
    if part["addresses"] is None:
        if part["protocol"] is None:
            raise IpvsInputError(path, "give addresses, protocol or fwmarks: an empty part would be nothing")
        return ScopePart(path, protocol=part["protocol"])
    first_address, last_address = _addresses(at(path, "addresses"), part["addresses"])
    return ScopePart(path, first_address, last_address, part["protocol"])


def _range(path: str, text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    try:
        numbers = int(first), int(last if dash else first)
    except ValueError:
        numbers = 0, 0
    if not 1 <= numbers[0] <= numbers[1] <= FWMARK_MAX:
        raise IpvsInputError(path, f"{text!r} is neither a firewall mark nor a range of them, like 100-199")
    return numbers


def _addresses(path: str, text: str) -> tuple[bytes, bytes]:
    """Return first and last address of ``10.0.0.0/24``, ``10.0.0.1-10.0.0.9`` or ``10.0.0.1``."""
    first, dash, last = text.partition("-")
    try:
        if dash:
            low, high = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
        else:
            network = ipaddress.ip_network(text.strip())
            low, high = network[0], network[-1]
    except ValueError as exc:
        raise IpvsInputError(path, f"{text!r} is neither a network like 10.0.0.0/24 nor a range like 10.0.0.1-10.0.0.9: {exc}") from exc
    if low.version != high.version or low.packed > high.packed:
        raise IpvsInputError(path, f"{text!r} does not begin with its first address")
    return low.packed, high.packed
