# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The self-test's director: reads and changes the table of this network namespace as the modules do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    DestinationCounters,
    ServiceKey,
    format_address,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._options.destination import (
    desired_from_destination_module,
    destination_module_spec,
)
from ansible_collections.lvs.director.plugins.module_utils._options.entries import with_defaults
from ansible_collections.lvs.director.plugins.module_utils._options.service import desired_from_service_module, service_module_spec
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Row
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Table
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Service

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel


class PrivateKernel(NetlinkKernel):
    """The kernel, in a network namespace that nothing else can reach.

    Its table needs no lock, and the lock of the production table would make other runs wait for the self-test.
    """

    def lock(self, *, exclusive: bool) -> AbstractContextManager[None]:
        return contextlib.nullcontext()


class PrivateDirector:
    """The operations that the experiment needs from a director."""

    def __init__(self, kernel: IpvsKernel) -> None:
        self._kernel = kernel
        found = list(kernel.read_table(counters=False))
        if found:
            raise IpvsExperimentError(
                f"The self-test's own network namespace should have an empty table, and has service {found[0].entry.service.key}. "
                "Nothing was changed"
            )

    def add(self, service: Service) -> None:
        """Add a service as a task of ``ipvs_service`` does."""
        params = with_defaults(service_module_spec()["argument_spec"], options(service))
        converge(self._kernel, desired_from_service_module(params), check_mode=False)

    def remove(self, service: Service) -> None:
        """Delete a service as a task of ``ipvs_service`` does."""
        params = with_defaults(service_module_spec()["argument_spec"], {**_identity(service), "state": "absent"})
        converge(self._kernel, desired_from_service_module(params), check_mode=False)

    def set_weight(self, service: Service, address: str, weight: int) -> None:
        """Change a weight as a task of ``ipvs_destination`` does."""
        values = {"service": _identity(service), "address": address, "port": service.port, "weight": weight}
        params = with_defaults(destination_module_spec()["argument_spec"], values)
        converge(self._kernel, desired_from_destination_module(params), check_mode=False)

    def table(self, service: Service) -> Table:
        """Return the kernel's table of a service."""
        observed = self._kernel.read_service(ServiceKey("ipv4", "tcp", parse_address(service.address), service.port))
        if observed is None:
            raise IpvsExperimentError(f"The self-test's service {service} is gone, and only the self-test could have deleted it")
        rows = []
        for destination in observed.entry.destinations:
            counters = observed.counters.get(destination.key, DestinationCounters())
            address = format_address(destination.key.address)
            active, inactive = counters.active_connections, counters.inactive_connections
            rows.append(Row(address, destination.upper_threshold, destination.lower_threshold, active, inactive))
        return Table(render(service, rows), tuple(rows))


def options(service: Service) -> dict[str, Any]:
    """Return the options of ``ipvs_service`` that make a service."""
    return {
        **_identity(service),
        "scheduler": service.scheduler,
        "destinations": [
            {
                "address": destination.address,
                "port": destination.port,
                "forward_method": "masquerade",
                "weight": destination.weight,
                "upper_threshold": destination.upper_threshold,
                "lower_threshold": destination.lower_threshold,
            }
            for destination in service.destinations
        ],
    }


def render(service: Service, rows: Iterable[Row]) -> str:
    """Return rows as ``ipvsadm -L -n --thresholds --nosort`` prints them, without its first line."""
    lines = [
        "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn",
        "  -> RemoteAddress:Port",
        f"TCP  {service} {service.scheduler}",
    ]
    ports = {destination.address: destination.port for destination in service.destinations}
    for row in rows:
        endpoint = f"{row.address}:{ports.get(row.address, service.port)}"
        lines.append(f"  -> {endpoint:<28} {row.upper:<10} {row.lower:<10} {row.active:<10} {row.inactive}")
    return "\n".join(lines)


def _identity(service: Service) -> dict[str, Any]:
    return {"protocol": "tcp", "address": service.address, "port": service.port}
