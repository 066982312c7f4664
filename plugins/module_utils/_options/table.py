# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Options of ``ipvs_table``.

A table may have a hundred thousand destinations. AnsibleModule takes 50 microseconds to validate each against nested options,
more than the rest of a run. So the list is passed unvalidated, and ``checked`` applies the same specs with AnsibleModule's own
type functions. Shared values of equal destinations are converted once.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.desired import (
    DesiredDestination,
    DesiredService,
    DesiredTable,
    Given,
    at,
)
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, parse_address
from ansible_collections.lvs.director.plugins.module_utils._options.common import (
    DESTINATION_SPEC,
    SERVICE_KEY_SPEC,
    STRICT_SPEC,
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

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._model.scope import ScopePart

# An item of ``services``: the options of ipvs_service, validated here.
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
            **STRICT_SPEC,
        },
        "required_if": [("purge", True, ("scope", "services"))],
        "supports_check_mode": True,
    }


def desired_from_table_module(params: Params) -> DesiredTable:
    """Return the desired state of a task of ``ipvs_table``.

    :raises IpvsInputError: a value is invalid; entries are named by index, as in ``services[3].destinations[1]``.
    """
    if params["services"] is None and not params["zero_counters"]:
        raise IpvsInputError("services", "is missing: list the services, or give zero_counters: true")
    scope = _scope(params["scope"]) if params["scope"] else ()
    if params["purge"] and not scope:
        raise IpvsInputError("scope", "is empty: say in which part of the table to delete the services that are not listed")
    exclusive = params["purge"] if params["exclusive_destinations"] is None else params["exclusive_destinations"]
    listed = params["services"] is not None
    strict = params["strict"]
    read = _Destinations(strict)
    found: dict[ServiceKey, DesiredService] = {}
    for index, item in enumerate(unpacked(params["services"] or ())):
        path = f"services[{index}]"
        values = checked(path, item, TABLE_SERVICE_SPEC, strict)
        if values["exclusive_destinations"] is None:
            values["exclusive_destinations"] = exclusive and values["destinations"] is not None
        service = service_with_destinations(path, values, read.read)
        key = service.key
        if key in found:
            raise IpvsInputError(path, f"{key} is listed already, as {found[key].path}")
        if scope and not any(part.covers(key) for part in scope):
            raise IpvsInputError(path, f"{key} is outside of the declared scope, in which alone this task may change anything")
        if params["zero_counters"] or not strict:
            service = service._replace(zero_counters=params["zero_counters"], strict=strict)
        found[key] = service
    return DesiredTable(tuple(found.values()), scope, params["purge"], zero_all_counters=params["zero_counters"] and not listed)


def _scope(parts: Sequence[Params]) -> tuple[ScopePart, ...]:
    from ansible_collections.lvs.director.plugins.module_utils._options.scope import scope_part  # noqa: PLC0415 (compiled only where it is used)

    return tuple(scope_part(f"scope[{index}]", part) for index, part in enumerate(parts))


def number_of_services(services: Sequence[Any]) -> int:
    """Return the number of listed services."""
    return sum(service["number"] if _is_packed(service) else 1 for service in services)


def unpacked(services: Sequence[Any]) -> Iterator[Any]:
    """Yield the services one by one, unpacking them if the action plugin packed them: all at once would need more memory."""
    for service in services:
        if not _is_packed(service):
            yield service
            continue
        try:
            for line in zlib.decompress(base64.b64decode(service["packed"])).splitlines():
                yield json.loads(line)
        except (TypeError, ValueError, zlib.error) as exc:
            raise IpvsInputError("services", f"was damaged on the way from the controller: {exc}") from None


def _is_packed(service: Any) -> bool:
    return isinstance(service, dict) and service.keys() == {"packed", "number"}


# Bypasses the constructors, which are slow a hundred thousand times over.
_make = tuple.__new__


class _Destinations:
    """Converts destinations. Those with equal options share one value, except for their keys."""

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._given: dict[tuple[Any, ...], Given] = {}
        # Compare types too: 1 equals true, but only 1 is a weight.
        self._last: tuple[dict[str, Any], list[type], Given] = {}, [type(self)], Given()

    def read(self, listed: str, index: int, item: Any, service: ServiceKey) -> DesiredDestination:
        """Return one destination.

        :raises IpvsInputError: a value is invalid.
        """
        if not isinstance(item, dict):
            item = dictionary(f"{listed}[{index}]", item)
        rest = item.copy()
        address, port = rest.pop("address", None), rest.pop("port", None)
        simple = isinstance(address, str) and (port is None or (isinstance(port, int) and not isinstance(port, bool)))
        last, types, given = self._last
        if simple and rest == last and list(map(type, rest.values())) == types:
            pass  # same as the previous one, the common case
        elif simple and self._known(rest):
            given = self._last[2]
        else:
            path = f"{listed}[{index}]"
            values = checked(path, item, DESTINATION_SPEC, self._strict)
            address, port = values["address"], None if values["port"] is None else number(values, path, "port", 0, 65535)
            given = self._remember(rest, given_of_destination(path, values))
        if port is None:
            port = service.port
        elif not 0 <= port <= 65535:
            number({"port": port}, f"{listed}[{index}]", "port", 0, 65535)
        try:
            packed = parse_address(address)
        except ValueError as exc:
            raise IpvsInputError(f"{listed}[{index}].address", str(exc)) from None
        desired: DesiredDestination = _make(DesiredDestination, (listed, index, _make(DestinationKey, (packed, port)), given, True))
        return desired

    def _known(self, rest: dict[str, Any]) -> bool:
        """Return whether an earlier item had the same options; if so, make them the last ones."""
        given = self._given.get(_hashable(rest))
        if given is None:
            return False
        self._last = rest, list(map(type, rest.values())), given
        return True

    def _remember(self, rest: dict[str, Any], given: Given) -> Given:
        given = self._given.setdefault(_hashable(rest), given)
        self._last = rest, list(map(type, rest.values())), given
        return given


