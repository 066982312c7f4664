# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: vrrp_instances
short_description: Make VRRP instances of a director from what all directors of its group share
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Returns the instances that the role P(lvs.director.ipvs_director#role) gives to M(lvs.director.ipvs_vrrp).
  - The result is the same whichever hosts a play runs on, so it is with C(--limit) and C(serial).
positional: _input, vips, host, hostvars
options:
  _input:
    description:
      - The variable C(ipvs_director_vrrp) of the role, the same on all directors.
      - C(peers) lists hosts of the inventory, or addresses. The first one has the highest priority, 100, the next one 90. It need
        not list the host itself if C(priority) is given.
      - The address of a host is C(address) in its own C(ipvs_director_vrrp), or else that of its C(interface) in its facts.
    type: dict
    required: true
  vips:
    description:
      - The virtual addresses, C(ipvs_director_vips) of the role. Those with the same C(router_id) are one instance.
      - Each instance begins with another director of the list, so that two instances make two directors active.
    type: list
    elements: dict
    required: true
  host:
    description:
      - The name of the director in the inventory.
    type: str
    required: true
  hostvars:
    description:
      - The variables of all hosts.
    type: dict
    required: true
seealso:
  - plugin: lvs.director.vrrp_unknown_hosts
    plugin_type: filter
  - module: lvs.director.ipvs_vrrp
"""

EXAMPLES = r"""
- name: What this director is to run
  ansible.builtin.debug:
    msg: "{{ ipvs_director_vrrp | lvs.director.vrrp_instances(ipvs_director_vips, inventory_hostname, hostvars) }}"
  vars:
    ipvs_director_vrrp: {router_id: 51, interface: eth1, address: 10.211.55.11, peers: [10.211.55.11, 10.211.55.12]}
    ipvs_director_vips:
      - {address: 10.211.55.3/32, interface: eth1}
"""

RETURN = r"""
_value:
  description: The option O(lvs.director.ipvs_vrrp#module:instances).
  type: list
  elements: dict
  sample:
    - name: ipvs_director_51
      router_id: 51
      interface: eth1
      address: 10.211.55.11
      peers: [10.211.55.12]
      priority: 100
      vips:
        - {address: 10.211.55.3/32, interface: eth1}
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._options.vrrp import instances


def vrrp_instances(group: Any, vips: Any, host: str, hostvars: Any) -> list[dict[str, Any]]:
    try:
        return instances(group, vips, host, hostvars)
    except IpvsError as exc:
        # Ansible prints an error with all its causes, and each of them says the same.
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vrrp_instances": vrrp_instances}
