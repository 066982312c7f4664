# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The service under experiment: some real servers behind one address, each with its thresholds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Destination:
    """A real server."""

    address: str
    port: int
    weight: int
    upper_threshold: int
    lower_threshold: int

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Service:
    """A virtual service."""

    address: str
    port: int
    scheduler: str
    # First = tried first, as everywhere in this collection.
    destinations: tuple[Destination, ...]

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"
