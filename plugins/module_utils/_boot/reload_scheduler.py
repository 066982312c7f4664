# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Replace the loaded build of a scheduler with the installed one, on a director in service.

Virtual services pin their scheduler's module. So they switch to the fallback scheduler, the module is replaced, and they switch
back. Existing connections are not affected: the kernel calls the scheduler only for new ones.

The fallback must choose in the same order. ``fo`` picks the first destination with the highest weight: unless the weights already
fall in list order, they are replaced while ``fo`` is used and restored afterwards. The scheduler ``test`` only checks whether
a weight is 0.

Each change is recorded first, so the next run can finish after a kill.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge_locked
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, Entry
from ansible_collections.lvs.director.plugins.module_utils._persist.files import replacement

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store

# Lost at reboot, like the kernel's table.
PATH = "/run/lvs.director/scheduler-swap.json"

# Services to switch while ICMP is suppressed once: each takes an RCU grace period.
_AT_ONCE = 50


class Weights(NamedTuple):
    """The weights of a destination: its own, and the temporary one under the fallback scheduler."""

    own: int
    meanwhile: int


# By service and destination, in their printed form.
_Weights = dict[str, dict[str, Weights]]


class Modules(Protocol):
    """Operations on kernel modules."""

    def load(self, module: str) -> bool:
        """Load a module and return whether it is loaded now."""

    def unload(self, module: str) -> bool:
        """Unload a module and return whether it is gone; a module in use stays."""

    def loaded_source(self, module: str) -> str:
        """Return the source checksum of the loaded module; empty if not loaded."""

    def installed_source(self, module: str) -> str:
        """Return the source checksum of the installed module; empty if not installed."""


Suppressed = Callable[[], AbstractContextManager[None]]
Note = Callable[[str], object]


def reload_scheduler(
    kernel: IpvsKernel, store: Store, scheduler: str, fallback: str, modules: Modules, suppressed: Suppressed, note: Note
) -> None:
    """Load the installed build of a scheduler for the services that use it.

    :param suppressed: context in which services change their scheduler.
    :param note: receives a line for each action.
    :raises IpvsUnavailableError: it failed. Unless the message says otherwise, nothing has changed.
    :raises IpvsConflictError: something else uses the loaded module.
    """
    module = f"ip_vs_{scheduler}"
    with kernel.lock(exclusive=True):
        weights = _read()
        exchanged = True
        if modules.loaded_source(module) != modules.installed_source(module):
            try:
                exchanged = _exchange(kernel, store, scheduler, fallback, weights, modules, suppressed, note)
            except IpvsError:
                if modules.loaded_source(module):
                    _bring_back(kernel, store, scheduler, fallback, weights, suppressed, note)
                raise
        _bring_back(kernel, store, scheduler, fallback, weights, suppressed, note)
    if not exchanged:
        raise IpvsConflictError(
            f"Cannot unload the older build of {module}: something else than the services of this network namespace uses it. "
            "Everything is as it was"
        )


def _exchange(
    kernel: IpvsKernel, store: Store, scheduler: str, fallback: str, weights: _Weights, modules: Modules, suppressed: Suppressed, note: Note
) -> bool:
    """Switch the services to the fallback and replace the module; return False if something else uses it."""
    module = f"ip_vs_{scheduler}"
    if not modules.installed_source(module):
        raise IpvsUnavailableError(f"There is no other build of {module} to load: modinfo {module} finds none")
    users = [entry for entry in _table(kernel) if entry.service.scheduler == scheduler]
    if users and not modules.load(f"ip_vs_{fallback}"):
        raise IpvsUnavailableError(f'There is no scheduler "{fallback}" for the services to use meanwhile: no module ip_vs_{fallback}')
    for entry in users:
        # After a killed run, keep its recorded weights, not the current ones.
        weights.setdefault(str(entry.service.key), _falling(entry.destinations))
    _remember(store, weights)
    _change_weights(kernel, weights, give_back=False)
    _change_scheduler(kernel, users, fallback, suppressed)
    if users:
        note(f'{len(users)} services use scheduler "{fallback}" meanwhile: {", ".join(str(entry.service.key) for entry in users)}.')
    if modules.loaded_source(module) and not modules.unload(module):
        return False
    if not modules.load(module):
        raise IpvsUnavailableError(
            f"Cannot load {module}, of which another build has been unloaded; the kernel's log says why: dmesg | tail. Until it can "
            f'be loaded, {len(weights)} services have scheduler "{fallback}", and are served in the same order. The next run of the '
            "role lvs.director.ipvs_director brings them back"
        )
    note(f"{module} was replaced.")
    return True


