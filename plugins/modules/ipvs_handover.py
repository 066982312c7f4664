#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_handover
short_description: Hand the virtual addresses of an IPVS (LVS) director over to another one
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Sends all connections of this director to the others, waits for their receipts, and compares the services and destinations. If
    nothing is missing and the tables are equal, it stops keepalived, which makes another director take over the virtual addresses at
    once, and starts keepalived again as a backup.
  - Does nothing on a director without virtual addresses.
  - If no director takes over, this one takes the addresses back, and the task fails.
  - Runs C(ipvs-director handover), which the role P(lvs.director.ipvs_director#role) installs. The playbook
    C(lvs.director.handover) runs it on the right director.
extends_documentation_fragment:
  - lvs.director._attributes
options:
  tolerance:
    description:
      - Number of connections that another director may lack.
    type: int
    default: 0
  timeout:
    description:
      - Seconds to wait until the other directors have all connections.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    details:
      - Compares the tables, and fails if a handover would be refused.
  diff_mode:
    support: none
    details:
      - The addresses move to another machine.
  idempotent:
    support: full
notes:
  - Needs both sync daemons and the unit C(ipvs-director-resync.service) on all directors (O(lvs.director.ipvs_boot#module:resync)), and
    keepalived with C(nopreempt). With C(preempt), the director with the higher priority takes the addresses back.
seealso:
  - module: lvs.director.ipvs_boot
  - module: lvs.director.ipvs_sync_daemon
"""

EXAMPLES = r"""
- name: Hand the addresses over before a reboot
  lvs.director.ipvs_handover:

- name: The same, if short connections come and go all the time
  lvs.director.ipvs_handover:
    tolerance: 10

- name: Wait longer for a director that has many connections to learn
  lvs.director.ipvs_handover:
    timeout: 120
"""

RETURN = r"""
connections:
  description: Number of connections sent to the other directors.
  returned: success
  type: int
  sample: 226
missing:
  description: Number of them that another director lacks, at most O(tolerance).
  returned: success
  type: int
  sample: 0
to:
  description: Address, in the sync group, of the director that has the virtual addresses now.
  returned: success
  type: str
  sample: 10.99.0.2
unanswered_seconds:
  description:
    - Time from the removal of an address on this director until another one announced it; the longest of all addresses.
    - V(null) in check mode, and if no address left this director.
  returned: success
  type: float
  sample: 0.61
lost:
  description: Number of connections that the other director lacks afterwards; V(null) in check mode, and if it did not answer.
  returned: success
  type: int
  sample: 0
notes:
  description: Tolerated differences, such as other weights.
  returned: success
  type: list
  elements: str
  sample: []
text:
  description: The result as a sentence.
  returned: success
  type: str
"""

import json
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import program
from ansible_collections.lvs.director.plugins.module_utils._machine.command import run
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel

# Seconds beside the comparison: until another director has the addresses, and has told what it knows.
_PATIENCE = 120.0


def handover_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {"tolerance": {"type": "int", "default": 0}, "timeout": {"type": "int", "default": 60}},
        "supports_check_mode": True,
    }


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    words = ["handover", "--json", f"--tolerance={params['tolerance']}", f"--timeout={params['timeout']}"]
    done = run(program.COMMAND, *words, *(["--check"] if check_mode else []), timeout=2 * params["timeout"] + _PATIENCE)
    if done.code:
        reason = done.errors.strip().removeprefix("ipvs-director: ")
        raise IpvsUnavailableError(reason or f"{program.COMMAND} handover failed: {done.output}")
    result: Result = json.loads(done.output)
    return {**result, "warnings": result["notes"]}


def main() -> None:
    run_without_kernel(handover_module_spec(), _act)


if __name__ == "__main__":
    main()
