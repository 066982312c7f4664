# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The production table, read before and after the self-test.

A director in service changes all the time: connections come and go, counters grow, a health check changes a weight. So the self-test
only fails if an entry or a connection in the production table has one of its own addresses, which nothing else uses. It reports other
differences, but they are no failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._apply.transaction import differences
from ansible_collections.lvs.director.plugins.module_utils._kernel.connections import read_connections
from ansible_collections.lvs.director.plugins.module_utils._model.connections import WantedConnections
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationCounters, Observed, ServiceKey, parse_address
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import ADDRESS

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel

# Stats begin with the totals; the rates that follow decay by themselves.
_TOTALS = 5


class Production(NamedTuple):
    """The whole production table, and the self-test's addresses in it."""

    services: dict[ServiceKey, Observed]
    timeouts: Timeouts
    sync_daemons: tuple[SyncDaemon, ...]
    ours: tuple[str, ...]

    @property
    def destinations(self) -> int:
        """The number of destinations of all services."""
        return sum(len(observed.entry.destinations) for observed in self.services.values())


def read_production(kernel: IpvsKernel, connections: Iterable[bytes]) -> Production:
    """Read the table.

    :param connections: the lines of /proc/net/ip_vs_conn.
    """
    services = {observed.entry.service.key: observed for observed in kernel.read_table()}
    ours = []
    for key, observed in services.items():
        if is_ours(key.address) or any(is_ours(destination.key.address) for destination in observed.entry.destinations):
            ours.append(f"service {key}")
    found = read_connections(connections, WantedConnections(address=parse_address(ADDRESS)))
    if found.total:
        ours.append(f"{found.total} connections to {ADDRESS}")
    return Production(services, kernel.read_timeouts(), tuple(kernel.read_sync_daemons()), tuple(ours))


def is_ours(address: bytes) -> bool:
    """Return whether a packed address is in the self-test's network."""
    ours = parse_address(ADDRESS)
    return len(address) == len(ours) and address[:3] == ours[:3]


def changes(before: Production, after: Production) -> list[str]:
    """Return the differences in the configuration, in words."""
    texts = []
    for key in [*before.services, *(key for key in after.services if key not in before.services)]:
        old, new = before.services.get(key), after.services.get(key)
        found = differences(old.entry if old else None, new.entry if new else None)
        texts += [f"service {key}: {text}" for text in found]
    if before.timeouts != after.timeouts:
        texts.append(f"the timeouts are {_words(after.timeouts)} instead of {_words(before.timeouts)}")
    if before.sync_daemons != after.sync_daemons:
        texts.append("the sync daemons are others")
    return texts


def counted(before: Production, after: Production) -> list[ServiceKey]:
    """Return the services whose counters or connections changed."""
    return [key for key, old in before.services.items() if key in after.services and _counts(old) != _counts(after.services[key])]


def _counts(observed: Observed) -> list[tuple[int, ...]]:
    destinations = (observed.counters.get(destination.key, DestinationCounters()) for destination in observed.entry.destinations)
    return [
        observed.stats[:_TOTALS],
        *((counters.active_connections, counters.inactive_connections, *counters.stats[:_TOTALS]) for counters in destinations),
    ]


def _words(timeouts: Timeouts) -> str:
    return ", ".join(f"{name} {value}" for name, value in timeouts._asdict().items())
