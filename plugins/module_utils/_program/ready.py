# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``ready``: may this director have the virtual addresses? keepalived's unit requires it.

It may if each saved service is in the kernel with all its destinations. A weight or a threshold that somebody has changed by hand
is no reason to leave the addresses without a director, nor is a missing sync daemon.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Optional, cast

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import Content
from ansible_collections.lvs.director.plugins.module_utils._plan.service import plan_entry
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import say


def ready(*, refuse_fallback: bool) -> int:
    """Say that this director is ready, or fail with the reasons.

    :raises IpvsUnavailableError: it is not.
    """
    content = machine.saved()
    with machine.kernel(load=False) as kernel:
        table = {observed.entry.service.key: observed.entry for observed in kernel.read_table(counters=False)}
    reasons = missing(content, table, MachineStore().read_fallback() if refuse_fallback else ())
    if reasons:
        raise IpvsUnavailableError(
            f"This director is not ready for its virtual addresses: {'; '.join(reasons)}. Run the role lvs.director.ipvs_director, or "
            "'ipvs-director restore table', which says more, and then 'systemctl start keepalived'"
        )
    say(f"Ready: the kernel has all {len(content.services)} saved services.")
    return 0


def missing(content: Content, table: Mapping[ServiceKey, Entry], fallback: Collection[str]) -> list[str]:
    """Return what the kernel lacks of what is saved.

    :param fallback: services that were restored with another scheduler, if that counts.
    """
    found = [f"saved {problem}" for problem in content.problems]
    for service in content.services:
        wanted, present = cast(Entry, plan_entry(None, service)), table.get(service.key)
        reason = _reason(wanted, present)
        if reason is None and str(service.key) in fallback and present and present.service.scheduler != wanted.service.scheduler:
            reason = f"it has scheduler {present.service.scheduler} instead of {wanted.service.scheduler}"
        if reason:
            found.append(f"service {service.key}: {reason}")
    return found


def _reason(wanted: Entry, present: Optional[Entry]) -> Optional[str]:
    if present is None:
        return "it is missing"
    absent = [str(each.key) for each in wanted.destinations if present.destination(each.key) is None]
    return f"its destinations {', '.join(absent)} are missing" if absent else None
