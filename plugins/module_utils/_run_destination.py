# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What ``ipvs_destination`` does: a change of one service that is about one destination."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._argspec import (
    desired_from_destination_module,
    destination_module_spec,
    drain_from_destination_module,
)
from ansible_collections.lvs.director.plugins.module_utils._desired import DesiredTable
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model import DestinationCounters, DestinationKey, Observed
from ansible_collections.lvs.director.plugins.module_utils._one_destination import bring_back
from ansible_collections.lvs.director.plugins.module_utils._report import change_result, only, service_result_or_none
from ansible_collections.lvs.director.plugins.module_utils._results import destination_result
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run


def run_destination() -> None:
    """Run the module."""
    run(destination_module_spec(), _act)


def _act(kernel: IpvsKernel, params: dict[str, Any], check_mode: bool) -> Result:
    desired = desired_from_destination_module(params)
    waited: Optional[Result] = None
    if params["state"] == "drained":
        # Not compiled for a task that does not drain.
        from ansible_collections.lvs.director.plugins.module_utils._drain import drain  # noqa: PLC0415 (compiled only where it is used)

        outcome, drained = drain(kernel, desired, drain_from_destination_module(params), check_mode=check_mode)
        waited = drained._asdict()
    else:
        outcome = bring_back(kernel, desired, check_mode=check_mode)
    observed = only(outcome)
    return {
        **change_result(outcome),
        "service": service_result_or_none(observed),
        "destination": _destination_result(observed, _named(desired)),
        "drain": waited,
    }


def _named(desired: DesiredTable) -> DestinationKey:
    return (desired.services[0].destinations or ())[0].key


def _destination_result(observed: Optional[Observed], key: DestinationKey) -> Optional[Result]:
    destination = observed.entry.destination(key) if observed else None
    if observed is None or destination is None:
        return None
    return destination_result(destination, observed.counters.get(key, DestinationCounters()))
