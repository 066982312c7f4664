# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The destinations that have no weight for a time, or less: drained by an operator, held because a health check fails, or coming back.

The kernel cannot keep the weight that such a destination is to have, so it is in a file that only root can write, and that
survives a reboot. A destination that was drained and then removed has all its values there, until it comes back:

    {"destinations": {"tcp 192.0.2.1:80": {"10.0.0.1:80": {"weight": 7, "drained": true, "held": null, "share": 100, "since": null},
                                           "10.0.0.2:80": {"weight": 5, "drained": false, "held": {"since": 1764370000, "reason": "..."}}}},
     "removed": {"tcp 192.0.2.1:80": {"10.0.0.9:80": {"forward_method": "masquerade", "weight": 7, ...}}}}

``remembering`` applies it to the kernel's table. Earlier versions had drained.json, which is read until the first change.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import NOT_ROOT, IpvsError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.results import destination_values, service_result
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Observed,
    ServiceKey,
    effective_weight,
)
from ansible_collections.lvs.director.plugins.module_utils._options.common import DESTINATION_SPEC, given_of_destination
from ansible_collections.lvs.director.plugins.module_utils._persist import files


class Held(NamedTuple):
    """Since when a destination is held, in seconds since 1970, and why."""

    since: float
    reason: str


class Mark(NamedTuple):
    """The weight that a quiescent destination is to have, and why it has none now, or less."""

    weight: int
    drained: bool = False
    held: Optional[Held] = None
    share: int = 100  # percent
    since: Optional[float] = None  # when it began to come back in steps, in seconds since 1970

    @property
    def effective_weight(self) -> int:
        """The weight in the kernel."""
        return effective_weight(self.weight, self.share, quiescent=self.drained or self.held is not None)

    def values(self) -> dict[str, Any]:
        """Return the fields of the destination."""
        return {"weight": self.weight, "drained": self.drained, "held": self.held is not None, "share": self.share}


class Marks(NamedTuple):
    """The content of the file. Services and destinations by their names."""

    destinations: Mapping[str, Mapping[str, Mark]] = {}
    removed: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}

    def mark(self, service: ServiceKey, destination: DestinationKey) -> Optional[Mark]:
        """Return the mark of a destination, None if it is not quiescent."""
        return self.destinations.get(str(service), {}).get(str(destination))

    def with_mark(self, service: ServiceKey, destination: DestinationKey, mark: Optional[Mark]) -> Marks:
        """Return the content with this mark for a destination, or without one."""
        return self._replace(destinations=_changed(self.destinations, service, destination, mark))

    def with_removed(self, service: ServiceKey, destination: DestinationKey, values: Optional[Mapping[str, Any]]) -> Marks:
        """Return the content with these values for a removed destination, or without any."""
        return self._replace(removed=_changed(self.removed, service, destination, values))

    def without_service(self, service: ServiceKey) -> Marks:
        """Return the content without a service."""
        name = str(service)
        return Marks(
            {each: marks for each, marks in self.destinations.items() if each != name},
            {each: values for each, values in self.removed.items() if each != name},
        )


def _changed(part: Mapping[str, Mapping[str, Any]], service: ServiceKey, destination: DestinationKey, value: object) -> Mapping[str, Any]:
    if value is None and str(destination) not in part.get(str(service), {}):
        return part
    content = {**part.get(str(service), {}), str(destination): value}
    content = {name: each for name, each in content.items() if each is not None}
    rest = {name: each for name, each in part.items() if name != str(service)}
    return {**rest, str(service): content} if content else rest


def read() -> Marks:
    """Return the content of the file; empty if there is none.

    :raises IpvsUnavailableError: it exists but cannot be read.
    """
    name = files.quiescent_path()
    try:
        try:
            with open(name, encoding="ascii") as file:
                return _marks(json.load(file))
        except FileNotFoundError:
            name = files.former_quiescent_path()
            with open(name, encoding="ascii") as file:
                return _former_marks(json.load(file))
    except FileNotFoundError:
        return Marks()
    except PermissionError as exc:
        raise IpvsUnavailableError(f"Cannot read {name}: {exc.strerror}. {NOT_ROOT}") from exc
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IpvsError) as exc:
        raise IpvsUnavailableError(
            f"Cannot read the weights of drained and held destinations from {name}: {exc}. Nothing was changed. Mend or remove the file"
        ) from exc


@contextlib.contextmanager
def replaced(marks: Marks) -> Iterator[None]:
    """Prepare the file's new content, and put it in place if the block succeeds. Without content, there is no file.

    :raises IpvsUnavailableError: it cannot be written.
    """
    name = files.quiescent_path()
    try:
        if any(marks):
            with files.replacement(name, _text(marks)):
                yield
        else:
            yield
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(files.former_quiescent_path())
    except OSError as exc:
        raise IpvsUnavailableError(
            f"Cannot keep the weights of drained and held destinations in {name}: {exc}. Nothing was changed"
        ) from exc


