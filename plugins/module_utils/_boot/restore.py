# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Restore the saved state and clear it again, without Ansible. Restoring the table needs no network.

Restoring uses the modules' own options, plans and comparisons. It deletes nothing that other programs have set and does not touch
entries that already match, so running it again under traffic is safe. It does not write the saved state.

An entry that cannot be restored is reported; everything else is restored.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Optional, Protocol

from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, converge_timeouts
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._boot.journal import Journal
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Service, parse_address
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import Content

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store

# Seconds between checks for missing interfaces.
_PAUSE = 0.2

Vip = Mapping[str, Any]


class Vips(Protocol):
    """Operations on virtual addresses: see ``_machine.vip``."""

    def saved(self) -> Sequence[Vip]:
        """Return the virtual addresses that are restored at boot, each with ``address`` and ``interface``."""

    def add_each(self, vips: Sequence[Vip]) -> list[Optional[str]]:
        """Add the missing ones; return for each the reason why it cannot be added, None if it is present."""

    def remove(self, vips: Sequence[Vip]) -> list[str]:
        """Remove those that are present, and return the steps."""


def restore_table(
    kernel: IpvsKernel, content: Content, journal: Journal, *, load: Callable[[str], bool], fallback: str, known: Collection[str] = ()
) -> frozenset[str]:
    """Restore services with their destinations, and timeouts.

    :param load: loads a kernel module and returns whether that worked.
    :param fallback: scheduler for services whose own is missing; empty: do not restore those.
    :param known: names of the services that have the fallback scheduler already.
    :returns: names of the services that have it now.
    """
    for problem in content.problems:
        journal.problem(f"Not restored: {problem}")
    services: list[DesiredService] = []
    replaced = set()
    for service in content.services:
        possible = _with_scheduler(service, journal, load, fallback)
        if possible is None:
            continue
        services.append(possible)
        if possible is not service:
            replaced.add(str(service.key))
    restored, changed = _restore_services(kernel, services, journal)
    replaced |= set(known) - restored
    total = len(content.services) + sum(problem.startswith("services") for problem in content.problems)
    journal.note(f"Restored {len(restored)} of {total} services, of which {len(restored) - changed} needed no change.")
    if content.timeouts:
        try:
            converge_timeouts(kernel, content.timeouts, check_mode=False)
            journal.note("Restored the timeouts.")
        except IpvsError as exc:
            journal.problem(f"The timeouts were not restored: {exc}")
    return frozenset(replaced)


def _restore_services(kernel: IpvsKernel, services: Sequence[DesiredService], journal: Journal) -> tuple[set[str], int]:
    """Return the names of the restored services, and how many of them changed."""
    try:
        plan = converge(kernel, DesiredTable(tuple(services)), check_mode=False).plan
        return {str(service.key) for service in services}, len(plan.changed_services)
    except IpvsError:
        pass  # one service blocks the others: restore each on its own
    restored, changed = set(), 0
    for service in services:
        try:
            changed += converge(kernel, DesiredTable((service,)), check_mode=False).plan.changed
            restored.add(str(service.key))
        except IpvsError as exc:
            journal.problem(f"Service {service.key} was not restored: {exc}")
    return restored, changed


def _with_scheduler(service: DesiredService, journal: Journal, load: Callable[[str], bool], fallback: str) -> Optional[DesiredService]:
    """Return the service to restore, with the fallback scheduler if its own is missing; None if there is none."""
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
            destination._replace(
                given=Given({**destination.given, "weight": len(destinations) - place if destination.given.get("weight", 1) else 0})
            )
            for place, destination in enumerate(destinations)
        ),
    )


def restore_network(
    kernel: IpvsKernel,
    content: Content,
    vips: Vips,
    journal: Journal,
    *,
    patience: float,
    store: Optional[Store] = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Start sync daemons and add virtual addresses, each as soon as possible.

    :param patience: seconds to wait for interfaces.
    :param store: where the interfaces of sync daemons are remembered.
    """
    addresses = _addresses_with_services(kernel, content, vips, journal)
    start_daemon = partial(converge_sync_daemon, kernel, check_mode=False, store=store, save=False)
    daemons = {f"Sync daemon {daemon.state}": partial(start_daemon, daemon) for daemon in content.sync_daemons}
    deadline = clock() + patience
    while True:
        late = clock() >= deadline
        reasons = dict(zip(addresses, vips.add_each([*addresses.values()]) if addresses else ()))
        for name, start in daemons.items():
            try:
                start()
                reasons[name] = None
            except IpvsError as exc:
                reasons[name] = str(exc)
        for name, reason in reasons.items():
            if reason is None:
                journal.note(f"{name}: restored.")
            elif late:
                journal.problem(f"{name}: not restored: {reason}")
        addresses = {name: vip for name, vip in addresses.items() if reasons[name] is not None}
        daemons = {name: start for name, start in daemons.items() if reasons[name] is not None}
        if late or not (addresses or daemons):
            return
        time.sleep(_PAUSE)


def _addresses_with_services(kernel: IpvsKernel, content: Content, vips: Vips, journal: Journal) -> dict[str, Vip]:
    """Return the virtual addresses whose services are all present. Otherwise stay silent: another machine may have the address."""
    missing: dict[bytes, list[str]] = {}
    saved = vips.saved()
    if saved:
        present = {observed.entry.service.key for observed in kernel.read_table(counters=False)}
        for service in content.services:
            if service.key not in present:
                missing.setdefault(service.key.address, []).append(str(service.key))
    found = {}
    for vip in saved:
        lacking = missing.get(parse_address(vip["address"].partition("/")[0]))
        if lacking:
            journal.problem(f"{vip['address']} was not added to {vip['interface']}: {', '.join(lacking)} is not there.")
        else:
            found[f"{vip['address']} on {vip['interface']}"] = vip
    return found


def clear_table(kernel: IpvsKernel, content: Content, journal: Journal) -> None:
    """Delete the saved services, and no others, and restore the earlier timeouts."""
    for problem in content.problems:
        journal.warning(f"Passed over: {problem}")
    absent = tuple(DesiredService("", service.key, {}, present=False) for service in content.services)
    try:
        outcome = converge(kernel, DesiredTable(absent), check_mode=False)
        journal.note(f"Deleted {len(outcome.plan.changed_services)} services.")
        if content.earlier_timeouts:
            converge_timeouts(kernel, content.earlier_timeouts, check_mode=False)
    except IpvsError as exc:
        journal.problem(f"Not everything that is saved was removed: {exc}")


def clear_network(kernel: IpvsKernel, content: Content, vips: Vips, journal: Journal) -> None:
    """Remove the saved virtual addresses and stop the saved sync daemons, and no others."""
    for step in vips.remove(vips.saved()):
        journal.note(f"Done: {step}.")
    for daemon in content.sync_daemons:
        running = {each.state: each for each in kernel.read_sync_daemons()}.get(daemon.state)
        if running is None or running != running._replace(**daemon.given):
            continue
        try:
            converge_sync_daemon(kernel, daemon._replace(given={}, present=False), check_mode=False)
            journal.note(f"Sync daemon {daemon.state}: stopped.")
        except IpvsError as exc:
            journal.problem(f"Sync daemon {daemon.state} was not stopped: {exc}")
