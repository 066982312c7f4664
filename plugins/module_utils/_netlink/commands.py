# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Steps -> netlink commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    SetTimeouts,
    StartSyncDaemon,
    Step,
    StopSyncDaemon,
    ZeroCounters,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._netlink import build as wire
from ansible_collections.lvs.director.plugins.module_utils._netlink import settings
from ansible_collections.lvs.director.plugins.module_utils._netlink.parse import pack_command

# The command's number and its attributes.
Command = tuple[int, bytes]


def commands(steps: Iterable[Step]) -> Iterator[Command]:
    """Yield the command of each step."""
    named: Optional[ServiceKey] = None
    service = b""
    pack_destination = wire.destination_packer()
    for step in steps:
        if isinstance(step, AddDestination):
            # Most steps of a large plan. Those of one service come one after the other.
            key, destination = step
            if key is not named:
                named, service = key, pack_command(key)
            yield uapi.IPVS_CMD_NEW_DEST, service + pack_destination(destination)
        else:
            yield _command(step)


def _command(step: Step) -> Command:
    if isinstance(step, EditDestination):
        return uapi.IPVS_CMD_SET_DEST, pack_command(step.service) + wire.pack_destination(step.destination)
    if isinstance(step, DeleteDestination):
        return uapi.IPVS_CMD_DEL_DEST, pack_command(step.service) + wire.pack_destination_key(step.key)
    if isinstance(step, AddService):
        return uapi.IPVS_CMD_NEW_SERVICE, wire.pack_service_command(step.service)
    if isinstance(step, EditService):
        return uapi.IPVS_CMD_SET_SERVICE, wire.pack_service_command(step.service)
    if isinstance(step, DeleteService):
        return uapi.IPVS_CMD_DEL_SERVICE, pack_command(step.key)
    if isinstance(step, SetTimeouts):
        return uapi.IPVS_CMD_SET_CONFIG, settings.pack_timeouts(step.timeouts)
    if isinstance(step, StartSyncDaemon):
        return uapi.IPVS_CMD_NEW_DAEMON, settings.pack_sync_daemon(step.daemon)
    if isinstance(step, StopSyncDaemon):
        return uapi.IPVS_CMD_DEL_DAEMON, settings.pack_sync_daemon_state(step.state)
    if isinstance(step, ZeroCounters):
        return uapi.IPVS_CMD_ZERO, pack_command(step.key)
    raise TypeError(step)
