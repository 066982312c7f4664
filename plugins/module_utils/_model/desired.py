# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The desired state that a task describes (services, destinations, scope), and the plan for one service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, Entry, ServiceKey

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._model.scope import ScopePart
    from ansible_collections.lvs.director.plugins.module_utils._model.steps import Step


class Given(dict[str, Any]):
    """The fields that a task gives, by name. Immutable, and therefore hashable."""

    __slots__ = ("_hash",)

    def __hash__(self) -> int:  # type: ignore[override]
        try:
            return self._hash
        except AttributeError:
            self._hash: int = hash(tuple(self.items()))
            return self._hash


class DesiredDestination(NamedTuple):
    """A destination that must be present or absent. ``given`` has fields of ``Destination``."""

    listed: str  # the option that lists it, e.g. services[3].destinations; "" if the task itself names it
    place: int  # its index in that list
    key: DestinationKey
    given: Given
    present: bool = True

    @property
    def path(self) -> str:
        """The option path for errors: services[3].destinations[1]. Not stored: a table may have a hundred thousand."""
        return f"{self.listed}[{self.place}]" if self.listed else ""


class DesiredService(NamedTuple):
    """A service that must be present or absent. ``given`` has fields of ``Service``."""

    path: str
    key: ServiceKey
    given: Mapping[str, Any]
    flag_words: tuple[str, ...] = ()  # the scheduler flags as written
    present: bool = True
    must_exist: bool = False  # the task is about destinations and does not add the service
    destinations: Optional[tuple[DesiredDestination, ...]] = None  # in the requested order; None: leave them alone
    exclusive: bool = False  # remove unlisted destinations
    ordered: Optional[bool] = None  # whether to reorder destinations; None: if the scheduler depends on the order
    zero_counters: bool = False
    strict: bool = True  # refuse what the kernel accepts but does not work as it looks


class DesiredTable(NamedTuple):
    """The desired services, and the scope outside of which nothing changes."""

    services: tuple[DesiredService, ...]
    scope: tuple[ScopePart, ...] = ()
    purge: bool = False  # delete unlisted services inside the scope
    zero_all_counters: bool = False

    def purges(self, key: ServiceKey) -> bool:
        """Return whether to delete an unlisted service: one inside the scope, unless only another program would make it."""
        return self.purge and not key.foreign and any(part.covers(key) for part in self.scope)


class PlannedService(NamedTuple):
    """The plan for one service."""

    key: ServiceKey
    before: Optional[Entry]
    after: Optional[Entry]
    phases: tuple[tuple[Step, ...], tuple[Step, ...]]
    # The only eligible destination, if it has to move: the service has none for a moment.
    interrupted: Optional[DestinationKey] = None

    @property
    def changed(self) -> bool:
        """Whether the plan changes anything."""
        return any(self.phases)


def at(path: str, option: str) -> str:
    """Return the path of an option inside another one."""
    return f"{path}.{option}" if path else option
