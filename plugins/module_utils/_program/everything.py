# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Imports everything that the program consists of.

Ansible sends a module together with its imports, and the program is built from the files that were sent. Each module that installs the
program imports this file, in a function that is never called: all of them install the same program.
"""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._machine import boot, health, realserver_boot
from ansible_collections.lvs.director.plugins.module_utils._program import main

PARTS = (boot, health, realserver_boot, main)
