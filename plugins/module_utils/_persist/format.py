# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Format of the saved table. Pure functions.

JSON with the names of the modules' options; each destination has its own line:

    {"version": 1,
    "timeouts": {"udp": 250},
    "earlier_timeouts": {"udp": 300},
    "sync_daemons": [],
    "services": [
    {"protocol": "tcp", "address": "192.0.2.1", "port": 80,
     "scheduler": "test", "scheduler_flags": [], ..., "destinations": [
      {"address": "10.0.0.1", "port": 80, "forward_method": "masquerade", "weight": 1, ...},
      {"address": "10.0.0.2", "port": 80, "forward_method": "masquerade", "weight": 1, ...}]}
    ]}

A run compares the text of each service, which is fast; a restore parses it as JSON.

It contains only what this collection has set, not what other programs have put into the kernel's table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.results import (
    destination_values,
    key_values,
    service_values,
)
from ansible_collections.lvs.director.plugins.module_utils._model.settings import Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    ServiceKey,
    address_family,
    format_address,
    parse_address,
)

VERSION = 1

_SERVICES = '\n"services": [\n'
_END = "\n]}\n"
_NEXT = ",\n{"
_FIRST_LINE = ",\n"
_NAME_OPTIONS = ("protocol", "address", "port", "fwmark", "family")
# First lines that are canonical; IPv6, which has many spellings, needs a closer look.
_CANONICAL = re.compile(
    r'\{"protocol": "(?:tcp|udp|sctp)", "address": "[0-9.]+", "port": (?:0|[1-9][0-9]*)|\{"fwmark": [1-9][0-9]*, "family": "ipv[46]"'
).fullmatch


class Saved(NamedTuple):
    """The state that is restored at boot."""

    services: Mapping[str, str] = {}  # the text of each service, by its first line, which names it
    timeouts: Mapping[str, int] = {}  # all that were ever set, in seconds
    earlier_timeouts: Mapping[str, int] = {}  # their values before that
    sync_daemons: Mapping[str, Mapping[str, Any]] = {}  # by state


def to_text(saved: Saved) -> str:
    """Return the text."""
    head = [
        f'{{"version": {VERSION}',
        f'"timeouts": {json.dumps(dict(saved.timeouts))}',
        f'"earlier_timeouts": {json.dumps(dict(saved.earlier_timeouts))}',
        f'"sync_daemons": {json.dumps(list(map(dict, saved.sync_daemons.values())))}',
    ]
    return _FIRST_LINE.join(head) + "," + _SERVICES + _FIRST_LINE.join(saved.services.values()) + _END


def from_text(text: str) -> Saved:
    """Split a text into its parts, without parsing the services.

    Names of services are made canonical, even in a text edited by hand; of two services with the same name, the later wins.

    :raises IpvsUnavailableError: the text is not in this format.
    """
    head, found, rest = text.partition(_SERVICES)
    if not found or not rest.endswith(_END):
        # Edited by hand, with another layout.
        content = parsed(text)
        return Saved(dict(map(_laid_out, content["services"])), *_settings(content))
    body = rest[: -len(_END)]
    services = {}
    for number, part in enumerate(body.split(_NEXT) if body else ()):
        service = f"{{{part}" if number else part
        name = service.partition(_FIRST_LINE)[0]
        if not _CANONICAL(name):
            name, service = _canonical(name, service)
        services[name] = service
    return Saved(services, *_settings(contents(f"{head}{_SERVICES}{_END}")))


def parsed(text: str) -> dict[str, Any]:
    """Return the whole content as options.

    :raises IpvsUnavailableError: the text is not in this format.
    """
    content = contents(text)
    timeouts, earlier, daemons = _settings(content)
    services = content.get("services")
    if not isinstance(services, list) or not all(isinstance(service, dict) for service in services):
        raise IpvsUnavailableError("services is not a list of services")
    return {"services": services, "timeouts": timeouts, "earlier_timeouts": earlier, "sync_daemons": list(daemons.values())}


def contents(text: str) -> dict[str, Any]:
    """Return the whole content, unchecked.

    :raises IpvsUnavailableError: it is not JSON of this version.
    """
    try:
        content = json.loads(text)
    except ValueError as exc:
        raise IpvsUnavailableError(f"it is not JSON: {exc}") from exc
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise IpvsUnavailableError(f"its version is not {VERSION}, the only one supported")
    return content


