# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Restore what was saved: the program that systemd runs at boot, without Ansible and without network.

The role installs it as one file, ``ipvs-director-restore``, together with its program for virtual addresses. It goes the way of the
modules: the same options, checks, plans and comparisons. So it deletes nothing that others have put there, and leaves
alone what is as it was saved: run again under traffic, it does nothing.

ipvs-director-restore table           services with their destinations, and timeouts; needs no network
ipvs-director-restore network         sync daemons and virtual addresses, as soon as their interfaces are there
ipvs-director-restore clear-network   the opposite of each
ipvs-director-restore clear-table
ipvs-director-restore swap            the installed build of a scheduler in the place of the loaded one, under its services
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Optional, Protocol

from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, converge_timeouts
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._boot.icmp import refusals_held_back
from ansible_collections.lvs.director.plugins.module_utils._boot.reload_scheduler import swap_scheduler
from ansible_collections.lvs.director.plugins.module_utils._kernel import modules as _modprobe
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import IpvsKernel, NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import Service, parse_address
from ansible_collections.lvs.director.plugins.module_utils._options.settings import (
    desired_from_sync_daemon_module,
    desired_from_timeouts_module,
)
from ansible_collections.lvs.director.plugins.module_utils._options.table import desired_from_table_module
from ansible_collections.lvs.director.plugins.module_utils._persist.files import TABLE, MachineStore, damaged
from ansible_collections.lvs.director.plugins.module_utils._persist.format import parsed

# Seconds between two looks at interfaces that are not there yet.
_PAUSE = 0.2
# The exit status where something else is in the way. What had been begun is finished by the next run.
CONFLICT = 3

Vip = Mapping[str, str]


class Vips(Protocol):
    """The role's program for virtual addresses."""

    CannotError: type[Exception]

    def saved(self) -> list[dict[str, str]]:
        """Return the virtual addresses that are restored at boot, each with ``address`` and ``interface``."""

    def add(self, vips: Sequence[Vip]) -> list[str]:
        """Add those that are missing, and return what was done."""

    def remove(self, vips: Sequence[Vip]) -> list[str]:
        """Remove those that are there, and return what was done."""


class Content(NamedTuple):
    """What was saved, as the modules' options make it."""

    table: DesiredTable
    timeouts: Mapping[str, int]
    earlier_timeouts: Mapping[str, int]
    sync_daemons: Sequence[DesiredSyncDaemon]


class Journal:
    """What happened, for people; problems decide the exit status."""

    def __init__(self, *, levels: bool) -> None:
        """:param levels: put syslog's levels before the lines, as systemd's journal understands them."""
        self._levels = levels
        self.problems = 0

    def problem(self, text: object) -> None:
        self.problems += 1
        self._line(3, text)

    def warning(self, text: object) -> None:
        self._line(4, text)

    def note(self, text: object) -> None:
        self._line(6, text)

    def _line(self, level: int, text: object) -> None:
        for line in str(text).splitlines():
            sys.stdout.write(f"<{level}>{line}\n" if self._levels else f"{line}\n")
        sys.stdout.flush()


def content_of(text: str) -> Content:
    """Return what a saved text asks for.

    :raises IpvsError: it is not such a text, or something in it cannot be; it is named.
    """
    content = parsed(text)
    # In the very order in which they were; and others that have come into the service since may stay.
    services = [{**one, "ordered": True, "exclusive_destinations": False} for one in content["services"]]
    table = desired_from_table_module(
        {"services": services, "scope": None, "purge": False, "exclusive_destinations": False, "zero_counters": False, "strict": False}
    )
    timeouts, earlier = (
        desired_from_timeouts_module({**dict.fromkeys(Timeouts._fields), **content[part]}) for part in ("timeouts", "earlier_timeouts")
    )
    daemons = []
    for values in content["sync_daemons"]:
        options = {option: value for option, value in values.items() if option != "state"}
        daemons.append(desired_from_sync_daemon_module({**options, "daemon": values["state"], "state": "present"}))
    return Content(table, timeouts, earlier, daemons)