def _bring_back(
    kernel: IpvsKernel, store: Store, scheduler: str, fallback: str, weights: _Weights, suppressed: Suppressed, note: Note
) -> None:
    back = [entry for entry in _table(kernel) if str(entry.service.key) in weights and entry.service.scheduler == fallback]
    _change_scheduler(kernel, back, scheduler, suppressed)
    _change_weights(kernel, weights, give_back=True)
    _remember(store, {})
    if back:
        note(f'{len(back)} services use scheduler "{scheduler}" again.')


def _table(kernel: IpvsKernel) -> list[Entry]:
    return [observed.entry for observed in kernel.read_table(counters=False)]


def _falling(destinations: Sequence[Destination]) -> dict[str, Weights]:
    """Return weights that fall in list order, unless the current ones do; 0 stays 0."""
    weights = [destination.weight for destination in destinations if destination.weight]
    if weights == sorted(weights, reverse=True):
        return {}
    return {
        str(destination.key): Weights(destination.weight, len(destinations) - place)
        for place, destination in enumerate(destinations)
        if destination.weight
    }


def _change_scheduler(kernel: IpvsKernel, entries: Sequence[Entry], scheduler: str, suppressed: Suppressed) -> None:
    for begin in range(0, len(entries), _AT_ONCE):
        some = entries[begin : begin + _AT_ONCE]
        with suppressed():
            _converge(kernel, [DesiredService("", entry.service.key, {"scheduler": scheduler}, strict=False) for entry in some])


def _change_weights(kernel: IpvsKernel, weights: _Weights, *, give_back: bool) -> None:
    """Set temporary weights, or give the original ones back.

    A weight that is neither was set by another program, and stays.
    """
    services = []
    for entry in _table(kernel):
        known = weights.get(str(entry.service.key), {})
        changed = []
        for place, destination in enumerate(entry.destinations):
            pair = known.get(str(destination.key))
            if pair is None:
                continue
            old, new = (pair.meanwhile, pair.own) if give_back else pair
            if destination.weight == old:
                changed.append(DesiredDestination("", place, destination.key, Given({"weight": new})))
        if changed:
            services.append(DesiredService("", entry.service.key, {}, destinations=tuple(changed), ordered=False, strict=False))
    _converge(kernel, services)


def _converge(kernel: IpvsKernel, services: Sequence[DesiredService]) -> None:
    if services:
        converge_locked(kernel, DesiredTable(tuple(services)), check_mode=False)


def _read() -> _Weights:
    try:
        with open(PATH, encoding="ascii") as file:
            content: Mapping[str, Any] = json.load(file)
        return {
            str(service): {str(name): Weights(int(pair[0]), int(pair[1])) for name, pair in pairs.items()}
            for service, pairs in content.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as exc:
        raise IpvsUnavailableError(f"Cannot read {PATH}, where an earlier run has kept weights of destinations: {exc}. Remove it") from exc


def _remember(store: Store, weights: _Weights) -> None:
    """Record the weights, and for other runs the services that have the fallback scheduler."""
    earlier = set(_read())
    names = store.read_fallback()
    try:
        store.write_fallback(frozenset((names - earlier) | set(weights)))
        if weights:
            with replacement(PATH, json.dumps(weights, indent=2) + "\n"):
                pass
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(PATH)
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot keep the weights of destinations in {PATH}: {exc}") from exc
