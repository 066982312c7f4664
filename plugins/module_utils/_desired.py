# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What a task asks for: names, and only those values that were given. Everything else stays as the kernel has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model import DestinationKey, ServiceKey


class DesiredDestination(NamedTuple):
    """A destination to be there, or not to be there. ``given`` has fields of ``Destination``."""

    path: str  # of the option in the task, for errors: destinations[1]
    key: DestinationKey
    given: Mapping[str, Any]
    present: bool = True


class DesiredService(NamedTuple):
    """A service to be there, or not to be there. ``given`` has fields of ``Service``."""

    path: str
    key: ServiceKey
    given: Mapping[str, Any]
    flag_words: tuple[str, ...] = ()  # the scheduler flags as they were written
    present: bool = True
    must_exist: bool = False  # the task is about destinations: it does not add the service
    destinations: Optional[tuple[DesiredDestination, ...]] = None  # in the order asked for; None: leave them alone
    exclusive: bool = False  # remove the destinations that are not listed


def at(path: str, option: str) -> str:
    """Return the path of an option inside another one."""
    return f"{path}.{option}" if path else option
