#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_sysctl
short_description: Set kernel parameters of an IPVS (LVS) director
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Sets kernel parameters now and, from C(/etc/sysctl.d/zz-ipvs_director.conf), at every boot.
  - Records the earlier value of each parameter, including those that the kernel changes along with another one, such as
    C(net.ipv4.ip_forward). O(state=absent) restores them.
  - If the kernel refuses a value, all parameters get the values back that they had before the task.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.machine
options:
  sysctls:
    description:
      - Values by parameter name. Required with O(state=present); ignored with O(state=absent).
      - A V(*) in a name matches every existing name, as in sysctl.d(5). A full name overrides a pattern.
      - A boolean becomes 1 or 0; the values of a list are separated by spaces.
      - A name that the kernel does not know is an error, and so is a parameter that cannot be read.
      - A parameter that is no longer listed keeps its value until the next boot, or until O(state=absent).
    type: dict
  state:
    description:
      - V(absent) restores the earlier values and removes the file. Parameters that something else has changed since are left
        alone.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: lvs.director.ipvs_fwmark
"""

EXAMPLES = r"""
- name: Forward packets, and keep connections while destinations are reordered
  lvs.director.ipvs_sysctl:
    sysctls:
      net.ipv4.ip_forward: 1
      net.ipv4.conf.*.send_redirects: 0
      net.ipv4.vs.expire_nodest_conn: 0
      net.ipv4.vs.sync_threshold: [3, 50]

- name: Restore the earlier values
  lvs.director.ipvs_sysctl:
    state: absent
"""

RETURN = r"""
steps:
  description: The changes, in order; in check mode, the predicted ones.
  returned: success
  type: list
  elements: str
  sample: ["net/ipv4/ip_forward: 0 -> 1", write /etc/sysctl.d/zz-ipvs_director.conf]
"""

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import sysctl
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import result
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel


def sysctl_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {
            "sysctls": {"type": "dict"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        "required_if": [("state", "present", ("sysctls",))],
        "supports_check_mode": True,
    }


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    if params["state"] == "absent":
        return result(sysctl.undo(check_mode=check_mode))
    return result(sysctl.converge(params["sysctls"], check_mode=check_mode))


def main() -> None:
    run_without_kernel(sysctl_module_spec(), _act)


if __name__ == "__main__":
    main()
