# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``restore network`` and ``clear network``."""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._boot.restore import clear_network, restore_network
from ansible_collections.lvs.director.plugins.module_utils._machine import vip
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import FAILED, INCOMPLETE


def restore(patience: float) -> int:
    content, journal = machine.saved(), machine.journal()
    with machine.kernel() as kernel:
        restore_network(kernel, content, vip, journal, patience=patience, store=MachineStore())
    return INCOMPLETE if journal.problems else 0


def clear() -> int:
    content, journal = machine.saved(), machine.journal()
    with machine.kernel() as kernel:
        clear_network(kernel, content, vip, journal)
    return FAILED if journal.problems else 0
