#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_fwmark
short_description: Manage the firewall marks of packets for IPVS (LVS) virtual services
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Sets firewall marks on incoming packets of virtual services with O(lvs.director.ipvs_service#module:fwmark), with nftables,
    now and at boot, and after a restart of C(nftables.service).
  - The rules are in a dedicated table, C(inet ipvs_director). No other rules are read or changed. Without marks, there is no
    table.
  - The rules are first loaded in a separate network namespace. If nft refuses them, the task fails before any change, in check
    mode too.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.machine
options:
  fwmarks:
    description:
      - All marks that this machine sets. Required with O(state=present); ignored with O(state=absent).
    type: list
    elements: dict
    suboptions:
      fwmark:
        description:
          - The mark, 1 to 4294967295.
        type: int
        required: true
      addresses:
        description:
          - Packets to these IPv4 and IPv6 addresses, or networks, get the mark.
          - A mark may have addresses of both families; it then needs a service for each
            O(lvs.director.ipvs_service#module:family).
        type: list
        elements: str
        required: true
      protocol:
        description:
          - Only packets of this protocol get the mark. By default, packets of all protocols.
        type: str
        choices: [tcp, udp, sctp]
      ports:
        description:
          - Only packets to these ports, or ranges of ports such as V(8000-8099), get the mark. By default, packets to all
            ports.
          - Needs O(fwmarks[].protocol).
        type: list
        elements: str
  state:
    description:
      - V(absent) removes the table, and the unit that loads it at boot.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - nftables
  - systemd
seealso:
  - module: lvs.director.ipvs_service
  - module: lvs.director.ipvs_vip
"""

EXAMPLES = r"""
- name: Mark HTTP and HTTPS of an address
  lvs.director.ipvs_fwmark:
    fwmarks:
      - {fwmark: 7, addresses: [10.211.55.3], protocol: tcp, ports: [80, 443]}

- name: Serve both ports with one virtual service
  lvs.director.ipvs_service:
    fwmark: 7
    scheduler: mh
    destinations:
      - {address: 10.211.55.253}

- name: Set no marks
  lvs.director.ipvs_fwmark:
    state: absent
"""

RETURN = r"""
steps:
  description: The changes, in order; in check mode, the predicted ones.
  returned: success
  type: list
  elements: str
  sample: [write /etc/ipvs_director_fwmark.nft, add table inet ipvs_director]
"""

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import fwmark
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import converge, result
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel


def fwmark_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {
            "fwmarks": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "fwmark": {"type": "int", "required": True},
                    "addresses": {"type": "list", "elements": "str", "required": True},
                    "protocol": {"type": "str", "choices": ["tcp", "udp", "sctp"]},
                    "ports": {"type": "list", "elements": "str"},
                },
            },
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        "required_if": [("state", "present", ("fwmarks",))],
        "supports_check_mode": True,
    }


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    marks = params["fwmarks"] if params["state"] == "present" else []
    return result(converge(lambda: fwmark.plan(marks, check_mode=check_mode), check_mode=check_mode))


def main() -> None:
    run_without_kernel(fwmark_module_spec(), _act)


if __name__ == "__main__":
    main()