def restore_table(kernel: IpvsKernel, content: Content, journal: Journal, *, load: Callable[[str], bool], fallback: str) -> frozenset[str]:
    """Restore services with their destinations, and timeouts; what cannot be is told, and all the rest restored.

    :returns: the names of services that have another scheduler than their own.
    """
    services = [one for one in (_with_scheduler(each, journal, load, fallback) for each in content.table.services) if one]
    try:
        changed = len(converge(kernel, DesiredTable(tuple(services)), check_mode=False).plan.changed_services)
        restored = len(services)
    except IpvsError:
        # One is in the way of the others: each on its own.
        restored = changed = 0
        for one in services:
            try:
                changed += converge(kernel, DesiredTable((one,)), check_mode=False).plan.changed
                restored += 1
            except IpvsError as exc:
                journal.problem(f"Service {one.key} was not restored: {exc}")
    journal.note(f"Restored {restored} of {len(content.table.services)} services, of which {restored - changed} were as they should be.")
    if content.timeouts:
        try:
            converge_timeouts(kernel, content.timeouts, check_mode=False)
            journal.note("Restored the timeouts.")
        except IpvsError as exc:
            journal.problem(f"The timeouts were not restored: {exc}")
    return frozenset(str(one.key) for one in services if one not in content.table.services)


def _with_scheduler(service: DesiredService, journal: Journal, load: Callable[[str], bool], fallback: str) -> Optional[DesiredService]:
    """Return a service as it can be: with another scheduler where its own is missing; None if it cannot be."""
    scheduler = service.given.get("scheduler", Service(service.key).scheduler)
    if scheduler == "none" or load(f"ip_vs_{scheduler}"):
        return service
    missing = (
        f'Service {service.key}: its scheduler "{scheduler}" is missing, since the kernel {os.uname().release} has no module '
        f"ip_vs_{scheduler} that it can load. Run the role lvs.director.ipvs_director"
    )
    if not fallback or not load(f"ip_vs_{fallback}"):
        journal.problem(f"{missing}. The service was not restored")
        return None
    journal.warning(f'{missing}. Until then it has scheduler "{fallback}", and weights that fall in the order of its destinations')
    destinations = service.destinations or ()
    return service._replace(
        given={**service.given, "scheduler": fallback, "scheduler_flags": 0},
        flag_words=(),
        destinations=tuple(
            one._replace(given=Given({**one.given, "weight": len(destinations) - place if one.given.get("weight", 1) else 0}))
            for place, one in enumerate(destinations)
        ),
    )


def restore_network(
    kernel: IpvsKernel, content: Content, vips: Vips, journal: Journal, *, patience: float, clock: Callable[[], float] = time.monotonic
) -> None:
    """Start sync daemons and add virtual addresses, each as soon as it can be.

    :param patience: so many seconds may pass until it can.
    """
    waiting: list[tuple[str, Callable[[], object]]] = []
    for vip in vips.saved():
        missing = _missing_services(kernel, content, vip)
        if missing:
            # Better no answer than a refusal: another machine may have the address.
            journal.problem(f"{vip['address']} was not added to {vip['interface']}: {', '.join(missing)} is not there.")
            continue
        waiting.append((f"{vip['address']} on {vip['interface']}", partial(vips.add, [vip])))
    for one in content.sync_daemons:
        waiting.append((f"Sync daemon {one.state}", partial(converge_sync_daemon, kernel, one, check_mode=False)))
    deadline = clock() + patience
    while waiting:
        late = clock() >= deadline
        still = []
        for name, act in waiting:
            try:
                act()
                journal.note(f"{name}: restored.")
            except (IpvsError, vips.CannotError) as exc:
                if late:
                    journal.problem(f"{name}: not restored: {exc}")
                else:
                    still.append((name, act))
        waiting = still
        if waiting:
            time.sleep(_PAUSE)


def _missing_services(kernel: IpvsKernel, content: Content, vip: Vip) -> list[str]:
    address = parse_address(vip["address"].partition("/")[0])
    keys = [one.key for one in content.table.services if one.key.address == address]
    return [str(key) for key in keys if kernel.read_service(key, counters=False) is None]


