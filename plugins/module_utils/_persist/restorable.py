# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Parse the saved table entry by entry for a restore, and check that an entry can be restored before saving it. Pure functions.

A restore accepts whatever the kernel accepts, even if ``ipvs_service`` would refuse it because it does not work as it looks: it
was in the kernel before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredService
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsInputError, IpvsRejectedError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Entry, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._options.settings import (
    desired_from_sync_daemon_module,
    desired_from_timeouts_module,
)
from ansible_collections.lvs.director.plugins.module_utils._options.table import desired_from_table_module
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Writer, contents
from ansible_collections.lvs.director.plugins.module_utils._plan.service import Merger, plan_entry


class Content(NamedTuple):
    """The saved state, parsed by the modules' options."""

    services: tuple[DesiredService, ...]
    timeouts: Mapping[str, int]
    earlier_timeouts: Mapping[str, int]  # their values before the first run
    sync_daemons: tuple[DesiredSyncDaemon, ...]
    problems: tuple[str, ...] = ()  # for each entry that cannot be restored, its name and the reason


def content_of(text: str) -> Content:
    """Parse a saved text. An invalid entry becomes a line of ``problems``; the others are kept.

    :raises IpvsUnavailableError: the text as a whole cannot be read.
    """
    content = contents(text)
    problems: list[str] = []

    def items(part: str, kind: type[Any]) -> Any:
        found = content.get(part, kind())
        if isinstance(found, kind):
            return found
        problems.append(f"{part}: {found!r} is not a {kind.__name__}")
        return kind()

    def each(part: str, values: Sequence[Any], make: Callable[[Any], Any]) -> list[Any]:
        found = []
        for index, value in enumerate(values):
            try:
                found.append(make(value))
            except (IpvsError, KeyError, TypeError, AttributeError, ValueError) as exc:
                problems.append(f"{_name(part, index, value)}: {_reason(exc)}")
        return found

    services = _all_services(items("services", list))
    if services is None:
        services = {service.key: service for service in each("services", items("services", list), _service)}
    timeouts, earlier = (
        dict(pair for pairs in each(part, [*items(part, dict).items()], _timeout) for pair in pairs.items())
        for part in ("timeouts", "earlier_timeouts")
    )
    daemons = {daemon.state: daemon for daemon in each("sync_daemons", items("sync_daemons", list), _sync_daemon)}
    return Content(tuple(services.values()), timeouts, earlier, tuple(daemons.values()), tuple(dict.fromkeys(problems)))


def _all_services(values: Sequence[Any]) -> Optional[dict[ServiceKey, DesiredService]]:
    """Return all services, parsed at once, or None if one is invalid."""
    try:
        services = _services(values)
        merger = Merger()
        for service in services:
            plan_entry(None, service, merger)
    except IpvsError:
        return None
    return {service.key: service for service in services}


def _service(values: Any) -> DesiredService:
    (service,) = _services([values])
    plan_entry(None, service)
    return service


def _services(values: Sequence[Any]) -> tuple[DesiredService, ...]:
    # In exactly the saved order; destinations that other programs have added since may stay.
    fixed = {"state": "present", "ordered": True, "exclusive_destinations": False}
    services = [{**service, **fixed} if isinstance(service, dict) else service for service in values]
    table = desired_from_table_module(
        {"services": services, "scope": None, "purge": False, "exclusive_destinations": False, "zero_counters": False, "strict": False}
    )
    return table.services


def _timeout(pair: tuple[str, Any]) -> dict[str, int]:
    name, seconds = pair
    if name not in Timeouts._fields:
        raise IpvsInputError("", f"there is no such timeout: there are {', '.join(Timeouts._fields)}")
    return desired_from_timeouts_module({**dict.fromkeys(Timeouts._fields), name: seconds})


def _sync_daemon(values: Mapping[str, Any]) -> DesiredSyncDaemon:
    if values["state"] not in ("master", "backup"):
        raise IpvsInputError("state", f"{values['state']!r} is neither master nor backup")
    options = {option: value for option, value in values.items() if option != "state"}
    return desired_from_sync_daemon_module({**options, "daemon": values["state"], "state": "present"})


def _name(part: str, index: int, values: Any) -> str:
    """Describe where an entry is; it may be any value."""
    if isinstance(values, tuple):
        return f"{part}.{values[0]}"
    path = f"{part}[{index}]"
    if not isinstance(values, dict):
        return path
    named = [f"{option} {values[option]}" for option in ("protocol", "address", "port", "fwmark", "family", "state") if option in values]
    return f"{path} ({', '.join(named)})" if named else path


def _reason(exc: Exception) -> str:
    if isinstance(exc, KeyError):
        return f"{exc.args[0]} is missing"
    text = str(exc).removeprefix("services[0]")
    return text.lstrip(".: ")


class Checks:
    """The restore's own checks, applied to entries before they are saved. Entries that differ only in their keys are checked once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], str] = {}

    def restorable(self, entry: Entry, asked: Collection[DestinationKey]) -> Entry:
        """Return the entry without the destinations that other programs added and that could not be restored.

        :param asked: the destinations that the task names.
        :raises IpvsRejectedError: the service, or a destination that the task names, could not be restored.
        """
        service = entry.service
        shape = (*service[1:], service.key.family, service.key.protocol, bool(service.key.port), bool(service.key.fwmark))
        self._raise(service.key, "", self._problem((shape,), Entry(service)))
        lost = set()
        last: tuple[Any, ...] = ()
        for destination in entry.destinations:
            values = (*destination[1:], len(destination.key.address), destination.key.port == service.key.port)
            if values == last:
                continue
            problem = self._problem((shape, values), Entry(service, (destination,)))
            if not problem:
                last = values
            elif destination.key in asked:
                self._raise(service.key, f"destination {destination.key} of ", problem)
            else:
                lost.add(destination.key)
        if not lost:
            return entry
        kept: list[Destination] = [destination for destination in entry.destinations if destination.key not in lost]
        return entry._replace(destinations=tuple(kept))

    def _problem(self, shape: tuple[Any, ...], entry: Entry) -> str:
        problem = self._known.get(shape)
        if problem is None:
            problem = self._known[shape] = _problem(entry)
        return problem

    @staticmethod
    def _raise(service: ServiceKey, of: str, problem: str) -> None:
        if problem:
            raise IpvsRejectedError(f"Cannot save {of}service {service}: it would not be restored at boot: {problem}. Nothing was changed")


def _problem(entry: Entry) -> str:
    """Return why an entry would not be restored unchanged; empty if it would."""
    try:
        back = plan_entry(None, _service(json.loads(Writer().service(entry))))
    except (IpvsError, KeyError, TypeError, ValueError) as exc:
        return _reason(exc)
    # A restore adds the marks of quiescent destinations to what is saved.
    plain = tuple(destination._replace(drained=False, held=False, share=100) for destination in entry.destinations)
    return "" if back == entry._replace(destinations=plain) else "it would be restored differently"
