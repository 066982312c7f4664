# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Typed values of global settings: timeouts, sync daemons, and the kernel's version information."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Timeouts(NamedTuple):
    """Timeouts of connections, in seconds."""

    tcp: int
    tcp_fin: int
    udp: int


class SyncDaemon(NamedTuple):
    """A running connection synchronisation daemon."""

    state: str
    interface: str
    sync_id: int
    maximum_length: int
    group: bytes
    port: int
    ttl: int


class Info(NamedTuple):
    """Version and table size that the kernel reports."""

    version: str
    connection_table_size: int


class DesiredSyncDaemon(NamedTuple):
    """A sync daemon that must be running or stopped. ``given`` has fields of ``SyncDaemon``."""

    state: str
    given: Mapping[str, Any]
    present: bool = True
