# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Metrics of a director among others: its virtual addresses, sync daemons, and what the resync agent has seen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_text import Metric
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Report

_STATES = ("master", "backup")


def address_metrics(addresses: Sequence[str], here: Collection[str], limit: int) -> Iterable[Metric]:
    """Return which virtual addresses are this machine's."""
    about = "Whether the virtual address is on this director."
    yield Metric("address_local", about, (({"local_address": address}, address in here) for address in addresses[:limit]))


def daemon_metrics(running: Sequence[SyncDaemon], saved: Collection[str]) -> Iterable[Metric]:
    """Return metrics of the kernel's sync daemons.

    :param saved: states of the daemons that are started at boot.
    """
    states = {daemon.state for daemon in running}
    yield Metric("sync_daemon_running", "Whether the kernel's sync daemon runs.", (({"state": each}, each in states) for each in _STATES))
    about = "Whether the sync daemon is started at boot."
    yield Metric("sync_daemon_saved", about, (({"state": each}, each in saved) for each in _STATES))
    names = [{"state": daemon.state, "interface": daemon.interface, "sync_id": str(daemon.sync_id)} for daemon in running]
    yield Metric("sync_daemon_info", "A running sync daemon.", ((name, 1) for name in names))


def resync_metrics(reports: Sequence[tuple[Report, int]]) -> Iterable[Metric]:
    """Return metrics of the last comparison with each other director, in both directions.

    With ``missing="here"``, that director told of its connections; with ``missing="there"``, this one told of its own, and got a receipt.
    """
    names = [{"director": report.source, "missing": "there" if report.ours else "here"} for report, _seconds in reports]
    for name, about, values in (
        ("timestamp_seconds", "When the connections were last compared.", [seconds for _report, seconds in reports]),
        ("told_connections", "Connections that were compared.", [report.told for report, _seconds in reports]),
        ("missing_connections", "Connections that were missing, and were added.", [report.missing for report, _seconds in reports]),
        ("ended_connections", "Connections that were stale, and were ended.", [report.ended for report, _seconds in reports]),
        ("shared_addresses", "Virtual addresses that both directors have.", [len(report.shared) for report, _seconds in reports]),
    ):
        yield Metric(f"resync_{name}", about, zip(names, values))
