# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Imports all that the program and the modules that install it are made of.

Ansible sends a module with what it imports, and the program is made of what was sent. A module that installs the program imports this
in a function that is never called: whichever module comes last, the program is the same.
"""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._machine import boot, realserver_boot
from ansible_collections.lvs.director.plugins.module_utils._program import main

PARTS = (boot, realserver_boot, main)
