# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Health checks as a task declares them: what is checked, and what a failure may do to the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey

# Types of checks, in the order of the documentation.
TYPES = ("tcp", "http", "https", "smtp", "dns", "udp", "ping", "command")


class Check(NamedTuple):
    """One check. ``options`` has those that were given, by name; a list is a tuple."""

    type: str
    options: tuple[tuple[str, Any], ...] = ()

    def option(self, name: str, default: Any = None) -> Any:
        """Return the value of an option, or the default if it was not given."""
        return dict(self.options).get(name, default)


class HealthRules(NamedTuple):
    """The checks of one service, and their consequences.

    They apply to every destination that the service has, whoever added it.
    """

    key: ServiceKey
    checks: tuple[Check, ...]  # of each destination that has none of its own
    destinations: Mapping[DestinationKey, tuple[Check, ...]] = {}  # a list of its own; empty: never checked, so never held
    sorry: frozenset[DestinationKey] = frozenset()  # they get traffic only while no other is available
    min_available: int = 1  # destinations, or percent of them
    min_available_percent: bool = False
    recover_after: float = 8.0  # seconds
    slow_start: float = 0.0  # seconds until one that comes back has its whole weight

    def checks_of(self, key: DestinationKey) -> tuple[Check, ...]:
        """Return the checks of a destination. A sorry server has only those of its own."""
        own = self.destinations.get(key)
        if own is not None:
            return own
        return () if key in self.sorry else self.checks


class Health(NamedTuple):
    """All that is declared. Times are in seconds."""

    rules: tuple[HealthRules, ...]
    interval: float = 3.0
    timeout: float = 2.0
    retries: int = 1
    retry_pause: float = 1.0


def slowest(interval: float, timeout: float, retries: int, retry_pause: float) -> float:
    """Return the seconds after which a failure is noticed at the latest."""
    return interval + (retries + 1) * timeout + retries * retry_pause
