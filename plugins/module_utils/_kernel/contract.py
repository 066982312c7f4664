# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The interface of a kernel for the layers above. Only for types: no task compiles it.

``client.NetlinkKernel`` is the real implementation. Unit tests have one in memory, which passes the same tests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Optional, Protocol

from ansible_collections.lvs.director.plugins.module_utils._model.settings import Info, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import Refusal, Step
from ansible_collections.lvs.director.plugins.module_utils._model.table import Observed, ServiceKey


class IpvsKernel(Protocol):
    """The interface that the layers above use."""

    def lock(self, *, exclusive: bool) -> AbstractContextManager[None]:
        """Lock out other runs of this collection while this one reads or (exclusive) changes the table."""

    def read_service(self, key: ServiceKey, *, counters: bool = True) -> Optional[Observed]:
        """Return a service with its destinations in the kernel's order, or None if there is none.

        Without ``counters``, which is much faster, all counters are zero.
        """

    def read_table(self, *, counters: bool = True, only: Optional[Collection[ServiceKey]] = None) -> Iterable[Observed]:
        """Return or yield all services, or only those with these keys."""

    def read_info(self) -> Info:
        """Return version and size of the connection table."""

    def read_timeouts(self) -> Timeouts:
        """Return the timeouts of connections."""

    def read_sync_daemons(self) -> list[SyncDaemon]:
        """Return the running sync daemons."""

    def read_mtu(self, interface: str) -> Optional[int]:
        """Return the MTU of a network interface in bytes, or None if it does not exist."""

    def read_index(self, interface: str) -> Optional[int]:
        """Return the index of a network interface, or None if it does not exist."""

    def has_joined(self, daemon: SyncDaemon) -> bool:
        """Return whether a backup daemon's interface has joined its multicast group."""

    def try_sync_daemon(self, daemon: SyncDaemon) -> int:
        """Return the error number with which the kernel would refuse a daemon's socket, or 0. Sends no packets."""

    def has_module(self, kind: str, name: str) -> bool:
        """Return whether a scheduler (kind ``ip_vs``) or persistence engine (``ip_vs_pe``) is loaded or loadable."""

    def apply(self, steps: Sequence[Step]) -> Optional[Refusal]:
        """Apply the steps in order. Return the first refused one; later steps may have been applied."""

    def close(self) -> None:
        """Close the socket."""
