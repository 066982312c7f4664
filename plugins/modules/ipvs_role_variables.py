#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_role_variables
short_description: Refuse misspelt variables of a role of this collection
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Fails if there is a variable whose name begins with the name of a role, like C(ipvs_director_service), and the role has no
    such variable. Ansible itself ignores such a variable, and a list of services that the role does not see is an empty one.
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
notes:
  - Variables of your own must not begin with the name of a role of this collection and an underscore.
"""

EXAMPLES = r"""
- name: Stop if a variable of the role is misspelt
  lvs.director.ipvs_role_variables:
    role: ipvs_director
    facts: [ipvs_director_selftest]
"""

RETURN = r""" # """

# What it does: plugins/action/ipvs_role_variables.py
