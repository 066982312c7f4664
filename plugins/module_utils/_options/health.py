# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Options of ``ipvs_health``.

``services`` is the list of ``ipvs_table`` with some more options, so one variable serves both modules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import at
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.health import TYPES, Check, Health, HealthRules, slowest
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, format_address
from ansible_collections.lvs.director.plugins.module_utils._options.common import (
    DESTINATION_SPEC,
    Params,
    Spec,
    number,
    parsed_address,
    service_key,
)
from ansible_collections.lvs.director.plugins.module_utils._options.table import TABLE_SERVICE_SPEC, checked

# What ``ipvs_table`` does not know.
SERVICE_SPEC: Spec = {
    "checks": {"type": "list", "elements": "dict"},
    "min_available": {"type": "str"},
    "on_failure": {"type": "str", "choices": ["hold"]},
    "recover_after": {"type": "float"},
    "slow_start": {"type": "float"},
}
DESTINATION_HEALTH_SPEC: Spec = {"checks": {"type": "list", "elements": "dict"}, "sorry": {"type": "bool"}}

DEFAULTS_SPEC: Spec = {
    "interval": {"type": "float", "default": 3.0},
    "timeout": {"type": "float", "default": 2.0},
    "retries": {"type": "int", "default": 1},
    "retry_pause": {"type": "float", "default": 1.0},
    "recover_after": {"type": "float"},
    "slow_start": {"type": "float", "default": 0.0},
}

_TYPE: Spec = {"type": {"type": "str", "choices": list(TYPES), "required": True}}
_PLACE: Spec = {"port": {"type": "int"}, "address": {"type": "str"}}
_HTTP: Spec = {
    **_PLACE,
    "path": {"type": "str"},
    "host": {"type": "str"},
    "status": {"type": "list", "elements": "str"},
    "digest": {"type": "str"},
    "body": {"type": "str"},
}
CHECK_SPECS: dict[str, Spec] = {
    "tcp": _PLACE,
    "http": _HTTP,
    "https": {**_HTTP, "verify": {"type": "bool"}, "ca_file": {"type": "str"}},
    "smtp": {**_PLACE, "helo": {"type": "str"}},
    "dns": {
        **_PLACE,
        "name": {"type": "str"},
        "record_type": {"type": "str", "choices": ["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"]},
    },
    "udp": {**_PLACE, "payload": {"type": "str"}, "response": {"type": "str"}},
    "ping": {"address": {"type": "str"}},
    "command": {"command": {"type": "list", "elements": "str", "required": True}},
}

_DAY = 86400.0
_HOST = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,255}")
# Characters that end a word or a string in keepalived.conf, or have a meaning there.
_SPECIAL = re.compile(r"[\"'\\$\x00-\x1f\x7f]")
_BYTES = re.compile(r"([0-9A-Fa-f]{2} ?)+")
_PATTERN_BYTES = re.compile(r"([0-9A-FXa-fx]{2} ?)+")
_STATUS = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")


