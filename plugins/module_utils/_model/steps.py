# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The steps of a plan; each is one netlink command."""

from __future__ import annotations

from typing import NamedTuple, Optional, Union

from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Service, ServiceKey


class AddService(NamedTuple):
    """Add a virtual service without destinations."""

    service: Service

    def __str__(self) -> str:
        return f"add service {self.service.key}"


class EditService(NamedTuple):
    """Replace a service's configuration; destinations and connections stay."""

    service: Service

    def __str__(self) -> str:
        return f"edit service {self.service.key}"


class DeleteService(NamedTuple):
    """Delete a service with its destinations."""

    key: ServiceKey

    def __str__(self) -> str:
        return f"delete service {self.key}"


class AddDestination(NamedTuple):
    """Add a destination at the head of the service's list, the only place the kernel supports."""

    service: ServiceKey
    destination: Destination

    def __str__(self) -> str:
        return f"add destination {self.destination.key} to service {self.service}"


class EditDestination(NamedTuple):
    """Replace a destination's configuration; its place in the list and its connections stay."""

    service: ServiceKey
    destination: Destination

    def __str__(self) -> str:
        return f"edit destination {self.destination.key} of service {self.service}"


class DeleteDestination(NamedTuple):
    """Delete a destination; the kernel keeps its connections, and returns them if it is added again."""

    service: ServiceKey
    key: DestinationKey

    def __str__(self) -> str:
        return f"delete destination {self.key} of service {self.service}"


class ZeroCounters(NamedTuple):
    """Zero the counters of a service and its destinations, or of all services."""

    key: Optional[ServiceKey]

    def __str__(self) -> str:
        return f"zero the counters of service {self.key}" if self.key else "zero the counters of all services"


class SetTimeouts(NamedTuple):
    """Set the connection timeouts; 0 leaves one unchanged."""

    timeouts: Timeouts

    def __str__(self) -> str:
        return "set " + ", ".join(f"timeout {name} to {seconds} seconds" for name, seconds in self.timeouts._asdict().items() if seconds)


class StartSyncDaemon(NamedTuple):
    """Start a sync daemon; there can be one master and one backup."""

    daemon: SyncDaemon

    def __str__(self) -> str:
        return f"start sync daemon {self.daemon.state} on {self.daemon.interface}"


class StopSyncDaemon(NamedTuple):
    """Stop the sync daemon of that state."""

    state: str

    def __str__(self) -> str:
        return f"stop sync daemon {self.state}"


Step = Union[
    AddService,
    EditService,
    DeleteService,
    AddDestination,
    EditDestination,
    DeleteDestination,
    ZeroCounters,
    SetTimeouts,
    StartSyncDaemon,
    StopSyncDaemon,
]


class Refusal(NamedTuple):
    """A step that the kernel refused, and the error number."""

    step: Step
    number: int
