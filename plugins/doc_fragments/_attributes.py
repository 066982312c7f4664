# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/lvs.director.ipvs) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - lvs.director.ipvs
  check_mode:
    description: Can run in C(check_mode) and return what would be changed without changing anything.
  diff_mode:
    description: Will return details on what has changed, or what would be changed in C(check_mode), in C(diff) mode.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run does nothing.
  platform:
    description: Target systems that can be managed.
    support: full
    platforms: linux
"""

    CHANGES = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - On a machine where the role P(lvs.director.ipvs_director#role) has run, what this module sets is restored at boot. It is
    saved in the same run that changes the kernel; where the saved state differs from the kernel, the task is changed.
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module does not change anything.
  diff_mode:
    support: N/A
    details:
      - This module does not change anything.
  idempotent:
    support: full
    details:
      - This module does not change anything.
"""

    MACHINE = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The difference is the list of steps.
  idempotent:
    support: full
"""
