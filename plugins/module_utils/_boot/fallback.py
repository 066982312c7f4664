# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Warnings about services that run with the fallback scheduler."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.format import from_text, options_of

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._model.table import Service
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store


def fallback_warnings(kernel: IpvsKernel, store: Store) -> list[str]:
    """Return a warning for each service that was restored with the fallback scheduler and still has it."""
    names = store.read_fallback()
    try:
        services = [observed.entry.service for observed in kernel.read_table(counters=False)]
        found = in_fallback(services, names, store.read_table())
    except IpvsUnavailableError:
        # A missing or damaged file is reported by the code that needs it.
        return []
    return [
        f'Service {service.key} has scheduler "{service.scheduler}", and weights that fall in the order of its destinations, because its '
        f'own, "{own}", was missing when the table was restored. The role lvs.director.ipvs_director gives it its own '
        "again, or says why that cannot be built"
        for service, own in found
    ]


def in_fallback(services: Iterable[Service], names: Collection[str], saved: Optional[str]) -> list[tuple[Service, str]]:
    """Return the services that were restored with the fallback scheduler and still have it, each with its own scheduler.

    :param names: services that were restored so.
    :param saved: the saved table.
    :raises IpvsUnavailableError: the saved table is damaged.
    """
    if not names:
        return []
    table = from_text(saved or "")
    found = [service for service in services if str(service.key) in names]
    own = [(options_of(table, service.key) or {}).get("scheduler", service.scheduler) for service in found]
    return [(service, scheduler) for service, scheduler in zip(found, own) if service.scheduler != scheduler]
