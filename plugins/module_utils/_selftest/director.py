# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The director of the self-test: the table of this network namespace, read and changed as the modules do."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import IpvsKernel, NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsExperimentError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    DestinationCounters,
    ServiceKey,
    format_address,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._options.common import desired_from_destination_module, destination_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.entries import with_defaults
from ansible_collections.lvs.director.plugins.module_utils._options.service import desired_from_service_module, service_module_spec
from ansible_collections.lvs.director.plugins.module_utils._selftest.service import Service
from ansible_collections.lvs.director.plugins.module_utils._selftest.services import options
from ansible_collections.lvs.director.plugins.module_utils._selftest.table import Row, Table, render


class PrivateKernel(NetlinkKernel):
    """The kernel, in a network namespace that nobody else can reach.

    Its table needs no lock, and the one that there is would make runs on the production table wait for the self-test.
    """

    def lock(self, *, exclusive: bool) -> AbstractContextManager[None]:
        return contextlib.nullcontext()


class PrivateDirector:
    """What the experiment asks of a director."""

    def __init__(self, kernel: IpvsKernel) -> None:
        self._kernel = kernel
        found = list(kernel.read_table(counters=False))
        if found:
            raise IpvsExperimentError(
                f"The self-test's table should be new, and has service {found[0].entry.service.key}: it is not where it thinks it is. "
                "Nothing was changed"
            )

    def add(self, service: Service) -> None:
        """Make a service as a task of ``ipvs_service`` would."""
        params = with_defaults(service_module_spec()["argument_spec"], options(service))
        converge(self._kernel, desired_from_service_module(params), check_mode=False)

    def remove(self, service: Service) -> None:
        """Delete a service as a task of ``ipvs_service`` would."""
        params = with_defaults(service_module_spec()["argument_spec"], {**_identity(service), "state": "absent"})
        converge(self._kernel, desired_from_service_module(params), check_mode=False)

    def weigh(self, service: Service, address: str, weight: int) -> None:
        """Change a weight as a task of ``ipvs_destination`` would."""
        values = {"service": _identity(service), "address": address, "port": service.port, "weight": weight}
        params = with_defaults(destination_module_spec()["argument_spec"], values)
        converge(self._kernel, desired_from_destination_module(params), check_mode=False)

    def table(self, service: Service) -> Table:
        """Return what the kernel has."""
        observed = self._kernel.read_service(ServiceKey("ipv4", "tcp", parse_address(service.address), service.port))
        if observed is None:
            raise IpvsExperimentError(f"The self-test's service {service} is gone, and only the self-test could have deleted it")
        rows = []
        for one in observed.entry.destinations:
            counters = observed.counters.get(one.key, DestinationCounters())
            active, inactive = counters.active_connections, counters.inactive_connections
            rows.append(Row(format_address(one.key.address), one.upper_threshold, one.lower_threshold, active, inactive))
        return Table(render(service, rows), tuple(rows))


def _identity(service: Service) -> dict[str, Any]:
    return {"protocol": "tcp", "address": service.address, "port": service.port}
