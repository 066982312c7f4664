# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert model values to the form shared by ``ipvs_info``, the return values and the diffs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationCounters,
    Entry,
    Observed,
    Service,
    ServiceKey,
    Stats,
    format_address,
    is_full,
    scheduler_flag_words,
)
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import TUNNEL_FLAGS

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon


def key_values(key: ServiceKey) -> dict[str, Any]:
    """Return the options that name a service; inapplicable ones are None."""
    if key.fwmark:
        return {"protocol": None, "address": None, "port": None, "fwmark": key.fwmark, "family": key.family}
    return {
        "protocol": key.protocol,
        "address": format_address(key.address),
        "port": key.port,
        "fwmark": None,
        "family": key.family,
    }


def service_values(service: Service) -> dict[str, Any]:
    """Return a service's configuration as options."""
    return {
        **key_values(service.key),
        "scheduler": service.scheduler,
        "scheduler_flags": scheduler_flag_words(service.scheduler, service.scheduler_flags),
        "persistence_timeout": service.persistence_timeout,
        "persistence_netmask": service.persistence_netmask or None,
        "persistence_engine": service.persistence_engine or None,
        "one_packet": service.one_packet,
    }


def destination_values(destination: Destination) -> dict[str, Any]:
    """Return a destination's configuration as options."""
    tunnel = destination.forward_method == "tunnel"
    return {
        "address": format_address(destination.key.address),
        "port": destination.key.port,
        "forward_method": destination.forward_method,
        "weight": destination.weight,
        "upper_threshold": destination.upper_threshold,
        "lower_threshold": destination.lower_threshold,
        "tunnel_type": destination.tunnel_type if tunnel else None,
        "tunnel_port": destination.tunnel_port or None,
        "tunnel_flags": [word for word, bit in TUNNEL_FLAGS.items() if destination.tunnel_flags & bit],
    }


# What is returned of a destination that may be quiescent.
QUIESCENT = ("effective_weight", "share", "drained", "held", "held_since", "held_reason")


def quiescent_values(destination: Destination) -> dict[str, Any]:
    """Return whether a destination is quiescent. The kernel does not know since when and why: see ``_persist.quiescent``."""
    return dict(zip(QUIESCENT, (destination.effective_weight, destination.share, destination.drained, destination.held, None, None)))


def configuration(entry: Optional[Entry]) -> dict[str, Any]:
    """Return a service with its destinations, without counters, for one side of a diff. Empty if there is none."""
    if entry is None:
        return {}
    return {
        **service_values(entry.service),
        "destinations": [destination_values(destination) for destination in entry.destinations],
    }


def stats_values(stats: Stats) -> dict[str, int]:
    """Return counters by name."""
    return stats._asdict()


def destination_result(destination: Destination, counters: DestinationCounters) -> dict[str, Any]:
    """Return a destination with its counters."""
    return {
        **destination_values(destination),
        **quiescent_values(destination),
        "full": is_full(destination, counters),
        "active_connections": counters.active_connections,
        "inactive_connections": counters.inactive_connections,
        "persistent_connections": counters.persistent_connections,
        "stats": stats_values(counters.stats),
    }


def service_result(observed: Observed) -> dict[str, Any]:
    """Return a service with its destinations in the kernel's order, and all counters."""
    return {
        **service_values(observed.entry.service),
        "stats": stats_values(observed.stats),
        "destinations": [
            destination_result(destination, observed.counters.get(destination.key, DestinationCounters()))
            for destination in observed.entry.destinations
        ],
    }


def sync_daemon_result(daemon: SyncDaemon) -> dict[str, Any]:
    """Return a running sync daemon."""
    return {
        "state": daemon.state,
        "interface": daemon.interface,
        "sync_id": daemon.sync_id,
        "maximum_length": daemon.maximum_length,
        "group": format_address(daemon.group) if daemon.group else None,
        "port": daemon.port,
        "ttl": daemon.ttl,
    }
