# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Stub kernel for check mode on a machine that is not ready: IPVS as it is right after loading ``ip_vs``."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._kernel.interface import read_index, read_mtu
from ansible_collections.lvs.director.plugins.module_utils._model.settings import Info, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import Refusal, Step
from ansible_collections.lvs.director.plugins.module_utils._model.table import Observed, ServiceKey


class UnloadedKernel:
    """An empty table, no sync daemons, and the default timeouts. Read-only; refuses nothing."""

    def lock(self, *, exclusive: bool) -> AbstractContextManager[None]:
        return contextlib.nullcontext()

    def close(self) -> None:
        pass

    def read_service(self, key: ServiceKey, *, counters: bool = True) -> Optional[Observed]:
        return None

    def read_table(self, *, counters: bool = True, only: Optional[Collection[ServiceKey]] = None) -> list[Observed]:
        return []

    def read_info(self) -> Info:
        return Info("", 0)

    def read_timeouts(self) -> Timeouts:
        return Timeouts(900, 120, 300)

    def read_sync_daemons(self) -> list[SyncDaemon]:
        return []

    def read_mtu(self, interface: str) -> Optional[int]:
        return read_mtu(interface)

    def read_index(self, interface: str) -> Optional[int]:
        return read_index(interface)

    def has_joined(self, daemon: SyncDaemon) -> bool:
        return True

    def try_sync_daemon(self, daemon: SyncDaemon) -> int:
        return 0

    def has_module(self, kind: str, name: str) -> bool:
        return True

    def apply(self, steps: Sequence[Step]) -> Optional[Refusal]:
        raise NotImplementedError
