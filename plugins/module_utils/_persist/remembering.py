# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""A kernel that remembers the weights of quiescent destinations: those that are drained, or held by a health check.

For all that reads or plans, such a destination has the weight that it is to have, and is marked as ``drained`` or ``held``. The kernel
has weight 0 for it, and ``quiescent`` the weight.

While nothing is quiescent, this costs the attempt to open a file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Optional, cast

from ansible_collections.lvs.director.plugins.module_utils._model.table import Observed, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist import files

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._model.steps import Refusal, Step
    from ansible_collections.lvs.director.plugins.module_utils._persist.quiescent import Marks


def remembering(kernel: IpvsKernel) -> IpvsKernel:
    """Return a kernel that remembers the weights of quiescent destinations in a file of this machine."""
    return cast("IpvsKernel", _Remembering(kernel))


class _Remembering:
    def __init__(self, kernel: IpvsKernel) -> None:
        self._kernel = kernel

    def __getattr__(self, name: str) -> Any:
        # Everything that has nothing to do with weights.
        return getattr(self._kernel, name)

    def read_service(self, key: ServiceKey, *, counters: bool = True) -> Optional[Observed]:
        observed = self._kernel.read_service(key, counters=counters)
        marks = _marks()
        return _marked(observed, marks) if observed and marks else observed

    def read_table(self, *, counters: bool = True, only: Optional[Collection[ServiceKey]] = None) -> Iterable[Observed]:
        table = self._kernel.read_table(counters=counters, only=only)
        marks = _marks()
        return _all_marked(table, marks) if marks else table

    def apply(self, steps: Sequence[Step]) -> Optional[Refusal]:
        if not files.has_quiescent() and not any(_is_quiescent(step) for step in steps):
            return self._kernel.apply(steps)
        from ansible_collections.lvs.director.plugins.module_utils._persist.quiescent_steps import apply  # noqa: PLC0415 (compiled only where it is used)

        return apply(self._kernel, steps)


def _marks() -> Optional[Marks]:
    if not files.has_quiescent():
        return None
    from ansible_collections.lvs.director.plugins.module_utils._persist.quiescent import read  # noqa: PLC0415 (compiled only where it is used)

    return read()


def _all_marked(table: Iterable[Observed], marks: Marks) -> Iterator[Observed]:
    for observed in table:
        yield _marked(observed, marks)


def _marked(observed: Observed, marks: Marks) -> Observed:
    key = observed.entry.service.key
    if str(key) not in marks.destinations:
        return observed
    destinations = []
    for each in observed.entry.destinations:
        mark = marks.mark(key, each.key)
        # Another weight was set by another program, and counts.
        applies = mark is not None and each.weight == mark.effective_weight
        destinations.append(each._replace(**mark.values()) if mark and applies else each)
    return observed._replace(entry=observed.entry._replace(destinations=tuple(destinations)))


def _is_quiescent(step: Step) -> bool:
    destination = getattr(step, "destination", None)
    return destination is not None and destination.marked
