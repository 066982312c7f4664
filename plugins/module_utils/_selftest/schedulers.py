# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The kernel modules of the schedulers that the self-test needs."""

from __future__ import annotations

import os
import time
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._kernel import modules as _modprobe

# After an interrupted self-test, its namespace and services exist for a moment longer.
_ATTEMPTS, _PAUSE = 20, 0.1


def is_loaded(scheduler: str) -> bool:
    """Return whether the running kernel has a scheduler, as a loaded module or built in."""
    name = f"ip_vs_{scheduler}"
    if _modprobe.is_loaded(name):
        return True
    try:
        with open(f"/lib/modules/{os.uname().release}/modules.builtin", encoding="ascii") as lines:
            return any(os.path.basename(line.strip()) == f"{name}.ko" for line in lines)
    except FileNotFoundError:
        return False


def source_of(scheduler: str) -> Optional[str]:
    """Return the checksum of the source of the loaded module, which ``modinfo`` calls srcversion."""
    return _modprobe.loaded_source(f"ip_vs_{scheduler}") or None


def unload(scheduler: str) -> None:
    """Unload a scheduler that was loaded for the self-test. The kernel keeps it if something else uses it by now."""
    for _attempt in range(_ATTEMPTS):
        _modprobe.unload(f"ip_vs_{scheduler}")
        if not is_loaded(scheduler):
            return
        time.sleep(_PAUSE)
