# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Metrics of the schedulers' kernel modules: does the running kernel have them, and the one of the next boot?"""

from __future__ import annotations

import os
from collections.abc import Iterable

from ansible_collections.lvs.director.plugins.module_utils._kernel.modules import is_installed_for, release_order
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_text import Metric

MODULES = "/lib/modules"


def scheduler_metrics(schedulers: Iterable[str]) -> Iterable[Metric]:
    """Return whether the running and the newest installed kernel have the modules of these schedulers."""
    about = "Whether the kernel has the scheduler's module; the next kernel is the newest one that is installed."
    # A service may have "none": no module then.
    wanted = sorted({*schedulers} - {"none"})
    samples = [
        ({"scheduler": scheduler, "boot": boot, "kernel": kernel}, is_installed_for(f"ip_vs_{scheduler}", kernel))
        for boot, kernel in kernels().items()
        for scheduler in wanted
    ]
    yield Metric("scheduler_installed", about, samples)


def kernels() -> dict[str, str]:
    """Return the releases of the running kernel and the next one. Empty in a container without the kernel's modules."""
    running = os.uname().release
    if not os.path.isdir(f"{MODULES}/{running}"):
        return {}
    # Where only headers are installed, and what DKMS leaves behind, has no "kernel".
    installed = [name for name in os.listdir(MODULES) if os.path.isdir(f"{MODULES}/{name}/kernel")]
    return {"running": running, "next": max([running, *installed], key=release_order)}
