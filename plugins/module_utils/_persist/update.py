# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Compute the new text of the saved table after a run, or None if it does not change. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple, Optional, TypeVar

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredService, DesiredTable, PlannedService
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.results import sync_daemon_result
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, Entry
from ansible_collections.lvs.director.plugins.module_utils._persist.files import damaged
from ansible_collections.lvs.director.plugins.module_utils._persist.format import (
    Saved,
    Writer,
    from_text,
    key_of,
    name_of,
    options_of,
    parsed,
    to_text,
)
from ansible_collections.lvs.director.plugins.module_utils._plan.table import PlannedTable

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import Checks

_Given = TypeVar("_Given")
_Read = TypeVar("_Read")


class Save(NamedTuple):
    """A new text of the saved table.

    ``before`` and ``after`` are for the diff, by name. A service is included only if the saved table differed from the kernel's;
    otherwise the diff of the kernel's table suffices.
    """

    text: str
    before: Mapping[str, str]
    after: Mapping[str, str]


def save_table(text: str, desired: DesiredTable, plan: PlannedTable, fallback: Collection[str]) -> Optional[Save]:
    """Return the text that saves the result of a plan, None if it is saved already.

    :param text: the saved table.
    :param fallback: names of the services that run with the fallback scheduler.
    :raises IpvsError: the text cannot be read.
    """
    saved = _read(text)
    wanted = {service.key: service for service in desired.services}
    writer = Writer()
    checks: Optional[Checks] = None
    services = dict(saved.services)
    named = set()
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for planned in plan.services:
        name = name_of(planned.key)
        named.add(name)
        old = services.get(name)
        service = wanted.get(planned.key)
        # A task about a destination may change another program's service, but does not make the service ours.
        if old is None and service is not None and service.must_exist:
            continue
        entry = _own_entry(planned, service, saved) if str(planned.key) in fallback else planned.after
        new = None if entry is None else writer.service(entry)
        if new != old and entry is not None:
            checks = checks or _checks()
            new = writer.service(checks.restorable(entry, _asked(service)))
        if new == old:
            continue
        if new is None:
            del services[name]
        else:
            services[name] = new
        if old != (None if planned.before is None else writer.service(planned.before)):
            before.update({str(planned.key): old} if old else {})
            after.update({str(planned.key): new} if new else {})
    if desired.purge:
        for name in [name for name in services if name not in named]:
            key = _checked(key_of, name)
            if desired.purges(key):
                before[str(key)] = services.pop(name)
    return _save(saved, saved._replace(services=services), before, after)


def save_timeouts(text: str, given: Mapping[str, int], before: Timeouts) -> Optional[Save]:
    """Return the text that saves timeouts, None if they are saved already.

    :param before: the kernel's timeouts before the run.
    :raises IpvsUnavailableError: the text cannot be read.
    """
    saved = _read(text)
    timeouts = {**saved.timeouts, **given}
    earlier = {name: saved.earlier_timeouts.get(name, getattr(before, name)) for name in timeouts}
    if timeouts == saved.timeouts:
        return None
    new = saved._replace(timeouts=timeouts, earlier_timeouts=earlier)
    return _save(saved, new, {"timeouts": json.dumps(dict(saved.timeouts))}, {"timeouts": json.dumps(timeouts)})


def save_sync_daemon(text: str, state: str, daemon: Optional[SyncDaemon]) -> Optional[Save]:
    """Return the text that saves a sync daemon, or that there is none; None if that is saved already.

    :raises IpvsUnavailableError: the text cannot be read.
    """
    saved = _read(text)
    old = saved.sync_daemons.get(state)
    new = None if daemon is None else sync_daemon_result(daemon)
    daemons = {**saved.sync_daemons, state: new}
    kept = {each: values for each, values in daemons.items() if values is not None}
    before, after = ({f"sync daemon {state}": json.dumps(dict(values))} if values else {} for values in (old, new))
    return _save(saved, saved._replace(sync_daemons=kept), before, after)


def _checks() -> Checks:
    from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import Checks  # noqa: PLC0415 (compiled only where it is used)

    return Checks()


def _asked(service: Optional[DesiredService]) -> Collection[DestinationKey]:
    return {destination.key for destination in service.destinations or ()} if service else ()


def _save(old: Saved, new: Saved, before: Mapping[str, str], after: Mapping[str, str]) -> Optional[Save]:
    if new == old:
        return None
    text = to_text(new)
    # Check the whole text, not only the new parts.
    _checked(parsed, text)
    return Save(text, before, after)


def _own_entry(planned: PlannedService, desired: Optional[DesiredService], saved: Saved) -> Optional[Entry]:
    """Return the entry to save for a service that runs with the fallback scheduler and matching weights.

    Those are temporary: the task's values are merged into the saved ones instead.
    """
    options = _checked(lambda key: options_of(saved, key), planned.key) if desired and planned.after else None
    if not options or not desired:
        return planned.after
    from ansible_collections.lvs.director.plugins.module_utils._options.entries import new_entry  # noqa: PLC0415 (compiled only where it is used)
    from ansible_collections.lvs.director.plugins.module_utils._plan.service import plan_entry  # noqa: PLC0415 (compiled only where it is used)

    return plan_entry(new_entry(options, strict=False), desired)


def _read(text: str) -> Saved:
    return _checked(from_text, text)


def _checked(read: Callable[[_Given], _Read], given: _Given) -> _Read:
    """Read saved data; if it is damaged, raise the error that names the file."""
    try:
        return read(given)
    except IpvsUnavailableError as exc:
        raise damaged(exc) from exc
