#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_role_variables
short_description: Refuse wrong variables of a role of this collection
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Fails if there is a variable whose name begins with the name of a role, like C(ipvs_director_service), and the role has no
    such variable. Ansible itself ignores such a variable, and a list of services that the role does not see is an empty one.
  - With O(table) or O(health), also fails if M(lvs.director.ipvs_table) or M(lvs.director.ipvs_health) would refuse these values on
    every machine. The role finds a wrong service with it before it changes anything.
  - Looks at all variables of the host, wherever they come from. The roles begin with it.
  - Runs on the controller, and does not connect to the target.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.info
options:
  role:
    description:
      - The role, without the name of the collection.
    type: str
    choices: [ipvs_director, ipvs_realserver]
    required: true
  facts:
    description:
      - Variables that the role sets itself, and that are therefore none of its arguments.
    type: list
    elements: str
    default: []
  health:
    description:
      - Options of M(lvs.director.ipvs_health), as the role gives them to it.
    type: dict
  table:
    description:
      - Options of M(lvs.director.ipvs_table), as the role gives them to it. Whether they fit what is in the kernel is not known here.
    type: dict
notes:
  - Variables of your own must not begin with the name of a role of this collection and an underscore.
"""

EXAMPLES = r"""
- name: Stop if a variable of the role is misspelt
  lvs.director.ipvs_role_variables:
    role: ipvs_director
    facts: [ipvs_director_selftest]

- name: Stop if a service is wrong
  lvs.director.ipvs_role_variables:
    role: ipvs_director
    table:
      services: "{{ ipvs_director_services | lvs.director.without_checks }}"
    health:
      services: "{{ ipvs_director_services }}"
  vars:
    ipvs_director_services:
      - protocol: tcp
        address: 10.211.55.3
        port: 80
        checks: [{type: tcp}]
        destinations:
          - {address: 10.211.55.253, forward_method: masquerade}
"""

RETURN = r""" # """

# What it does: plugins/action/ipvs_role_variables.py
