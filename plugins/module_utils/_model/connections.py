# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Connections, and filters for them."""

from __future__ import annotations

from typing import NamedTuple, Optional


class Connection(NamedTuple):
    """A connection, or the template that binds a persistent client to a destination."""

    protocol: Optional[str]  # None for the template of a firewall mark
    client_address: bytes  # of a template: the network, as masked by the service's persistence netmask
    client_port: int
    address: bytes  # b"" for the template of a firewall mark
    port: int
    fwmark: int
    destination_address: bytes
    destination_port: int
    state: str
    expires_seconds: int
    template: bool
    persistence_engine: str
    persistence_data: str
    origin: str = ""


class WantedConnections(NamedTuple):
    """Filter for connections: all fields that are not None must match. Also limits the result."""

    protocol: Optional[str] = None
    address: Optional[bytes] = None
    port: Optional[int] = None
    destination_address: Optional[bytes] = None
    destination_port: Optional[int] = None
    client: Optional[tuple[bytes, int]] = None  # address and prefix length
    states: Optional[frozenset[str]] = None
    template: Optional[bool] = None
    limit: int = 0  # list at most this many, but count all
    origin: bool = False  # look up their origin