def health_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_health``."""
    return {
        "argument_spec": {
            "services": {"type": "list", "elements": "dict"},
            "defaults": {"type": "dict", "options": DEFAULTS_SPEC, "apply_defaults": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        "required_if": [("state", "present", ("services",))],
        "supports_check_mode": True,
    }


def health_from_module(params: Params) -> Health:
    """Return what a task of ``ipvs_health`` declares.

    :raises IpvsInputError: a value is invalid; with the option's path.
    """
    times = _times("defaults", params["defaults"])
    found: dict[ServiceKey, tuple[str, Optional[HealthRules]]] = {}
    for index, item in enumerate(params["services"]):
        path = f"services[{index}]"
        values = checked(path, item, {**TABLE_SERVICE_SPEC, **SERVICE_SPEC}, strict=True)
        key = service_key(path, values)
        if key in found:
            raise IpvsInputError(path, f"{key} is listed already, as {found[key][0]}")
        found[key] = path, _rules(path, values, key, times) if values["state"] == "present" else None
    rules = tuple(each for _path, each in found.values() if each is not None)
    if not rules:
        raise IpvsInputError("services", "none of them has checks. To check nothing, use state absent")
    return Health(rules, times.interval, times.timeout, times.retries, times.retry_pause)


class _Times(NamedTuple):
    interval: float
    timeout: float
    retries: int
    retry_pause: float
    recover_after: float
    slow_start: float

    @property
    def slowest(self) -> float:
        return slowest(self.interval, self.timeout, self.retries, self.retry_pause)


def _times(path: str, values: Params) -> _Times:
    times = _Times(
        _seconds(path, "interval", values["interval"], 0.1),
        _seconds(path, "timeout", values["timeout"], 0.1),
        number(values, path, "retries", 0, 100),
        _seconds(path, "retry_pause", values["retry_pause"], 0.0),
        0.0,
        _seconds(path, "slow_start", values["slow_start"], 0.0),
    )
    return times._replace(recover_after=_recover_after(path, values["recover_after"], times, times.slowest))


def _recover_after(path: str, value: Optional[float], times: _Times, default: float) -> float:
    """Return the seconds. With less than a failure takes to be noticed, a dead server would come back at each start of the checks."""
    if value is None:
        return default
    seconds = _seconds(path, "recover_after", value, 0.0)
    if seconds < times.slowest:
        raise IpvsInputError(
            at(path, "recover_after"),
            f"{seconds:g} seconds is less than the {times.slowest:g} after which a failure is noticed at the latest: interval + "
            "(retries + 1) x timeout + retries x retry_pause. Whenever the checks start anew, a dead real server would get traffic",
        )
    return seconds


def _seconds(path: str, option: str, value: float, least: float) -> float:
    if not least <= value <= _DAY:
        raise IpvsInputError(at(path, option), f"{value:g} is not in the range {least:g} to {_DAY:g} seconds")
    return float(value)


def _rules(path: str, values: Params, key: ServiceKey, times: _Times) -> Optional[HealthRules]:
    checks = _checks(path, values["checks"], key)
    own: dict[DestinationKey, tuple[Check, ...]] = {}
    sorry: set[DestinationKey] = set()
    for index, item in enumerate(values["destinations"] or ()):
        inner = f"{path}.destinations[{index}]"
        options = checked(inner, item, {**DESTINATION_SPEC, **DESTINATION_HEALTH_SPEC}, strict=True)
        port = key.port if options["port"] is None else number(options, inner, "port", 0, 65535)
        destination = DestinationKey(parsed_address(at(inner, "address"), options["address"]), port)
        if options["checks"] is not None:
            own[destination] = _checks(inner, options["checks"], key)
        if options["sorry"]:
            sorry.add(destination)
    if not checks and not any(own.values()):
        needless = [option for option in ("min_available", "on_failure", "recover_after", "slow_start") if values[option] is not None]
        if needless or sorry:
            raise IpvsInputError(at(path, (needless or ["destinations"])[0]), f"needs checks, and {key} has none")
        return None
    least, percent = _min_available(at(path, "min_available"), values["min_available"] or "1")
    recover_after = _recover_after(path, values["recover_after"], times, times.recover_after)
    slow_start = times.slow_start if values["slow_start"] is None else _seconds(path, "slow_start", values["slow_start"], 0.0)
    return HealthRules(key, checks, own, frozenset(sorry), least, percent, recover_after, slow_start)


def _min_available(path: str, text: str) -> tuple[int, bool]:
    found = re.fullmatch(r"([0-9]{1,6})(%?)", text)
    if not found or (found[2] and int(found[1]) > 100):
        raise IpvsInputError(path, f"{text!r} is neither a number of destinations nor a percentage like 50%")
    return int(found[1]), bool(found[2])


def _checks(path: str, items: Optional[Sequence[Any]], key: ServiceKey) -> tuple[Check, ...]:
    return tuple(_check(f"{at(path, 'checks')}[{index}]", item, key) for index, item in enumerate(items or ()))


def _check(path: str, item: Any, key: ServiceKey) -> Check:
    kind = item.get("type") if isinstance(item, Mapping) else None
    # Of an unknown type, only the type is looked at.
    given = item if kind in CHECK_SPECS or not isinstance(item, Mapping) else {"type": kind}
    values = checked(path, given, {**_TYPE, **CHECK_SPECS.get(str(kind), {})}, strict=True)
    if "port" in values and values["port"] is None and not key.port:
        raise IpvsInputError(at(path, "port"), f"is missing: {key} has no port of its own")
    return Check(values["type"], tuple(_options(path, values)))


def _options(path: str, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for option, value in values.items():
        if option != "type" and value is not None:
            convert = _CONVERTERS.get(option)
            yield option, value if convert is None else convert(at(path, option), value)
    if values.get("ca_file") is not None and not values["verify"]:
        raise IpvsInputError(at(path, "ca_file"), "needs verify: true")


def _port(path: str, value: int) -> int:
    if isinstance(value, bool) or not 1 <= value <= 65535:
        raise IpvsInputError(path, f"{value} is not in the range 1 to 65535")
    return value


def _address(path: str, value: str) -> str:
    return format_address(parsed_address(path, value))


def _plain(path: str, text: str) -> str:
    if not text or _SPECIAL.search(text):
        raise IpvsInputError(
            path, f"{text!r} is empty, or has quotes, a backslash, a $ or a control character, which keepalived.conf cannot carry"
        )
    return text


def _path(path: str, text: str) -> str:
    if not text.startswith("/") or " " in text:
        raise IpvsInputError(path, f"{text!r} does not begin with /, or has a blank; write that as %20")
    return _plain(path, text)


def _host(path: str, text: str) -> str:
    if not _HOST.fullmatch(text):
        raise IpvsInputError(path, f"{text!r} is not the name of a host")
    return text


def _statuses(path: str, values: Sequence[str]) -> tuple[str, ...]:
    for index, text in enumerate(values):
        found = _STATUS.fullmatch(text)
        if not found or (found[2] and found[2] < found[1]):
            raise IpvsInputError(f"{path}[{index}]", f"{text!r} is neither a status from 100 to 599 nor a range like 200-299")
    return tuple(values)


def _digest(path: str, text: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", text):
        raise IpvsInputError(path, f"{text!r} is not an MD5 digest of 32 hexadecimal digits")
    return text.lower()


def _body(path: str, text: str) -> str:
    if not text:
        raise IpvsInputError(path, "is empty, which every answer contains")
    return text


def _payload(path: str, text: str) -> str:
    if not _BYTES.fullmatch(text):
        raise IpvsInputError(path, f"{text!r} is not a number of bytes, of two hexadecimal digits each")
    return _bytes(path, text)


def _response(path: str, text: str) -> str:
    if text == "any":
        return text
    if not _PATTERN_BYTES.fullmatch(text):
        raise IpvsInputError(path, f"{text!r} is neither any nor a number of bytes, of two hexadecimal digits or x each")
    return _bytes(path, text)


def _bytes(path: str, text: str) -> str:
    joined = text.replace(" ", "").lower()
    if joined.endswith("ff"):
        raise IpvsInputError(path, f"{text!r} ends in ff, which keepalived 2.2.7 takes for an error")
    return joined


def _command(path: str, words: Sequence[str]) -> tuple[str, ...]:
    if not words or not words[0].startswith("/"):
        raise IpvsInputError(path, "must begin with the absolute path of a program")
    return tuple(_plain(f"{path}[{index}]", word) if word else word for index, word in enumerate(words))


_CONVERTERS: dict[str, Any] = {
    "port": _port,
    "address": _address,
    "path": _path,
    "host": _host,
    "status": _statuses,
    "digest": _digest,
    "body": _body,
    "ca_file": _plain,
    "helo": _host,
    "name": _host,
    "payload": _payload,
    "response": _response,
    "command": _command,
}
