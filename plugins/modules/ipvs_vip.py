#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_vip
short_description: Manage the virtual addresses of an IPVS (LVS) director
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Adds virtual addresses to interfaces with ip(8), and saves them for the next boot.
  - An address that is no longer listed is removed if this module added it. Addresses that were configured before are left
    alone.
  - M(lvs.director.ipvs_boot) installs the unit that adds the saved addresses at boot. If systemd-networkd configures the
    interface, the module also lists them in a drop-in of its C(.network) file, because networkd removes addresses that it does not know.
  - If an address cannot be added, all changes are undone.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.machine
options:
  vips:
    description:
      - All virtual addresses of this machine. Required with O(state=present); ignored with O(state=absent).
    type: list
    elements: dict
    suboptions:
      address:
        description:
          - IPv4 or IPv6 address with prefix length, for example V(10.211.55.3/32). The default prefix is that of a single
            address.
        type: str
        required: true
      interface:
        description:
          - Network interface for the address.
        type: str
        required: true
  vrrp:
    description:
      - Whether the addresses belong to keepalived, which M(lvs.director.ipvs_vrrp) configures. They are then neither added nor
        saved here. Those that an earlier run added stay on their interfaces, where keepalived goes on with them, and are
        forgotten; others that it added are removed as usual.
      - With V(false), addresses that M(lvs.director.ipvs_vrrp) gave to keepalived count as added by this module. Run this module
        before that one removes its instances, and they stay.
    type: bool
    default: false
  state:
    description:
      - V(absent) removes all addresses that this module added, and the saved list.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: lvs.director.ipvs_table
  - module: lvs.director.ipvs_fwmark
  - module: lvs.director.ipvs_vrrp
"""

EXAMPLES = r"""
- name: Have two virtual addresses
  lvs.director.ipvs_vip:
    vips:
      - {address: 10.211.55.3/32, interface: eth1}
      - {address: "2001:db8::3/128", interface: eth1}

- name: Leave them to keepalived, which lvs.director.ipvs_vrrp configures
  lvs.director.ipvs_vip:
    vips:
      - {address: 10.211.55.3/32, interface: eth1}
    vrrp: true

- name: Remove all virtual addresses
  lvs.director.ipvs_vip:
    state: absent
"""

RETURN = r"""
steps:
  description: The changes, in order; in check mode, the predicted ones.
  returned: success
  type: list
  elements: str
  sample: [write /var/lib/lvs.director/vips.json, add 10.211.55.3/32 to eth1]
"""

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import vip
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import result
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel


def vip_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {
            "vips": {
                "type": "list",
                "elements": "dict",
                "options": {"address": {"type": "str", "required": True}, "interface": {"type": "str", "required": True}},
            },
            "vrrp": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        "required_if": [("state", "present", ("vips",))],
        "supports_check_mode": True,
    }


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    if params["state"] == "absent":
        return result(vip.converge([], check_mode=check_mode))
    return result(vip.converge(params["vips"], vrrp=params["vrrp"], check_mode=check_mode))


def main() -> None:
    run_without_kernel(vip_module_spec(), _act)


if __name__ == "__main__":
    main()
