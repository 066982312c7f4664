# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Metrics of the table: full, drained and held destinations, and services that nobody is left to serve. Pure.

With 10,000 destinations, the totals still count each. Series of their own have destinations with an upper threshold, drained and held
ones, because the node exporter's ``ipvs`` collector has the rest; and at most ``limit`` of them, with those first that need attention.
The same limit holds for services. ``..._left_out`` is the number of those that have none for that reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationCounters,
    Observed,
    ServiceKey,
    is_full,
)
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_labels import destination_labels, service_labels
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_text import Metric, single


class _Found(NamedTuple):
    """A destination and its state."""

    service: ServiceKey
    destination: Destination
    full: Optional[bool]

    @property
    def available(self) -> bool:
        """Whether the scheduler may choose it. A destination that may be full counts as available."""
        return self.destination.effective_weight > 0 and not self.full

    @property
    def reported(self) -> bool:
        """Whether there is anything that the node exporter does not know."""
        return bool(self.destination.upper_threshold) or self.destination.drained or self.destination.held

    @property
    def ordinary(self) -> bool:
        return self.full is False and not (self.destination.drained or self.destination.held)


class _Service(NamedTuple):
    """A service and how many of its destinations are available."""

    key: ServiceKey
    destinations: int
    available: int

    @property
    def unavailable(self) -> bool:
        return self.destinations > 0 and not self.available


def table_metrics(table: Sequence[Observed], limit: int) -> Iterable[Metric]:
    """Return the metrics of the kernel's table.

    :param limit: how many destinations, and services, get series of their own.
    """
    found = [
        _Found(observed.entry.service.key, destination, is_full(destination, observed.counters.get(destination.key, DestinationCounters())))
        for observed in table
        for destination in observed.entry.destinations
    ]
    available: dict[ServiceKey, int] = {}
    for each in found:
        available[each.service] = available.get(each.service, 0) + each.available
    services = [
        _Service(key, len(observed.entry.destinations), available.get(key, 0))
        for observed in table
        for key in (observed.entry.service.key,)
    ]
    yield from _totals(found, services)
    listed = sorted(services, key=lambda service: not service.unavailable)[:limit]
    yield from _of_services(listed)
    yield single("services_left_out", "Virtual services without series of their own, beyond the limit.", len(services) - len(listed))
    reported = sorted((each for each in found if each.reported), key=lambda each: each.ordinary)
    yield from _of_destinations(reported[:limit])
    left_out = max(0, len(reported) - limit)
    yield single("destinations_left_out", "Destinations without series of their own, beyond the limit.", left_out)


def _totals(found: Sequence[_Found], services: Sequence[_Service]) -> Iterable[Metric]:
    yield single("services", "Virtual services.", len(services))
    about = "Virtual services whose destinations all are full, drained, held or without weight."
    yield single("services_unavailable", about, sum(service.unavailable for service in services))
    yield single("destinations", "Destinations of all virtual services.", len(found))
    about = "Destinations with an upper threshold."
    yield single("destinations_limited", about, sum(bool(each.destination.upper_threshold) for each in found))
    yield single("destinations_full", "Destinations at their upper threshold.", sum(each.full is True for each in found))
    about = "Destinations below their upper threshold that still count as full if they were full before."
    yield single("destinations_maybe_full", about, sum(each.full is None for each in found))
    yield single("destinations_drained", "Destinations that were drained.", sum(each.destination.drained for each in found))
    about = "Destinations that a failed health check keeps from new connections."
    yield single("destinations_held", about, sum(each.destination.held for each in found))


def _of_services(services: Sequence[_Service]) -> Iterable[Metric]:
    names = [service_labels(service.key) for service in services]
    yield Metric("service_destinations", "Destinations of the virtual service.", zip(names, (each.destinations for each in services)))
    about = "Destinations of the virtual service that are not full, drained, held or without weight."
    yield Metric("service_available_destinations", about, zip(names, (each.available for each in services)))


def _of_destinations(found: Sequence[_Found]) -> Iterable[Metric]:
    names = [destination_labels(each.service, each.destination.key) for each in found]
    for name, about, values in (
        ("upper_threshold_connections", "Upper threshold; 0 is no limit.", [each.destination.upper_threshold for each in found]),
        (
            "lower_threshold_connections",
            "Lower threshold; 0 is three quarters of the upper one.",
            [each.destination.lower_threshold for each in found],
        ),
        ("full", "Whether the destination is at its upper threshold.", [each.full is True for each in found]),
        ("maybe_full", "Whether the destination is full if it was full before.", [each.full is None for each in found]),
        ("drained", "Whether the destination was drained.", [each.destination.drained for each in found]),
        ("held", "Whether a failed health check keeps the destination from new connections.", [each.destination.held for each in found]),
    ):
        yield Metric(f"destination_{name}", about, zip(names, values))