def clear_table(kernel: IpvsKernel, content: Content, journal: Journal) -> None:
    """Delete the services that were saved, and no others, and set the timeouts to what they were before."""
    absent = tuple(one._replace(present=False) for one in content.table.services)
    try:
        outcome = converge(kernel, DesiredTable(absent), check_mode=False)
        journal.note(f"Deleted {len(outcome.plan.changed_services)} services.")
        if content.earlier_timeouts:
            converge_timeouts(kernel, content.earlier_timeouts, check_mode=False)
    except IpvsError as exc:
        journal.problem(f"Not all that was saved was taken away: {exc}")


def clear_network(kernel: IpvsKernel, content: Content, vips: Vips, journal: Journal) -> None:
    """Remove the virtual addresses and stop the sync daemons that were saved, and no others."""
    for step in vips.remove(vips.saved()):
        journal.note(f"Done: {step}.")
    for one in content.sync_daemons:
        running = {each.state: each for each in kernel.read_sync_daemons()}.get(one.state)
        if running is None or running != running._replace(**one.given):
            continue
        try:
            converge_sync_daemon(kernel, one._replace(given={}, present=False), check_mode=False)
            journal.note(f"Sync daemon {one.state}: stopped.")
        except IpvsError as exc:
            journal.problem(f"Sync daemon {one.state} was not stopped: {exc}")


def main(arguments: Sequence[str], vips: Vips) -> int:
    """Run a command of the command line, and return the exit status."""
    parser = argparse.ArgumentParser(prog="ipvs-director-restore", description="Restore the IPVS table that lvs.director has saved.")
    parser.add_argument("command", choices=["table", "network", "clear-table", "clear-network", "swap"])
    parser.add_argument("--scheduler", default="test", help="of which another build is installed, for swap")
    parser.add_argument(
        "--fallback", default="", metavar="SCHEDULER", help="the scheduler of services whose own is missing, or is being swapped"
    )
    parser.add_argument("--patience", type=float, default=30.0, metavar="SECONDS", help="to wait for interfaces")
    options = parser.parse_args(arguments)
    journal = Journal(levels="JOURNAL_STREAM" in os.environ)
    try:
        _run(options, vips, journal)
    except IpvsConflictError as exc:
        journal.problem(exc)
        return CONFLICT
    except (IpvsError, vips.CannotError) as exc:
        journal.problem(exc)
    return 1 if journal.problems else 0


def _run(options: argparse.Namespace, vips: Vips, journal: Journal) -> None:
    store = MachineStore()
    text = store.read_table()
    if text is None:
        raise IpvsUnavailableError(f"There is nothing to restore: no {TABLE}. Run the role lvs.director.ipvs_director")
    try:
        content = content_of(text)
    except (IpvsError, KeyError, TypeError) as exc:
        raise damaged(exc) from exc
    _modprobe.load("ip_vs")
    try:
        kernel = NetlinkKernel()
    except ImportError as exc:
        raise IpvsUnavailableError(f"{exc}. Install the package python3-pyroute2") from exc
    try:
        if options.command == "table":
            with contextlib.ExitStack() as stack:
                if store.read_fallback():
                    # Services get their own scheduler back while clients connect. Without nft some may be refused: still better.
                    with contextlib.suppress(IpvsUnavailableError):
                        stack.enter_context(refusals_held_back())
                replaced = restore_table(kernel, content, journal, load=_modprobe.load, fallback=options.fallback)
            store.write_fallback(replaced)
        elif options.command == "swap":
            swap_scheduler(kernel, store, options.scheduler, options.fallback, _modprobe, refusals_held_back, journal.note)
        elif options.command == "network":
            restore_network(kernel, content, vips, journal, patience=options.patience)
        elif options.command == "clear-table":
            clear_table(kernel, content, journal)
        else:
            clear_network(kernel, content, vips, journal)
    finally:
        kernel.close()
