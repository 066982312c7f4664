# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Which connections were told of: a Bloom filter, whose size does not depend on how many there are.

It may take one connection for another and so keep a stale entry for a round longer. Each filter has a salt of its own, so the
next round tells them apart. It never forgets what was added.
"""

from __future__ import annotations

import os
from hashlib import blake2b

# 2 MiB: with a million connections one in five hundred is mistaken, with a hundred thousand one in three million.
_BITS = 1 << 24
_HASHES = 4


class Told:
    """A set of connections by their key."""

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
