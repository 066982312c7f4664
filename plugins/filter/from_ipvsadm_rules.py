# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: from_ipvsadm_rules
short_description: Read the rules of ipvsadm as services of IPVS
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Returns the services that stand in the kernel's table after the rules, which are followed as C(ipvsadm) and the
    kernel would follow them, from an empty table on.
  - A destination that is added becomes the first of its service, so a list of C(-a) comes out the other way round. An
    edit (C(-E), C(-e)) keeps the destinations' order, and resets what it does not name. C(-D), C(-d) and C(-C) delete.
  - With C(-g) and C(-i) a destination of a service that is no firewall mark has the service's port, whatever is written.
  - Empty lines and comments are left out. A line may begin with C(ipvsadm) or its path, have quotes, and be continued
    with a backslash, as in a shell script; but nothing of it is expanded or run.
  - Ports may be names of the controller's C(/etc/services). Host names are an error, they are not looked up.
  - A line that C(ipvsadm) or the kernel would refuse, or that does not change the table, is an error with the line's
    number.
positional: _input
options:
  _input:
    description:
      - What C(ipvsadm -S) or better C(ipvsadm -S -n) printed, a file for C(ipvsadm -R), or a script's lines that begin
        with C(ipvsadm).
    type: str
    required: true
notes:
  - C(ipvsadm -S) leaves out thresholds and sorts the destinations, so neither the one nor the order can be told from
    what it printed. Where the table still stands, M(lvs.director.ipvs_info) reads both.
seealso:
  - plugin: lvs.director.ipvsadm_rules
    plugin_type: filter
  - module: lvs.director.ipvs_table
"""

EXAMPLES = r"""
- name: The services of a script
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'lvs.sh') | lvs.director.from_ipvsadm_rules }}"

- name: Make the kernel's table what a file of rules says
  lvs.director.ipvs_table:
    services: "{{ lookup('ansible.builtin.file', 'ipvsadm.rules') | lvs.director.from_ipvsadm_rules }}"
"""

RETURN = r"""
_value:
  description:
    - The services, in the order in which they were added, and in the shape of
      RV(lvs.director.ipvs_info#module:services) without counters. Their destinations are in the order in which the
      scheduler walks them.
  type: list
  elements: dict
  sample:
    - protocol: tcp
      address: 192.0.2.1
      port: 80
      fwmark: null
      family: ipv4
      scheduler: wlc
      scheduler_flags: []
      persistence_timeout: 360
      persistence_netmask: 255.255.255.255
      persistence_engine: null
      one_packet: false
      destinations:
        - address: 198.51.100.1
          port: 80
          forward_method: masquerade
          weight: 1
          upper_threshold: 0
          lower_threshold: 0
          tunnel_type: null
          tunnel_port: null
          tunnel_flags: []
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.parse import parse_rules
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._model.results import configuration

NAME = "lvs.director.from_ipvsadm_rules"


def from_ipvsadm_rules(text: Any, strict: bool = True) -> list[dict[str, Any]]:
    if not isinstance(text, str):
        raise AnsibleFilterError(f"{NAME}: a text is needed (of a command's result its stdout), not {type(text).__name__}")
    warnings: list[str] = []
    try:
        services = [configuration(entry) for entry in parse_rules(text, strict=strict, warnings=warnings)]
    except IpvsError as exc:
        # Ansible prints an error with all its causes, and each of them says the same.
        raise AnsibleFilterError(f"{NAME}: {exc}") from None
    for warning in warnings:
        Display().warning(f"{NAME}: {warning}")
    return services


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"from_ipvsadm_rules": from_ipvsadm_rules}
