# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Make this machine a real server of IPVS directors, or undo that; now, and again at boot."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._kernel.lock import lock
from ansible_collections.lvs.director.plugins.module_utils._machine import realserver_found, realserver_record
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_apply import apply
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import ARP, Change, Found, Request, Wanted
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_plan import plan
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_record import Record
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_wanted import wanted
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import unfinished
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsRejectedError, IpvsUnavailableError


def converge(request: Optional[Request], *, check_mode: bool) -> list[str]:
    """Make the machine match a request, and return the changes; in check mode, only predict them.

    :param request: None to undo everything.
    :raises IpvsError: the request was refused, or a change failed.
    """
    with _alone(exclusive=not check_mode):
        return _converge(request, check_mode)


def restore() -> list[str]:
    """Restore the state of the last run. If a change fails, make the others, and return the failures.

    :raises IpvsError: nothing could be restored.
    """
    with _alone(exclusive=True):
        record = realserver_record.load()
        if record == Record():
            return []
        try:
            _converge(record.request, check_mode=False)
        except IpvsRejectedError:
            return _make_the_rest(record)
        return []


@contextlib.contextmanager
def _alone(*, exclusive: bool) -> Iterator[None]:
    if os.geteuid() != 0:
        raise IpvsUnavailableError("Interfaces and addresses belong to root. Run the task as root (become: true)")
    with lock(exclusive=exclusive):
        yield


def _converge(request: Optional[Request], check_mode: bool) -> list[str]:
    record = realserver_record.load()
    found = realserver_found.read()
    want = wanted(request, found.links)
    changes = plan(want, found, record)
    texts = [change.text for change in changes]
    if check_mode:
        return texts
    after, both = _records(request, want, found, record)
    if changes:
        # Saved first: even if this run is killed, the record lists everything made here.
        realserver_record.save(both)
        try:
            apply(changes)
        except IpvsError:
            realserver_record.save(record)
            raise
        left = plan(want, realserver_found.read(), both)
        if left:
            raise unfinished(change.text for change in left)
    if after != record:
        realserver_record.save(after)
    return texts


def _records(request: Optional[Request], want: Wanted, found: Found, record: Record) -> tuple[Record, Record]:
    """Return the record for after the run, and the one for while it runs."""
    changed = {name: found.settings[name] for name, values in want.settings.items() if name in ARP and found.settings[name] not in values}
    before = {**changed, **record.before}
    after = Record(
        request,
        frozenset(want.links),
        # Only what this run adds, or an earlier one added.
        frozenset(address for address in want.addresses if address not in found.addresses or address in record.addresses),
        frozenset(port for port in want.ports if port not in found.ports or port in record.ports),
        before if want.settings else {},
    )
    both = Record(
        record.request or after.request,
        record.links | after.links,
        record.addresses | after.addresses,
        record.ports | after.ports,
        before,
    )
    return after, both


def _make_the_rest(record: Record) -> list[str]:
    """Make changes one by one, and return a message for each that fails."""
    found = realserver_found.read()
    changes = plan(wanted(record.request, found.links), found, record)
    return [problem for problem in map(_attempt, changes) if problem]


def _attempt(change: Change) -> str:
    """Make a change, and return a message if it fails."""
    try:
        apply([change])
    except IpvsRejectedError as exc:
        if change.do[0][1] in ARP:
            raise  # Never add an address that the machine would answer ARP for.
        return f"Not restored: {change.text}: {exc}"
    return ""
