# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Warnings about services that run with the fallback scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.format import from_text, options_of

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store


def fallback_warnings(kernel: IpvsKernel, store: Store) -> list[str]:
    """Return a warning for each service that was restored with the fallback scheduler and still has it."""
    names = store.read_fallback()
    try:
        saved = from_text(store.read_table() or "")
        found = [observed.entry.service for observed in kernel.read_table(counters=False) if str(observed.entry.service.key) in names]
        own = {service.key: (options_of(saved, service.key) or {}).get("scheduler", service.scheduler) for service in found}
    except IpvsUnavailableError:
        # A missing or damaged file is reported by the code that needs it.
        return []
    return [
        f'Service {service.key} has scheduler "{service.scheduler}", and weights that fall in the order of its destinations, because its '
        f'own, "{own[service.key]}", was missing when the table was restored. The role lvs.director.ipvs_director gives it its own '
        "again, or says why that cannot be built"
        for service in found
        if service.scheduler != own[service.key]
    ]
