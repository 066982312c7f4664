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
from ansible_collections.lvs.director.plugins.module_utils._model.table import format_address
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
from ansible_collections.lvs.director.plugins.module_utils._program.show import differences_of, served
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
    content = reading.part("saved", _saved)
    found = reading.part("kernel", partial(_from_kernel, content, limit))
    schedulers = {service.given["scheduler"] for service in content.services if "scheduler" in service.given} if content else set()
    schedulers |= found.schedulers if found else set()
    of_schedulers = reading.part("schedulers", lambda: list(scheduler_metrics(schedulers)))
    parts = [
        *own_metrics(reading.parts),
        *(found.metrics if found else ()),
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


class _FromKernel(NamedTuple):
    """The metrics for which the kernel is needed, and the schedulers that its services have."""

    metrics: list[Metric]
    schedulers: set[str]


def _saved() -> Optional[Content]:
    return None if MachineStore().read_table() is None else machine.saved()


def _from_kernel(content: Optional[Content], limit: int) -> _FromKernel:
    store = MachineStore()
    with machine.kernel(load=False) as kernel:
        table = sorted(kernel.read_table(), key=lambda observed: observed.entry.service.key.order)
        entries = {observed.entry.service.key: observed.entry for observed in table}
        differences = None if content is None else differences_of(kernel, content, entries)
        daemons = kernel.read_sync_daemons()
    addresses = list(dict.fromkeys(key.address for key in entries if key.address))
    fallback = in_fallback((entry.service for entry in entries.values()), store.read_fallback(), store.read_table())
    found = [
        *table_metrics(table, limit),
        *saved_metrics(differences),
        *fallback_metrics(fallback, limit),
        *address_metrics([format_address(address) for address in addresses], served(addresses), limit),
        *daemon_metrics(daemons, {daemon.state for daemon in content.sync_daemons} if content else ()),
    ]
    return _FromKernel(found, {entry.service.scheduler for entry in entries.values()})
