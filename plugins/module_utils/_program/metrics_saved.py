# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Metrics of what is restored at boot: how the kernel differs from it, the fallback scheduler, and when a task last ran. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.table import Service
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_labels import service_labels
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_text import Metric, single
from ansible_collections.lvs.director.plugins.module_utils._program.show import Difference


def saved_metrics(found: Optional[Sequence[Difference]]) -> Iterable[Metric]:
    """Return metrics of the differences between the kernel and what is saved; None if nothing is saved."""
    yield single("saved", "Whether this director has a saved table.", found is not None)
    if found is not None:
        about = "Parts of the saved table that the kernel lacks, or has otherwise."
        yield single("differences", about, sum(difference.saved for difference in found))
        about = "Parts of the kernel's table that are not saved, and so not restored at boot."
        yield single("unsaved", about, sum(not difference.saved for difference in found))


def fallback_metrics(found: Sequence[tuple[Service, str]], limit: int) -> Iterable[Metric]:
    """Return metrics of services that run with the fallback scheduler, each with its own scheduler's name."""
    yield single("services_fallback", "Virtual services that run with the fallback scheduler.", len(found))
    names = [{**service_labels(service.key), "scheduler": service.scheduler, "own": own} for service, own in found[:limit]]
    about = "A virtual service that runs with the fallback scheduler, because its own was missing."
    yield Metric("service_fallback_info", about, ((name, 1) for name in names))


def run_metrics(times: Mapping[str, float]) -> Iterable[Metric]:
    """Return when a task of each module last ran to its end."""
    about = "When a task of the module last succeeded on this director, whether or not it had to change anything."
    yield Metric("last_run_timestamp_seconds", about, (({"module": module}, int(times[module])) for module in sorted(times)))
