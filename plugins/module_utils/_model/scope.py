# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The parts of the table that a task's scope consists of."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.table import ServiceKey


class ScopePart(NamedTuple):
    """A part of the table: services by address range, protocol, or range of firewall marks."""

    path: str
    first_address: bytes = b""  # b"": of any address, but no firewall marks
    last_address: bytes = b""
    protocol: Optional[str] = None  # None: any
    first_fwmark: int = 0  # 0: no firewall marks
    last_fwmark: int = 0
    family: Optional[str] = None  # of firewall marks; None: both

    def covers(self, key: ServiceKey) -> bool:
        """Return whether a service is in this part."""
        if key.fwmark:
            return self.first_fwmark <= key.fwmark <= self.last_fwmark and self.family in (None, key.family)
        if self.first_fwmark or self.protocol not in (None, key.protocol):
            return False
        if not self.first_address:
            return True
        return len(self.first_address) == len(key.address) and self.first_address <= key.address <= self.last_address
