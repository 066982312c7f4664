#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_vrrp
short_description: Share the virtual addresses of IPVS (LVS) directors by VRRP
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Runs VRRP instances in keepalived; they decide which director of a group has the virtual addresses. Uses the distribution's
    keepalived for VRRP only (version 3, between unicast peers), without scripts.
  - Writes C(/etc/keepalived/conf.d/ipvs_director.conf), and C(keepalived.conf) to include it if there is none. Never changes
    another C(keepalived.conf); if that does not include the file, the task fails and names the line to add. Runs
    C(keepalived --config-test) before any change.
  - keepalived starts after the table, the sync daemons and C(ipvs-director-ready.service). That unit fails on a director
    whose table was not restored, and keepalived does not start - the director does not become master.
  - A director that already has the addresses of an instance, and hears no other master, keeps them when keepalived starts. It
    listens for three and a half intervals.
  - VRRP advertisements list addresses, and keepalived ignores a master with another list. Each instance therefore advertises an
    address that never changes, C(127.112.0.ID) on C(lo) (C(fe80::112:ID) over IPv6), so you can change the virtual addresses on
    one director after the other. The director that has this address is the master.
  - The role P(lvs.director.ipvs_director#role) installs keepalived, and runs this module with each director's values.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.machine
options:
  instances:
    description:
      - VRRP instances of this director. Required with O(state=present); ignored with O(state=absent).
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the instance in logs.
        type: str
        required: true
      router_id:
        description:
          - Virtual router ID, 1 to 255, the same on all directors of the group and unique in the network.
        type: int
        required: true
      interface:
        description:
          - Interface for advertisements. While it has no carrier, this director does not become master.
        type: str
        required: true
      address:
        description:
          - Source address of the advertisements, an address of this director.
        type: str
        required: true
      peers:
        description:
          - Addresses of the other directors, of the same family. Without any, this director is always master.
        type: list
        elements: str
        default: []
      priority:
        description:
          - Number from 1 to 254. The available director with the highest priority becomes master.
        type: int
        default: 100
      advertisement_interval:
        description:
          - Seconds between two advertisements, 0.01 to 40.95. Without any for three to four intervals, the next director takes
            over.
        type: float
        default: 1.0
      preempt:
        description:
          - Whether a returning director takes the addresses over from a master of lower priority. It does not know the
            connections at that time.
          - Even with V(false), a master that was only frozen takes them over again, as does the higher priority after a network
            split.
        type: bool
        default: false
      authentication:
        description:
          - VRRP version 3 has no authentication. Keep the advertisements in a network of the directors alone, or let a firewall
            accept only those of the peers.
        type: str
        choices: [none]
        default: none
      vips:
        description:
          - Virtual addresses of the instance, IPv4 and IPv6. They move together.
        type: list
        elements: dict
        required: true
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
  allow_fallback:
    description:
      - Whether a director may become master while services use the fallback scheduler because their own is missing.
    type: bool
    default: true
  stop_with_table:
    description:
      - Whether keepalived stops when C(ipvs-director.service) is stopped, so that another director takes the addresses. Give
        V(true) where stopping that unit clears the table (O(lvs.director.ipvs_boot#module:clear_on_stop)).
    type: bool
    default: false
  state:
    description:
      - V(absent) removes the instances and their addresses, except for addresses that M(lvs.director.ipvs_vip) has saved.
    type: str
    choices: [present, absent]
    default: present
notes:
  - C(systemctl restart ipvs-director) does not stop keepalived, unless O(stop_with_table=true). Only a start of keepalived checks
    whether the director is ready.
seealso:
  - module: lvs.director.ipvs_vip
  - module: lvs.director.ipvs_sync_daemon
"""

EXAMPLES = r"""
- name: Share an address with another director
  lvs.director.ipvs_vrrp:
    instances:
      - name: ipvs_director_51
        router_id: 51
        interface: eth1
        address: 10.211.55.11
        peers: [10.211.55.12]
        priority: 100
        vips:
          - {address: 10.211.55.3/32, interface: eth1}

- name: Take over within a second, and stay out of it without the scheduler or the table
  lvs.director.ipvs_vrrp:
    instances:
      - name: ipvs_director_51
        router_id: 51
        interface: eth1
        address: 10.211.55.12
        peers: [10.211.55.11]
        priority: 90
        advertisement_interval: 0.25
        preempt: false
        authentication: none
        vips:
          - {address: 10.211.55.3/32, interface: eth1}
    allow_fallback: false
    stop_with_table: true

- name: Leave the group
  lvs.director.ipvs_vrrp:
    state: absent
"""

RETURN = r"""
steps:
  description: The changes, in order; in check mode, the predicted ones.
  returned: success
  type: list
  elements: str
  sample: [write /etc/keepalived/conf.d/ipvs_director.conf, reload keepalived.service]
"""

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import vrrp
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import converge, result
from ansible_collections.lvs.director.plugins.module_utils._machine.vrrp_configuration import instances_of
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel


def vrrp_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    instance = {
        "name": {"type": "str", "required": True},
        "router_id": {"type": "int", "required": True},
        "interface": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "peers": {"type": "list", "elements": "str", "default": []},
        "priority": {"type": "int", "default": 100},
        "advertisement_interval": {"type": "float", "default": 1.0},
        "preempt": {"type": "bool", "default": False},
        "authentication": {"type": "str", "choices": ["none"], "default": "none"},
        "vips": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {"address": {"type": "str", "required": True}, "interface": {"type": "str", "required": True}},
        },
    }
    return {
        "argument_spec": {
            "instances": {"type": "list", "elements": "dict", "options": instance},
            "allow_fallback": {"type": "bool", "default": True},
            "stop_with_table": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        "required_if": [("state", "present", ("instances",))],
        "supports_check_mode": True,
    }


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    if params["state"] == "absent":
        return result(converge(vrrp.plan_absent, check_mode=check_mode))
    instances = instances_of(params["instances"])
    units = vrrp.Units(params["allow_fallback"], params["stop_with_table"])
    return result(converge(lambda: vrrp.plan(instances, units, check_mode=check_mode), check_mode=check_mode))


def main() -> None:
    run_without_kernel(vrrp_module_spec(), _act)


if __name__ == "__main__":
    main()
