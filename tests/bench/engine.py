# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as a task of ``ipvs_table`` uses it, between its options and its result."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._apply import table as engine
from ansible_collections.lvs.director.plugins.module_utils._boot.journal import Journal
from ansible_collections.lvs.director.plugins.module_utils._boot.restore import restore_table
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable
from ansible_collections.lvs.director.plugins.module_utils._options import table as argspec_table
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import content_of

__all__ = ["DesiredTable", "NetlinkKernel", "converge", "desired_table", "restore"]


def desired_table(services: list[dict[str, Any]]) -> DesiredTable:
    """Return the desired table of a task with these services and no other options."""
    options = argspec_table.table_module_spec()["argument_spec"]
    params = {name: option.get("default") for name, option in options.items()}
    return argspec_table.desired_from_table_module({**params, "services": services})


def converge(kernel: NetlinkKernel, desired: DesiredTable) -> bool:
    """Make the table match, and return whether anything changed."""
    return engine.converge(kernel, desired, check_mode=False).plan.changed


def restore(kernel: NetlinkKernel, text: str) -> int:
    """Restore a table as at boot, and return how many problems that had."""
    journal = Journal(levels=False)
    with open(os.devnull, "w", encoding="utf-8") as nobody, contextlib.redirect_stdout(nobody):
        restore_table(kernel, content_of(text), journal, load=lambda _module: True, fallback="")
    return journal.problems
