# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``resync``: bring this director's connections in step with those of the directors that serve the addresses."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import closing

from ansible_collections.lvs.director.plugins.module_utils._kernel.connections import CONNECTIONS, listing
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import DIFFERENT, say
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Agent, Report
from ansible_collections.lvs.director.plugins.module_utils._sync.group import MulticastGroup
from ansible_collections.lvs.director.plugins.module_utils._sync.routing import Routing


def resync(timeout: float, *, as_json: bool) -> int:
    """Ask the other directors for their connections, and return once this one has them, or is known to lack some.

    :raises IpvsUnavailableError: no backup daemon runs here, or no other director has answered.
    """
    with _agent() as agent:
        report = agent.resync(timeout)
    if report is None:
        raise IpvsUnavailableError(
            f"No other director has told of its connections within {timeout:g} seconds. Does ipvs-director resync --watch run on the one "
            "that serves the addresses, with the same sync_id and group?"
        )
    say(json.dumps(report._asdict()) if as_json else _text(report))
    return DIFFERENT if report.missing else 0


def watch(interval: float) -> int:
    """Tell other directors of this one's connections, every ``interval`` seconds and when one asks, and hear them, until ended.

    :raises IpvsUnavailableError: no backup daemon runs here.
    """
    with _agent() as agent:
        agent.run(interval)
    return 0


@contextlib.contextmanager
def _agent() -> Iterator[Agent]:
    with machine.kernel() as kernel:
        daemons = [daemon for daemon in kernel.read_sync_daemons() if daemon.state == "backup"]
        if not daemons:
            raise IpvsUnavailableError(
                "No backup sync daemon runs on this director, so its kernel takes no connections from others. Start one with "
                "lvs.director.ipvs_sync_daemon"
            )
        with closing(MulticastGroup(daemons[0])) as group, closing(Routing()) as routing:
            yield Agent(kernel, daemons[0], group, routing.is_local, lambda: listing(CONNECTIONS), say)


def _text(report: Report) -> str:
    return f"{report.source} told of {report.told} connections: {report.missing} missing here, {report.ended} ended as stale"