def write(marks: Marks) -> None:
    """Replace the file's content.

    :raises IpvsUnavailableError: it cannot be written.
    """
    with replaced(marks):
        pass


def set_aside() -> None:
    """Rename the file, to go on without it."""
    for name in (files.quiescent_path(), files.former_quiescent_path()):
        with contextlib.suppress(FileNotFoundError):
            os.replace(name, f"{name}.damaged")


def values_of(destination: Destination) -> dict[str, Any]:
    """Return the values of a destination, to bring it back with."""
    values = {name: value for name, value in destination_values(destination).items() if name not in DestinationKey._fields}
    tunnel = destination.forward_method == "tunnel"
    return {name: value for name, value in values.items() if value is not None and (tunnel or not name.startswith("tunnel_"))}


def given_of(values: Mapping[str, Any]) -> Given:
    """Return what ``values_of`` returned, as the fields of a destination.

    :raises IpvsInputError: a value is invalid.
    """
    return given_of_destination("", {**dict.fromkeys(DESTINATION_SPEC), **values})


def with_marks(service: DesiredService, marks: Marks) -> DesiredService:
    """Return a saved service, whose destinations have the weights that they are to have, with those quiescent that have a mark."""
    if str(service.key) not in marks.destinations or service.destinations is None:
        return service
    return service._replace(destinations=tuple(_with_mark(each, marks.mark(service.key, each.key)) for each in service.destinations))


def held_reasons() -> Mapping[tuple[str, str], str]:
    """Return why and since when destinations are held, by the names of service and destination."""
    marks = read() if files.has_quiescent() else Marks()
    return {
        (service, name): f"{mark.held.reason}, for {max(0, round(time.time() - mark.held.since))} seconds"
        for service, destinations in marks.destinations.items()
        for name, mark in destinations.items()
        if mark.held
    }


def service_results(table: Iterable[Observed]) -> list[dict[str, Any]]:
    """Return services with counters, and since when and why destinations are held."""
    marks = read() if files.has_quiescent() else Marks()
    found = []
    for observed in table:
        values = service_result(observed)
        for destination, each in zip(observed.entry.destinations, values["destinations"]):
            mark = marks.mark(observed.entry.service.key, destination.key)
            if mark and mark.held and destination.held:
                each.update(held_since=mark.held.since, held_reason=mark.held.reason)
        found.append(values)
    return found


def _with_mark(destination: DesiredDestination, mark: Optional[Mark]) -> DesiredDestination:
    if mark is None:
        return destination
    # Earlier versions saved weight 0 for a drained destination.
    weight = destination.given.get("weight", mark.weight) or mark.weight
    return destination._replace(given=Given({**destination.given, **mark.values(), "weight": weight}))


def _text(marks: Marks) -> str:
    content = {
        "destinations": {
            service: {name: {**mark._asdict(), "held": mark.held._asdict() if mark.held else None} for name, mark in destinations.items()}
            for service, destinations in marks.destinations.items()
        },
        "removed": marks.removed,
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _marks(content: Mapping[str, Any]) -> Marks:
    return Marks(
        {
            service: {
                name: Mark(
                    int(mark["weight"]),
                    bool(mark["drained"]),
                    Held(float(mark["held"]["since"]), str(mark["held"]["reason"])) if mark["held"] else None,
                    int(mark.get("share", 100)),
                    None if mark.get("since") is None else float(mark["since"]),
                )
                for name, mark in destinations.items()
            }
            for service, destinations in content["destinations"].items()
        },
        _checked(content["removed"]),
    )


def _former_marks(content: Mapping[str, Any]) -> Marks:
    """Return the content of drained.json: ``weights``, or all values in ``destinations``. Whether they were removed is not in it."""
    if "weights" not in content and "destinations" not in content:
        raise KeyError("destinations")
    values: dict[str, dict[str, Any]] = {
        service: {name: {"weight": int(weight)} for name, weight in destinations.items()}
        for service, destinations in content.get("weights", {}).items()
    }
    for service, destinations in content.get("destinations", {}).items():
        values.setdefault(service, {}).update(destinations)
    marks = {
        service: {name: Mark(int(each["weight"]), drained=True) for name, each in destinations.items()}
        for service, destinations in values.items()
    }
    return Marks(marks, _checked(values))


def _checked(removed: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    found = {service: {name: dict(values) for name, values in destinations.items()} for service, destinations in removed.items()}
    for destinations in found.values():
        for values in destinations.values():
            given_of(values)
    return found
