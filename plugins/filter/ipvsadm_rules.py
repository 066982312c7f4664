# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: ipvsadm_rules
short_description: Write services of IPVS as rules for ipvsadm
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Returns rules for C(ipvsadm -R), one for each line, that make the given services in an empty table.
  - The rules are those of C(ipvsadm -S -n), with thresholds. Destinations are added from the last to the first, because the
    kernel adds each at the head of its list.
  - Values are checked as by the modules. A value that they refuse is an error.
positional: _input
options:
  _input:
    description:
      - Services, in the shape of RV(lvs.director.ipvs_info#module:services) or of the options of
        M(lvs.director.ipvs_service). What is missing or null has C(ipvsadm)'s default; counters are left out.
    type: list
    elements: dict
    required: true
  strict:
    description:
      - Refuse services that C(ipvsadm -R) would not make as they are.
      - With V(false), write them as C(ipvsadm -S) does, each with a warning. P(lvs.director.from_ipvsadm_rules#filter) reads them
        with the same option.
    type: bool
    default: true
    version_added: 0.2.0
notes:
  - Whether C(ipvsadm) takes weights above 65535 depends on its build; Debian's does.
  - C(ipvsadm) has no option for V(localnode). The filter writes C(-g), as C(ipvsadm -S) does, and
    P(lvs.director.from_ipvsadm_rules#filter) reads that as V(direct). To an address of the director, the kernel delivers both in the
    same way.
seealso:
  - plugin: lvs.director.from_ipvsadm_rules
    plugin_type: filter
  - module: lvs.director.ipvs_info
"""

EXAMPLES = r"""
- name: Read the table
  lvs.director.ipvs_info:
  register: ipvs

- name: Save it for the init script of Debian's package ipvsadm
  ansible.builtin.copy:
    content: "{{ ipvs.services | lvs.director.ipvsadm_rules }}"
    dest: /etc/ipvsadm.rules
    mode: "0600"

- name: Print a table as rules
  ansible.builtin.debug:
    msg: "{{ services | lvs.director.ipvsadm_rules }}"
    # -A -t 192.0.2.1:80 -s fo
    # -a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 1
    # -a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 1 -x 4 -y 1
  vars:
    services:
      - protocol: tcp
        address: 192.0.2.1
        port: 80
        scheduler: fo
        destinations:
          - {address: 198.51.100.1, forward_method: masquerade, upper_threshold: 4, lower_threshold: 1}
          - {address: 198.51.100.2, forward_method: masquerade}
"""

RETURN = r"""
_value:
  description:
    - The rules, each with a newline at its end.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.display import Display
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.render import render_rules
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.results import QUIESCENT
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationCounters
from ansible_collections.lvs.director.plugins.module_utils._options.entries import ENTRY_SPEC, new_entries
from ansible_collections.lvs.director.plugins.module_utils._options.words import Words, fault

NAME = "lvs.director.ipvsadm_rules"
# What ipvs_info has beside the configuration: of a destination all of these, of a service the last one.
COUNTERS = (*QUIESCENT, "full", *DestinationCounters._fields)


def ipvsadm_rules(services: Any, strict: bool = True) -> str:
    if isinstance(services, (str, Mapping)) or not hasattr(services, "__iter__"):
        raise AnsibleFilterError(f"{NAME}: a list of services is needed, as ipvs_info returns it, not {type(services).__name__}")
    warnings: list[str] = []
    services = list(services)
    words = Words({"services": services}, {"services": {"options": ENTRY_SPEC}})
    try:
        options = [checked(index, service) for index, service in enumerate(services)]
        rules = render_rules(new_entries(options, strict=strict, warnings=warnings))
    except IpvsInputError as exc:
        raise AnsibleFilterError(f"{NAME}: {words.error(exc)}") from None
    except IpvsError as exc:
        # Ansible prints an error with all its causes, and each of them says the same.
        raise AnsibleFilterError(f"{NAME}: {exc}") from None
    for warning in warnings:
        Display().warning(f"{NAME}: {words.warning(warning)}")
    return rules


def checked(index: int, service: Any) -> dict[str, Any]:
    """Return a service's options with types and choices checked, as a module would get them."""
    if not isinstance(service, Mapping):
        raise AnsibleFilterError(f"{NAME}: services[{index}]: a dictionary is needed, not {type(service).__name__}")
    options = configured(service)
    if isinstance(options.get("destinations"), list):
        options["destinations"] = [
            configured(destination) if isinstance(destination, Mapping) else destination for destination in options["destinations"]
        ]
    result = ArgumentSpecValidator(ENTRY_SPEC).validate(options)
    if result.error_messages:
        wrong = fault(options, ENTRY_SPEC, f"services[{index}]")
        if wrong:
            raise wrong
        raise AnsibleFilterError(f"{NAME}: services[{index}]: {'; '.join(result.error_messages)}")
    return dict(result.validated_parameters)


def configured(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration that is given, without nulls and counters."""
    return {name: value for name, value in values.items() if name not in COUNTERS and value is not None}


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ipvsadm_rules": ipvsadm_rules}
