# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The connections that were sent: a Bloom filter, whose size does not depend on their number.

It may confuse two connections, and so keep a stale entry for another round. Each filter has its own salt, so the next round
distinguishes them. It never misses an added connection.
"""

from __future__ import annotations

import os
from hashlib import blake2b

# 2 MiB: the false positive rate is one in five hundred with a million connections, one in three million with a hundred thousand.
_BITS = 1 << 24
_HASHES = 4


class Told:
    """A set of connections by key."""

    def __init__(self) -> None:
        self._bits = bytearray(_BITS >> 3)
        self._salt = os.urandom(8)

    def add(self, key: bytes) -> None:
        """Add a connection."""
        bits = self._bits
        for place in self._places(key):
            bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, key: bytes) -> bool:
        bits = self._bits
        return all(bits[place >> 3] >> (place & 7) & 1 for place in self._places(key))

    def _places(self, key: bytes) -> list[int]:
        digest = blake2b(key, digest_size=4 * _HASHES, salt=self._salt).digest()
        return [int.from_bytes(digest[start : start + 4], "big") % _BITS for start in range(0, 4 * _HASHES, 4)]
