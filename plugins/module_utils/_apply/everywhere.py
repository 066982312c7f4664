# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""A real server in all services: every destination with its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsMissingError
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, format_address, parse_address
from ansible_collections.lvs.director.plugins.module_utils._persist import files, quiescent

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel


def everywhere(
    kernel: IpvsKernel, address: bytes, port: Optional[int], *, state: str, service: str = "", given: Optional[Given] = None
) -> DesiredTable:
    """Return the services that have a destination with this address, and the destinations in each; sorted by service.

    :param port: only destinations with this port.
    :param state: as of ``ipvs_destination``. With ``present``, those count too that were drained and removed.
    :param service: only in the service of this name, such as tcp 192.0.2.1:80.
    :param given: fields of the destinations.
    :raises IpvsMissingError: there is none, and there should be one.
    """
    found: dict[ServiceKey, dict[DestinationKey, None]] = {}
    keys = {}
    for observed in kernel.read_table(counters=False):
        entry = observed.entry
        if service not in ("", str(entry.service.key)):
            continue
        keys[str(entry.service.key)] = entry.service.key
        for destination in entry.destinations:
            if _matches(destination.key, address, port):
                found.setdefault(entry.service.key, {})[destination.key] = None
    if state == "present" and files.has_quiescent():
        for named, removed in quiescent.read().removed.items():
            for name in removed if named in keys else ():
                key = _destination_key(name)
                if _matches(key, address, port):
                    found.setdefault(keys[named], {})[key] = None
    if not found and state != "absent":
        name = format_address(address) if port is None else str(DestinationKey(address, port))
        if service:
            raise IpvsMissingError("address", f"there is no service {service} with a destination {name}")
        raise IpvsMissingError("address", f"no service of this director has a destination {name}")
    return DesiredTable(
        tuple(
            DesiredService(
                "",
                key,
                Given(),
                must_exist=True,
                destinations=tuple(DesiredDestination("", 0, each, given or Given(), state != "absent") for each in destinations),
                strict=False,
            )
            for key, destinations in sorted(found.items(), key=lambda item: item[0].order)
        )
    )


def _matches(key: DestinationKey, address: bytes, port: Optional[int]) -> bool:
    return key.address == address and port in (None, key.port)


def _destination_key(name: str) -> DestinationKey:
    address, _colon, port = name.rpartition(":")
    return DestinationKey(parse_address(address.strip("[]")), int(port))
