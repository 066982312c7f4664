# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``restore realserver``."""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._machine import realserver
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import INCOMPLETE


def restore() -> int:
    journal = machine.journal()
    for problem in realserver.restore():
        journal.problem(problem)
    return INCOMPLETE if journal.problems else 0
