# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Apply steps with quiescent destinations: the kernel gets less weight, or none, and the file what they are to have.

A kill between the two changes must lose no weight: marks come before the kernel's change, and go after it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    DeleteDestination,
    DeleteService,
    EditDestination,
    Refusal,
    Step,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist import quiescent
from ansible_collections.lvs.director.plugins.module_utils._persist.quiescent import Held, Mark, Marks

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel


def apply(kernel: IpvsKernel, steps: Sequence[Step]) -> Optional[Refusal]:
    """Apply the steps, and keep the marks of destinations.

    :raises IpvsUnavailableError: the file cannot be read or written.
    """
    before = quiescent.read()
    after = _after(before, steps)
    meanwhile = _both(before, after)
    if meanwhile != before:
        quiescent.write(meanwhile)
    refusal = kernel.apply([_for_kernel(step) for step in steps])
    if refusal is None and after != meanwhile:
        quiescent.write(after)
    return refusal


def _both(before: Marks, after: Marks) -> Marks:
    """Return the marks of before and after; those of after count."""
    services = {**before.destinations, **after.destinations}
    return Marks(
        {name: {**before.destinations.get(name, {}), **after.destinations.get(name, {})} for name in services},
        before.removed,
    )


def _for_kernel(step: Step) -> Step:
    """Return a step with the values that the kernel is to have."""
    if isinstance(step, (AddDestination, EditDestination)) and step.destination.marked:
        weight = step.destination.effective_weight
        return step._replace(destination=step.destination._replace(weight=weight, drained=False, held=False, share=100))
    return step


def _after(marks: Marks, steps: Sequence[Step]) -> Marks:
    """Return the marks after the steps."""
    before = marks
    for step in steps:
        if isinstance(step, DeleteService):
            marks = marks.without_service(step.key)
        elif isinstance(step, DeleteDestination):
            marks = marks.with_mark(step.service, step.key, None)
        elif isinstance(step, (AddDestination, EditDestination)):
            mark = _mark(before, step.service, step.destination)
            marks = marks.with_mark(step.service, step.destination.key, mark).with_removed(step.service, step.destination.key, None)
    return marks


def _mark(before: Marks, service: ServiceKey, destination: Destination) -> Optional[Mark]:
    if not destination.marked:
        return None
    # A destination that moves is deleted and added, and goes on being held.
    earlier = before.mark(service, destination.key)
    held = (earlier.held if earlier else None) or Held(time.time(), "")
    since = (earlier.since if earlier else None) or time.time()
    return Mark(
        destination.weight,
        destination.drained,
        held if destination.held else None,
        destination.share,
        since if destination.share != 100 else None,
    )
