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
  - Returns the services that the kernel's table has after the rules, starting from an empty one.
  - An added destination becomes the first of its service, so a list of C(-a) comes out in reverse. An edit (C(-E), C(-e))
    keeps the order, and resets the options that it does not name. C(-D), C(-d) and C(-C) delete.
  - As with C(ipvsadm), a destination with C(-g) or C(-i) gets the port of its service, whatever is written, unless the service
    is a firewall mark; and C(-M) without C(-p) has no effect.
  - Empty lines and comments are ignored. As in a shell script, a line may begin with C(ipvsadm) or its path, have quotes, and
    be continued with a backslash; nothing is expanded or run.
  - Ports may be names from the controller's C(/etc/services). Host names are an error; they are not looked up.
  - A line that C(ipvsadm) or the kernel would refuse, or that does not change the table, is an error with the line's
    number.
positional: _input
options:
  _input:
    description:
      - The output of C(ipvsadm -S -n), a file for C(ipvsadm -R), or the lines of a script that begin with C(ipvsadm).
    type: str
    required: true
  strict:
    description:
      - Read the rules as C(ipvsadm -R) would.
      - With V(false), they are what C(ipvsadm -S) printed of a table that another program made and that C(-R) cannot make - a
        service of all ports that is not persistent is taken, and a destination with C(-g) or C(-i) has the port that is
        written. Each such entry is a warning. Give the result to M(lvs.director.ipvs_table) with
        O(lvs.director.ipvs_table#module:strict=false).
    type: bool
    default: true
    version_added: 0.2.0
notes:
  - C(-g) is always V(direct). C(ipvsadm -S) also prints it for V(localnode), for which C(ipvsadm) has no option.
  - C(ipvsadm -S) omits thresholds and sorts the destinations, so its output has neither. While the table exists,
    M(lvs.director.ipvs_info) reads both.
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
      scheduler tries them.
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
