# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Plan connection timeouts and sync daemons: which to set, stop and start.

The kernel fills in missing values of a sync daemon and adjusts an unsuitable length. The plan fills in the same values and sends
the complete daemon, which makes the prediction exact. It refuses a length that the kernel would adjust.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Optional, Union

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import SetTimeouts, StartSyncDaemon, StopSyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import address_family

# IP and UDP headers, in bytes
_HEADERS = {"ipv4": 28, "ipv6": 48}
_LARGEST_PACKET = 65535
_ETHERNET_MTU = 1500
# The minimum length of a backup's buffer.
_LEAST_LENGTH = {"master": 1, "backup": 1024}


class PlannedTimeouts(NamedTuple):
    """Planned changes of the timeouts."""

    before: Timeouts
    after: Timeouts
    steps: tuple[SetTimeouts, ...]

    @property
    def changed(self) -> bool:
        """Whether the plan changes anything."""
        return bool(self.steps)


def plan_timeouts(current: Timeouts, given: Mapping[str, int]) -> PlannedTimeouts:
    """Plan the timeouts.

    :param given: seconds by field of ``Timeouts``; missing ones stay unchanged.
    """
    after = current._replace(**given)
    # Send only the changes: another program may be changing the rest.
    new = Timeouts(*(wanted if wanted != present else 0 for wanted, present in zip(after, current)))
    return PlannedTimeouts(current, after, (SetTimeouts(new),) if any(new) else ())


class PlannedSyncDaemon(NamedTuple):
    """Planned changes of one of the two sync daemons."""

    state: str
    before: Optional[SyncDaemon]
    after: Optional[SyncDaemon]
    steps: tuple[Union[StartSyncDaemon, StopSyncDaemon], ...]

    @property
    def changed(self) -> bool:
        """Whether the plan changes anything."""
        return bool(self.steps)


def plan_sync_daemon(current: Optional[SyncDaemon], desired: DesiredSyncDaemon, mtu: Optional[int]) -> PlannedSyncDaemon:
    """Plan a sync daemon.

    :param current: the running daemon of that state, if any.
    :param mtu: of the requested interface, None if it does not exist.
    :raises IpvsInputError: the requested state is impossible.
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
    """Return the steps from one daemon, or none, to another. The kernel cannot change a running one."""
    steps: list[Union[StartSyncDaemon, StopSyncDaemon]] = []
    if before != after:
        if before is not None:
            steps.append(StopSyncDaemon(state))
        if after is not None:
            steps.append(StartSyncDaemon(after))
    return PlannedSyncDaemon(state, before, after, tuple(steps))


def default_length(state: str, group: bytes, mtu: int) -> int:
    """Return the kernel's default for the largest sync message, in bytes.

    A master fills an Ethernet frame, whatever its interface; a backup accepts as much as its interface does.
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
    """Refuse a daemon whose length the kernel would adjust."""
    family = address_family(daemon.group)
    least, most = _LEAST_LENGTH[daemon.state], _LARGEST_PACKET - _HEADERS[family]
    if not least <= daemon.maximum_length <= most:
        words = {"ipv4": "IPv4", "ipv6": "IPv6"}
        raise IpvsInputError(
            "maximum_length",
            f"{daemon.maximum_length} is not in the range {least} to {most} bytes that the kernel gives a {daemon.state} "
            f"with an {words[family]} group",
        )