def _settings(content: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, int], dict[str, dict[str, Any]]]:
    timeouts, earlier = (_timeouts(content, part) for part in ("timeouts", "earlier_timeouts"))
    daemons = content.get("sync_daemons")
    if not isinstance(daemons, list) or not all(
        isinstance(daemon, dict) and daemon.get("state") in ("master", "backup") for daemon in daemons
    ):
        raise IpvsUnavailableError("sync_daemons is not a list of daemons with state master or backup")
    return timeouts, earlier, {daemon["state"]: daemon for daemon in daemons}


def _timeouts(content: Mapping[str, Any], part: str) -> dict[str, int]:
    values = content.get(part)
    if not isinstance(values, dict) or set(values) - {*Timeouts._fields}:
        raise IpvsUnavailableError(f"{part} has keys other than {', '.join(Timeouts._fields)}")
    return values


def _canonical(name: str, service: str) -> tuple[str, str]:
    """Return a service's canonical name and text, if it can be parsed."""
    try:
        if name_of(key_of(name)) != name:
            return _laid_out(json.loads(service))
    except (IpvsUnavailableError, ValueError, TypeError, AttributeError):
        pass  # reported by the code that needs it
    return name, service


def _laid_out(values: Mapping[str, Any]) -> tuple[str, str]:
    """Return the canonical name and text of a service given as options."""
    given = {option: values[option] for option in _NAME_OPTIONS if values.get(option) is not None}
    rest = {option: value for option, value in values.items() if option not in _NAME_OPTIONS and option != "destinations"}
    try:
        name = _name_values(_key(given))
    except (ValueError, KeyError, TypeError):
        name = given
    return _name(name), _service_text(name, rest, [json.dumps(each) for each in values.get("destinations") or ()])


class Writer:
    """Writes the text of services. Shared values of equal destinations are rendered once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], str] = {}

    def service(self, entry: Entry) -> str:
        values = service_values(entry.service)
        rest = {option: value for option, value in values.items() if option not in key_values(entry.service.key)}
        # An empty name removes the engine; a service that is not persistent has no netmask.
        rest["persistence_engine"] = rest["persistence_engine"] or ""
        if rest["persistence_netmask"] is None:
            del rest["persistence_netmask"]
        return _service_text(_name_values(entry.service.key), rest, map(self._destination, entry.destinations))

    def _destination(self, destination: Destination) -> str:
        (address, port), *values = destination
        rest = self._known.get(tuple(values))
        if rest is None:
            options = destination_values(destination)
            tunnel = options["forward_method"] == "tunnel"
            rest = self._known[tuple(values)] = json.dumps(
                {
                    option: value
                    for option, value in options.items()
                    if option not in DestinationKey._fields and value is not None and (tunnel or not option.startswith("tunnel_"))
                }
            )[1:]
        return f'{{"address": "{format_address(address)}", "port": {port}, {rest}'


def _name_values(key: ServiceKey) -> dict[str, Any]:
    if key.fwmark:
        return {"fwmark": key.fwmark, "family": key.family}
    return {"protocol": key.protocol, "address": format_address(key.address), "port": key.port}


def _name(values: Mapping[str, Any]) -> str:
    return json.dumps(values)[:-1]


def _service_text(name: Mapping[str, Any], rest: Mapping[str, Any], destinations: Iterable[str]) -> str:
    listed = ",\n  ".join(destinations)
    return f'{_name(name)},\n {json.dumps(rest)[1:-1]}, "destinations": [' + (f"\n  {listed}]}}" if listed else "]}")


def name_of(key: ServiceKey) -> str:
    """Return the first line of a service's text."""
    return _name(_name_values(key))


def options_of(saved: Saved, key: ServiceKey) -> Optional[dict[str, Any]]:
    """Return a saved service as options of ``ipvs_service``; None if it is not saved.

    :raises IpvsUnavailableError: its text is damaged.
    """
    service = saved.services.get(name_of(key))
    if service is None:
        return None
    try:
        options: dict[str, Any] = json.loads(service)
    except ValueError as exc:
        raise IpvsUnavailableError(f"it is not JSON: {exc}") from exc
    return options


def key_of(name: str) -> ServiceKey:
    """Return the service that a first line names.

    :raises IpvsUnavailableError: it names none.
    """
    try:
        return _key(json.loads(name + "}"))
    except (ValueError, KeyError, TypeError) as exc:
        raise IpvsUnavailableError(f"{name} does not name a service") from exc


def _key(values: Mapping[str, Any]) -> ServiceKey:
    if "fwmark" in values:
        return ServiceKey(values.get("family", "ipv4"), fwmark=int(values["fwmark"]))
    address = parse_address(values["address"])
    return ServiceKey(address_family(address), values["protocol"], address, int(values["port"]))
