# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
requirements:
  - pyroute2 >= 0.7.2 (Debian package C(python3-pyroute2))
  - the kernel module C(ip_vs), loaded
notes:
  - Needs the capability C(CAP_NET_ADMIN); run it with C(become).
  - Works on the IPVS table of the network namespace in which it runs.
  - In check mode, on a machine that is not ready (C(ip_vs) not loaded, pyroute2 or the scheduler V(test) missing), or for an entry
    that is not there, the task does not fail, because an earlier task of the play may change that. It warns that the dry run
    cannot be predicted, and goes on with an empty table.
"""
