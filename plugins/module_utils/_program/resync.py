# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``resync``: bring this director's connections in step with those of the directors that serve the addresses."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._kernel.connections import CONNECTIONS, listing
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import DIFFERENT, say
from ansible_collections.lvs.director.plugins.module_utils._program.resync_state import Journal, text_of
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Agent, Report
from ansible_collections.lvs.director.plugins.module_utils._sync.group import MulticastGroup
from ansible_collections.lvs.director.plugins.module_utils._sync.routing import Routing

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel

_PORTS = "/proc/sys/net/ipv4/vs/sync_ports"
# Seconds between checks for a daemon that is missing or has lost its interface.
_RETRY = 5.0


class Daemons(NamedTuple):
    """The sync daemons of an agent, and the indices of their interfaces: a recreated one has another."""

    backup: SyncDaemon
    master: SyncDaemon
    interfaces: tuple[int, ...]
    ports: int


def resync(timeout: float, *, as_json: bool) -> int:
    """Ask the other directors for their connections, and return once this one has them, or after a timeout.

    :raises IpvsUnavailableError: no backup daemon runs here, or no other director has answered.
    """
    with machine.kernel() as kernel, agent(kernel, read_daemons(kernel), lambda report: None) as one:
        report = one.resync(timeout)
    if report is None:
        raise IpvsUnavailableError(
            f"No other director has told of its connections within {timeout:g} seconds. Does ipvs-director resync --watch run on the one "
            "that serves the addresses, with the same sync_id and group?"
        )
    say(json.dumps({name: value for name, value in report._asdict().items() if name != "ours"}) if as_json else text_of(report))
    return DIFFERENT if report.missing else 0


def watch(interval: float) -> int:
    """Exchange connections with other directors, every ``interval`` seconds and when one asks, until stopped.

    Waits for a backup daemon, and starts again when the daemons or their interfaces change.
    """
    problem = ""
    while True:
        try:
            with machine.kernel() as kernel:
                daemons = read_daemons(kernel)
                with agent(kernel, daemons, Journal()) as one:
                    say(f"In step with the group of {daemons.backup.interface}, sync ID {daemons.backup.sync_id}")
                    problem = ""
                    one.run(interval, partial(_same, kernel, daemons))
        except IpvsError as exc:
            if str(exc) != problem:
                problem = str(exc)
                say(f"{problem}. Trying again every {_RETRY:g} seconds")
            time.sleep(_RETRY)


def read_daemons(kernel: IpvsKernel) -> Daemons:
    """Return this director's daemons.

    :raises IpvsUnavailableError: no backup daemon runs here, or its interface is gone.
    """
    running = {daemon.state: daemon for daemon in kernel.read_sync_daemons()}
    backup = running.get("backup")
    if backup is None:
        raise IpvsUnavailableError(
            "No backup sync daemon runs on this director, so its kernel takes no connections from others. Start one with "
            "lvs.director.ipvs_sync_daemon"
        )
    master = running.get("master", backup)
    try:
        interfaces = tuple(socket.if_nametoindex(daemon.interface) for daemon in (backup, master))
    except OSError as exc:
        raise IpvsUnavailableError(
            f"The interface of a sync daemon is gone, {backup.interface} or {master.interface}: no connection is told or taken"
        ) from exc
    return Daemons(backup, master, interfaces, _ports())


@contextlib.contextmanager
def agent(kernel: IpvsKernel, daemons: Daemons, report: Callable[[Report], None]) -> Iterator[Agent]:
    """Open an agent during the block."""
    with closing(MulticastGroup(daemons.backup, daemons.master, daemons.ports)) as group, closing(Routing()) as routing:
        yield Agent(
            kernel,
            daemons.backup,
            daemons.master,
            group,
            routing.is_local,
            lambda: listing(CONNECTIONS),
            report,
            partial(_has_link, daemons.backup.interface),
        )


def _has_link(interface: str) -> bool:
    try:
        with open(f"/sys/class/net/{interface}/carrier", encoding="ascii") as file:
            return file.read().strip() == "1"
    except OSError:
        # Down, or of another network namespace.
        return False


def _same(kernel: IpvsKernel, daemons: Daemons) -> bool:
    return read_daemons(kernel) == daemons


def _ports() -> int:
    try:
        with open(_PORTS, encoding="ascii") as file:
            return max(1, int(file.read()))
    except (OSError, ValueError):
        return 1
