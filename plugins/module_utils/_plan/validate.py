# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Validate whole entries, after merging the task's values into the kernel's.

Refuses entries that the kernel or ipvsadm(8) would refuse, before any change. Also refuses entries that the kernel accepts but
that do not work as they look. With ``strict: false``, for taking over tables made by other programs, those are warnings instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, at
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, Service
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import MAX_TIMEOUT, PROTOCOLS

# With the service's port, these need no further check.
PLAIN_METHODS = frozenset({"masquerade", "direct", "localnode"})


def check_service(desired: DesiredService, service: Service, warnings: list[str]) -> None:
    """Refuse an impossible service.

    :param service: the complete service after the merge.
    :param warnings: receives the reasons that ``strict: false`` tolerates.
    :raises IpvsInputError: with the option's path.
    """
    path = desired.path
    if desired.given.get("persistence_netmask") and not service.persistence_timeout:
        raise IpvsInputError(at(path, "persistence_netmask"), "the service is not persistent: give persistence_timeout too")
    for word in desired.flag_words:
        owner = word.partition("-")[0]
        if owner in ("sh", "mh") and owner != service.scheduler:
            raise IpvsInputError(at(path, "scheduler_flags"), f"{word} belongs to scheduler {owner}, the service's is {service.scheduler}")
    for error in _oddities(path, service):
        if desired.strict:
            raise error
        warnings.append(as_warning(error))


def _oddities(path: str, service: Service) -> Iterator[IpvsInputError]:
    key = service.key
    if not key.fwmark and not key.port and not service.persistence_timeout:
        yield IpvsInputError(at(path, "port"), "0 stands for all ports and needs a persistent service: give persistence_timeout too")
    if service.one_packet and key.protocol not in ("udp", None):
        yield IpvsInputError(at(path, "one_packet"), f"one-packet scheduling is only for UDP, not for {key.protocol}")
    if service.persistence_timeout > MAX_TIMEOUT:
        yield IpvsInputError(
            at(path, "persistence_timeout"), f"{service.persistence_timeout} is not in the range 0 to {MAX_TIMEOUT} seconds"
        )
    if key.protocol and key.protocol not in PROTOCOLS:
        yield IpvsInputError(at(path, "protocol"), f"IPVS schedules {', '.join(PROTOCOLS)}, and nothing of protocol {key.protocol}")


def as_warning(error: IpvsInputError) -> str:
    """Return the warning that ``strict: false`` gives instead of an error."""
    return f"{error}. The kernel takes it, and strict is false, so it was taken as it is"


def check_values(desired: DesiredDestination, destination: Destination) -> None:
    """Refuse a destination with contradictory values, whatever its key and service.

    :param destination: the complete destination after the merge.
    :raises IpvsInputError: with the option's path.
    """
    lower, upper = destination.lower_threshold, destination.upper_threshold
    if lower > upper:
        path = at(desired.path, "lower_threshold")
        if upper:
            raise IpvsInputError(path, f"lower_threshold {lower} is above upper_threshold {upper}")
        raise IpvsInputError(path, f"lower_threshold {lower} needs an upper_threshold, and 0 is no limit: give upper_threshold too")