def _hashable(options: dict[str, Any]) -> tuple[Any, ...]:
    return tuple([(option, repr(value)) for option, value in options.items()])


def checked(path: str, item: Any, spec: Spec, strict: bool) -> dict[str, Any]:
    """Return all options of a spec as AnsibleModule would: converted, None if omitted."""
    if not isinstance(item, dict):
        item = dictionary(path, item)
    unknown = [str(option) for option in item if option not in spec]
    if unknown:
        raise IpvsInputError(path, f"there is no option {', '.join(unknown)}", options=spec)
    values = {option: rule.get("default") for option, rule in spec.items()}
    for option, value in item.items():
        if value is not None:
            rule = spec[option]
            # The common case needs no path: it is of its type, and nothing else is asked of it.
            typed = isinstance(value, _TYPES[rule["type"]]) and not isinstance(value, bool)
            simple = typed and "choices" not in rule and "elements" not in rule
            values[option] = value if simple else _converted(at(path, option), value, rule, strict)
    for option, rule in spec.items():
        if values[option] is None and rule.get("required"):
            raise IpvsInputError(at(path, option), "is missing")
    return values


_TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "list": list, "bool": bool, "dict": dict}


def _convert(kind: str, value: Any) -> Any:
    """Return a value of an option's type.

    :raises TypeError: it cannot be converted, or ValueError, or OverflowError.
    """
    if isinstance(value, _TYPES[kind]) and not (kind == "int" and isinstance(value, bool)):
        return value
    # AnsibleModule's own: a value must mean the same in a table as in other modules. The restore program runs without Ansible, but
    # saved values already have their types.
    try:
        from ansible.module_utils.common import validation  # noqa: PLC0415 (not there on every director)
    except ImportError:
        raise TypeError(value) from None
    check: Callable[[Any], Any] = getattr(validation, f"check_type_{kind}")
    return check(value)


def _converted(path: str, value: Any, rule: Spec, strict: bool) -> Any:
    kind = rule["type"]
    try:
        if kind == "str" and isinstance(value, (dict, list)):
            raise TypeError
        converted = _convert(kind, value)
        if rule.get("elements") == "str":
            converted = [_convert("str", word) for word in converted]
    except (TypeError, ValueError, OverflowError):
        raise IpvsInputError(path, f"{_short(value)} {_type_reason(kind)}") from None
    if "choices" in rule:
        for word in converted if isinstance(converted, list) else (converted,):
            if word not in rule["choices"]:
                found = None if strict else _word_of_the_kernel(path.rpartition(".")[2], word)
                if found is None:
                    raise IpvsInputError(path, f"{word!r} is none of {', '.join(rule['choices'])}")
                converted = found
    return converted


def _type_reason(kind: str) -> str:
    return {
        "int": "is not a whole number",
        "float": "is not a number",
        "str": "is not a text",
        "list": "is not a list",
        "bool": "is neither true nor false",
        "dict": "is not a dictionary of options",
    }[kind]


def _word_of_the_kernel(option: str, text: str) -> str | None:
    """Return a protocol or method that is not a choice of any option, in the form that ``ipvs_info`` shows."""
    words, most = {
        "protocol": (uapi.PROTOCOL_WORDS, 0xFFFF),
        "forward_method": (uapi.FORWARD_METHOD_WORDS, 7),
        "tunnel_type": (uapi.TUNNEL_TYPE_WORDS, 0xFF),
    }.get(option, ({}, -1))
    if text in words.values():
        return text
    return uapi.word_of(words, int(text)) if text.isdecimal() and int(text) <= most else None


def dictionary(path: str, item: Any) -> dict[str, Any]:
    """Return an item of a list as AnsibleModule would.

    :raises IpvsInputError: it is not a dictionary.
    """
    try:
        found: dict[str, Any] = _convert("dict", item)
    except (TypeError, ValueError):
        raise IpvsInputError(path, f"{_short(item)} {_type_reason('dict')}") from None
    return found


def _short(value: Any) -> str:
    """Return a value for a message, however large it is."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
