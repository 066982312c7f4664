# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: vrrp_unknown_hosts
short_description: List the directors of a VRRP group whose addresses are not known
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Returns the hosts whose facts P(lvs.director.vrrp_instances#filter) needs, and that nobody has gathered yet.
positional: _input, vips, host, hostvars
options:
  _input:
    description:
      - The variable C(ipvs_director_vrrp) of the role P(lvs.director.ipvs_director#role).
    type: dict
    required: true
  vips:
    description:
      - The virtual addresses, which are nobody's own.
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
  - plugin: lvs.director.vrrp_instances
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Whose facts are to be gathered first
  ansible.builtin.debug:
    msg: "{{ ipvs_director_vrrp | lvs.director.vrrp_unknown_hosts(ipvs_director_vips, inventory_hostname, hostvars) }}"
  vars:
    ipvs_director_vrrp: {router_id: 51, interface: eth1, address: 10.211.55.11, peers: [10.211.55.11, 10.211.55.12]}
    ipvs_director_vips:
      - {address: 10.211.55.3/32, interface: eth1}
"""

RETURN = r"""
_value:
  description: Names in the inventory.
  type: list
  elements: str
  sample: [director-2]
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._options.vrrp import unknown_hosts


def vrrp_unknown_hosts(group: Any, vips: Any, host: str, hostvars: Any) -> list[str]:
    try:
        return unknown_hosts(group, vips, host, hostvars)
    except IpvsError as exc:
        # Ansible prints an error with all its causes, and each of them says the same.
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vrrp_unknown_hosts": vrrp_unknown_hosts}
