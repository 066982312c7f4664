# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What a run that changes the table makes of what is restored at boot."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.lvs.director.plugins.module_utils._kernel.client import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredService, DesiredTable
from ansible_collections.lvs.director.plugins.module_utils._model.table import ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._options.entries import new_entry
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Change, Saved, from_text, options_of, plan_saved_services
from ansible_collections.lvs.director.plugins.module_utils._persist.planned import PlannedSave
from ansible_collections.lvs.director.plugins.module_utils._plan.planned_service import PlannedService
from ansible_collections.lvs.director.plugins.module_utils._plan.service import plan_entry
from ansible_collections.lvs.director.plugins.module_utils._plan.table import PlannedTable


def plan_save(kernel: IpvsKernel, text: str, desired: DesiredTable, plan: PlannedTable) -> PlannedSave:
    """Return what has to happen to what is restored at boot, so that it is what the plan makes of the kernel.

    :param text: what is saved.
    :raises IpvsError: it cannot be read.
    """
    saved = from_text(text)
    replaced = kernel.read_fallback()
    wanted = {one.key: one for one in desired.services}

    def purged(key: ServiceKey) -> bool:
        return any(part.covers(key) for part in desired.scope)

    changes = (_change(one, wanted, saved if str(one.key) in replaced else None) for one in plan.services)
    return plan_saved_services(saved, changes, purged if desired.purge else None)


def _change(planned: PlannedService, wanted: Mapping[ServiceKey, DesiredService], saved: Saved | None) -> Change:
    """Return what to save of a service.

    :param saved: given if the service has another scheduler, and other weights, because its own is missing. These are not
        what it shall have after the next boot: what the task asks for is laid over what was saved.
    """
    one = wanted.get(planned.key)
    options = options_of(saved, planned.key) if saved and one and planned.after else None
    after = plan_entry(new_entry(options), one) if options and one else planned.after
    # A task about a destination changes the service of whoever has set it, and does not make it one of ours.
    return Change(planned.key, planned.before, after, adopt=one is None or not one.must_exist)
