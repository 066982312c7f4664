# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The timeouts of connections, and a sync daemon: what has to be set, stopped and started.

The kernel fills in the values that a sync daemon is not given, and changes a length that does not suit it. Here the same values are
filled in first, and the whole daemon is sent: the prediction is exact. A length that the kernel would change is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Optional, Union

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import SetTimeouts, StartSyncDaemon, StopSyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import address_family

# The headers of IP and UDP, in bytes
_HEADERS = {"ipv4": 28, "ipv6": 48}
_LARGEST_PACKET = 65535
_ETHERNET_MTU = 1500
# A backup has a buffer of this length at least.
_LEAST_LENGTH = {"master": 1, "backup": 1024}


class PlannedTimeouts(NamedTuple):
    """What is going to happen to the timeouts."""

    before: Timeouts
    after: Timeouts
    steps: tuple[SetTimeouts, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.steps)


def plan_timeouts(current: Timeouts, given: Mapping[str, int]) -> PlannedTimeouts:
    """Return what has to happen to the timeouts.

    :param given: seconds by the fields of ``Timeouts``; a missing one stays as it is.
    """
    after = current._replace(**given)
    # Only the changes are sent: something else may change the rest at the same time.
    new = Timeouts(*(wanted if wanted != present else 0 for wanted, present in zip(after, current)))
    return PlannedTimeouts(current, after, (SetTimeouts(new),) if any(new) else ())


class PlannedSyncDaemon(NamedTuple):
    """What is going to happen to one of the two sync daemons."""

    state: str
    before: Optional[SyncDaemon]
    after: Optional[SyncDaemon]
    steps: tuple[Union[StartSyncDaemon, StopSyncDaemon], ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.steps)


def plan_sync_daemon(current: Optional[SyncDaemon], desired: DesiredSyncDaemon, mtu: Optional[int]) -> PlannedSyncDaemon:
    """Return what has to happen to a sync daemon.

    :param current: the daemon of that state that is running, if one is.
    :param mtu: of the interface that is asked for, None if there is none of that name.
    :raises IpvsInputError: it cannot become what is asked for.
    """
    if not desired.present:
        return change(desired.state, current, None)
    after = None if current is None else current._replace(**desired.given)
    if after is not None and after == current:
        return change(desired.state, current, current)
    if mtu is None:
        raise IpvsInputError("interface", f"there is no interface {desired.given['interface']}")
    if after is None:
        after = _with_defaults(desired, mtu)
    _check_length(after)
    return change(desired.state, current, after)


def change(state: str, before: Optional[SyncDaemon], after: Optional[SyncDaemon]) -> PlannedSyncDaemon:
    """Return the steps from one daemon, or none, to another one. The kernel cannot change one that is running."""
    steps: list[Union[StartSyncDaemon, StopSyncDaemon]] = []
    if before != after:
        if before is not None:
            steps.append(StopSyncDaemon(state))
        if after is not None:
            steps.append(StartSyncDaemon(after))
    return PlannedSyncDaemon(state, before, after, tuple(steps))


def default_length(state: str, group: bytes, mtu: int) -> int:
    """Return the largest sync message, in bytes, that the kernel gives a daemon by itself.

    A master fills an Ethernet frame, whatever its interface is; a backup is ready for what its interface can take.
    """
    packet = min(max(mtu, _ETHERNET_MTU), _LARGEST_PACKET) if state == "backup" else _ETHERNET_MTU
    return packet - _HEADERS[address_family(group)]


def _with_defaults(desired: DesiredSyncDaemon, mtu: int) -> SyncDaemon:
    group = desired.given.get("group", uapi.IP_VS_SYNC_GROUP)
    daemon = SyncDaemon(
        state=desired.state,
        interface=desired.given["interface"],
        sync_id=0,
        maximum_length=default_length(desired.state, group, mtu),
        group=group,
        port=uapi.IP_VS_SYNC_PORT,
        ttl=uapi.IP_VS_SYNC_TTL,
    )
    return daemon._replace(**desired.given)


def _check_length(daemon: SyncDaemon) -> None:
    """Refuse a daemon that the kernel would start with another length."""
    family = address_family(daemon.group)
    least, most = _LEAST_LENGTH[daemon.state], _LARGEST_PACKET - _HEADERS[family]
    if not least <= daemon.maximum_length <= most:
        words = {"ipv4": "IPv4", "ipv6": "IPv6"}
        raise IpvsInputError(
            "maximum_length",
            f"{daemon.maximum_length} is not in the range {least} to {most} bytes that the kernel gives a {daemon.state} "
            f"with an {words[family]} group",
        )
