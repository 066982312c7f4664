# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``metrics``: what the node exporter's own ``ipvs`` collector does not have, in the Prometheus text format.

Each part is read on its own: where one cannot be read, the others are written, and ``ipvs_director_read_success`` names it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple, Optional, TypeVar

from ansible_collections.lvs.director.plugins.module_utils._boot.fallback import in_fallback
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import Observed, Service, format_address
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore, replacement
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import Content
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_saved import fallback_metrics, run_metrics, saved_metrics
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_schedulers import scheduler_metrics
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_sync import address_metrics, daemon_metrics, resync_metrics
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_table import table_metrics
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_text import Metric, render
from ansible_collections.lvs.director.plugins.module_utils._program.output import FAILED, say_failed
from ansible_collections.lvs.director.plugins.module_utils._program.resync_state import last_reports
from ansible_collections.lvs.director.plugins.module_utils._program.show import Difference, differences_of, served
from ansible_collections.lvs.director.plugins.module_utils._program.version import VERSION

_T = TypeVar("_T")
_PUBLIC = 0o644  # the exporter does not run as root


def metrics(output: str, limit: int) -> int:
    """Print the metrics, or replace the file ``output`` by them, and return the exit status.

    :raises IpvsUnavailableError: the file cannot be written.
    """
    text, reasons = collect(limit)
    if output:
        try:
            with replacement(output, text, _PUBLIC):
                pass
        except OSError as exc:
            raise IpvsUnavailableError(f"Cannot write the metrics to {output}: {exc.strerror}") from exc
    else:
        sys.stdout.write(text)
    for reason in reasons:
        say_failed(reason)
    return FAILED if reasons else 0


def collect(limit: int) -> tuple[str, list[str]]:
    """Return the text, and why parts of it are missing."""
    reading = _Reading()
    found = reading.part("kernel", partial(_from_kernel, reading))
    content = found.content if found else reading.part("saved", _saved)
    schedulers = {service.given["scheduler"] for service in content.services if "scheduler" in service.given} if content else set()
    schedulers |= {observed.entry.service.scheduler for observed in found.table} if found else set()
    of_schedulers = reading.part("schedulers", lambda: list(scheduler_metrics(schedulers)))
    comparable = found if found and not reading.parts["saved"] else None
    parts = [
        *own_metrics(reading.parts),
        *(_of_kernel(found, limit) if found else ()),
        *(saved_metrics(comparable.differences) if comparable else ()),
        *(fallback_metrics(found.fallback, limit) if found and found.fallback is not None else ()),
        *(of_schedulers or ()),
        *resync_metrics(last_reports()),
        *run_metrics(MachineStore().read_runs()),
    ]
    return render(parts), [reason for reason in reading.parts.values() if reason]


def own_metrics(parts: Mapping[str, str]) -> Iterable[Metric]:
    """Return the metrics of this program.

    :param parts: what was read, with the reason if it could not be.
    """
    yield Metric("info", "The version of this program.", [({"version": VERSION}, 1)])
    yield Metric("read_success", "Whether this part could be read.", (({"part": name}, not parts[name]) for name in parts))


class _Reading:
    """Reads part after part; ``parts`` has the reasons of those that cannot be read, and empty ones of the others."""

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}

    def part(self, name: str, read: Callable[[], _T]) -> Optional[_T]:
        self.parts[name] = ""
        try:
            return read()
        except IpvsError as exc:
            self.parts[name] = str(exc)
            return None


class _Kernel(NamedTuple):
    """What the kernel has and what is saved, and how they differ; None for what is not saved or cannot be read."""

    table: list[Observed]
    daemons: list[SyncDaemon]
    content: Optional[Content]
    differences: Optional[list[Difference]]
    fallback: Optional[list[tuple[Service, str]]]


def _saved() -> Optional[Content]:
    return None if MachineStore().read_table() is None else machine.saved()


def _from_kernel(reading: _Reading) -> _Kernel:
    # Locked, or a run in between would look like a difference.
    with machine.kernel(load=False) as kernel, kernel.lock(exclusive=False):
        table = sorted(kernel.read_table(), key=lambda observed: observed.entry.service.key.order)
        entries = {observed.entry.service.key: observed.entry for observed in table}
        content = reading.part("saved", _saved)
        differences = None if content is None else differences_of(kernel, content, entries)
        fallback = None if reading.parts["saved"] else reading.part("fallback", partial(_in_fallback, table))
        return _Kernel(table, list(kernel.read_sync_daemons()), content, differences, fallback)


def _of_kernel(found: _Kernel, limit: int) -> Iterable[Metric]:
    addresses = list(dict.fromkeys(observed.entry.service.key.address for observed in found.table if observed.entry.service.key.address))
    yield from table_metrics(found.table, limit)
    yield from address_metrics([format_address(address) for address in addresses], served(addresses), limit)
    yield from daemon_metrics(found.daemons, {daemon.state for daemon in found.content.sync_daemons} if found.content else ())


def _in_fallback(table: Iterable[Observed]) -> list[tuple[Service, str]]:
    store = MachineStore()
    return in_fallback((observed.entry.service for observed in table), store.read_fallback(), store.read_table())
