# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Save the values of drained destinations until they come back.

The kernel cannot keep them: a drained destination has weight 0, and a removed one is gone. They are in a file that only root can
write, and survive a reboot:

    {"destinations": {"tcp 192.0.2.1:80": {"10.0.0.1:80": {"forward_method": "masquerade", "weight": 7, ...}}}}

Version 0.1.0 had {"weights": {"tcp 192.0.2.1:80": {"10.0.0.1:80": 7}}}.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredService, DesiredTable, Given, PlannedService
from ansible_collections.lvs.director.plugins.module_utils._model.errors import NOT_ROOT, IpvsError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.results import destination_values
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._options.common import DESTINATION_SPEC, given_of_destination
from ansible_collections.lvs.director.plugins.module_utils._persist import files
from ansible_collections.lvs.director.plugins.module_utils._plan.table import PlannedTable

# By service and destination, in their printed form: options of ipvs_destination.
_Content = dict[str, dict[str, dict[str, Any]]]


def earlier(service: ServiceKey, destination: DestinationKey) -> Optional[Given]:
    """Return the fields of a destination before it was drained (only the weight, in an older file); None if it was not.

    :raises IpvsUnavailableError: the file exists but cannot be read.
    """
    values = _read().get(str(service), {}).get(str(destination))
    return None if values is None else _given(values)


def remember(service: ServiceKey, destination: Destination) -> None:
    """Save the values of a destination.

    :raises IpvsUnavailableError: the file cannot be written.
    """
    content = _read()
    options = destination_values(destination)
    values = {name: value for name, value in options.items() if name not in DestinationKey._fields and value is not None}
    if destination.forward_method != "tunnel":
        values = {name: value for name, value in values.items() if not name.startswith("tunnel_")}
    content.setdefault(str(service), {})[str(destination.key)] = values
    with _replaced(content):
        pass


@contextlib.contextmanager
def forgetting(desired: DesiredTable, plan: PlannedTable) -> Iterator[None]:
    """If the block succeeds, forget the destinations whose weight the plan sets or which it deletes.

    :raises IpvsUnavailableError: the file cannot be read or changed.
    """
    content = _read()
    wanted = {service.key: service for service in desired.services}
    left: _Content = {}
    for name, remembered in content.items():
        left[name] = remembered
        planned = next((service for service in plan.services if str(service.key) == name), None)
        if planned is not None:
            settled = _Settled(planned, wanted.get(planned.key))
            left[name] = {key: values for key, values in remembered.items() if not settled(key)}
    with _replaced(left) if left != content else contextlib.nullcontext():
        yield


class _Settled:
    """The destinations of a service that a run sets or deletes, except one that it drains."""

    def __init__(self, planned: PlannedService, desired: Optional[DesiredService]) -> None:
        self._gone = planned.after is None
        self._before = {str(destination.key) for destination in planned.before.destinations} if planned.before else set()
        self._after = {str(destination.key): destination.weight for destination in planned.after.destinations} if planned.after else {}
        listed = (desired.destinations or ()) if desired else ()
        # Including a given weight of 0.
        self._decided = {str(destination.key) for destination in listed if not destination.present or "weight" in destination.given}

    def __call__(self, name: str) -> bool:
        deleted = name in self._before and name not in self._after
        return self._gone or deleted or bool(self._after.get(name)) or name in self._decided


def _given(values: Mapping[str, Any]) -> Given:
    return given_of_destination("", {**dict.fromkeys(DESTINATION_SPEC), **values})


def _read() -> _Content:
    name = files.drained_path()
    try:
        with open(name, encoding="ascii") as file:
            text = json.load(file)
        weights, kept = text.get("weights", {}), text.get("destinations", {})
        if "weights" not in text and "destinations" not in text:
            raise KeyError("destinations")
        content: _Content = {
            service: {key: {"weight": int(weight)} for key, weight in destinations.items()} for service, destinations in weights.items()
        }
        for service, destinations in kept.items():
            content.setdefault(service, {}).update({key: dict(values) for key, values in destinations.items()})
        for destinations in content.values():
            for values in destinations.values():
                _given(values)
        return content
    except FileNotFoundError:
        return {}
    except PermissionError as exc:
        raise IpvsUnavailableError(f"Cannot read {name}: {exc.strerror}. {NOT_ROOT}") from exc
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IpvsError) as exc:
        raise IpvsUnavailableError(f"Cannot read what drained destinations were from {name}: {exc}. Mend or remove the file") from exc


@contextlib.contextmanager
def _replaced(content: _Content) -> Iterator[None]:
    """Write the file, or remove it if nothing is drained."""
    name = files.drained_path()
    content = {service: destinations for service, destinations in content.items() if destinations}
    try:
        if content:
            with files.replacement(name, json.dumps({"destinations": content}, indent=2, sort_keys=True) + "\n"):
                yield
        else:
            yield
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot keep what drained destinations were in {name}: {exc}. Nothing was changed") from exc
