# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What a task asks for that is not about services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class DesiredSyncDaemon(NamedTuple):
    """A sync daemon to be running, or not to be. ``given`` has fields of ``SyncDaemon``."""

    state: str
    given: Mapping[str, Any]
    present: bool = True
