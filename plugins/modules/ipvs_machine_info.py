#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_machine_info
short_description: Find out whether a machine can become a director
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Returns the facts that decide whether a machine can run IPVS with the scheduler of this collection, and which of the
    packages that it needs are installed.
  - The role P(lvs.director.ipvs_director#role) begins with it. It needs neither C(ip_vs) nor pyroute2, so it also works on a
    new machine.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.info
options:
  packages:
    description:
      - Names of packages, or shell patterns for them like V(linux-headers-*). Those that are installed are returned.
    type: list
    elements: str
    default: []
  schedulers:
    description:
      - Names of schedulers. Those that the running kernel neither has nor can load are returned.
    type: list
    elements: str
    default: []
  certificate:
    description:
      - The certificate with whose key DKMS signs modules on this distribution, where DKMS's own configuration does not name one.
    type: path
    default: /var/lib/dkms/mok.pub
notes:
  - The facts are read from the machine each time. Ansible's own facts may come from a cache, and then name the kernel of before
    the last reboot.
seealso:
  - module: lvs.director.ipvs_scheduler
  - module: lvs.director.ipvs_info
"""

EXAMPLES = r"""
- name: Can this machine become a director?
  lvs.director.ipvs_machine_info:
    packages: [dkms, linux-headers-*]
    schedulers: [fo]
  register: machine

- name: Stop in a container
  ansible.builtin.assert:
    that: machine.may_load_modules
"""

RETURN = r"""
kernel:
  description: Release of the running kernel.
  returned: success
  type: str
  sample: 6.12.107+deb13-cloud-amd64
root:
  description: Whether the task runs as root.
  returned: success
  type: bool
  sample: true
may_load_modules:
  description: Whether the task may load kernel modules (C(CAP_SYS_MODULE)).
  returned: success
  type: bool
  sample: true
wants_signed_modules:
  description: Whether the kernel only loads modules that a key it trusts has signed (Secure Boot, or C(module.sig_enforce=1)).
  returned: success
  type: bool
  sample: false
certificate:
  description: The certificate with whose key DKMS signs modules. It need not exist yet.
  returned: success
  type: str
  sample: /var/lib/dkms/mok.pub
has_ip_vs:
  description: Whether the running kernel has C(ip_vs), or can load it.
  returned: success
  type: bool
  sample: true
missing_schedulers:
  description: Those of O(schedulers) that the running kernel neither has nor can load.
  returned: success
  type: list
  elements: str
  sample: []
packages:
  description:
    - The packages of O(packages) that are installed.
    - Where RPM manages packages, each is listed by its name, and with its version and architecture as well.
  returned: success
  type: list
  elements: str
  sample: [dkms, linux-headers-6.12.107+deb13-cloud-amd64]
unfinished_packages:
  description: Those that are unpacked but not configured, because the installation of a package has failed.
  returned: success
  type: list
  elements: str
  sample: []
sets_fwmarks:
  description: Whether the role has installed rules on this machine that set firewall marks.
  returned: success
  type: bool
  sample: false
check_mode:
  description: Whether the task ran in check mode, by whatever means (C(--check), or the keyword C(check_mode)).
  returned: success
  type: bool
  sample: false
"""

import os
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._kernel.modules import could_load
from ansible_collections.lvs.director.plugins.module_utils._machine import machine
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel

# Of ipvs_fwmark, which writes it first and removes it last.
_FWMARK_RULES = "/etc/ipvs_director_fwmark.nft"


def machine_info_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {
            "packages": {"type": "list", "elements": "str", "default": []},
            "schedulers": {"type": "list", "elements": "str", "default": []},
            "certificate": {"type": "path", "default": machine.CERTIFICATE},
        },
        "supports_check_mode": True,
    }


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    packages = machine.packages(params["packages"])
    return {
        "changed": False,
        "kernel": os.uname().release,
        "root": os.geteuid() == 0,
        "may_load_modules": machine.may_load_modules(),
        "wants_signed_modules": machine.wants_signed_modules(),
        "certificate": machine.certificate(params["certificate"]),
        "has_ip_vs": machine.has_ip_vs(),
        "missing_schedulers": [name for name in params["schedulers"] if not could_load(f"ip_vs_{name}")],
        "packages": packages.installed,
        "unfinished_packages": packages.unfinished,
        "sets_fwmarks": os.path.exists(_FWMARK_RULES),
        "check_mode": check_mode,
    }


def main() -> None:
    run_without_kernel(machine_info_module_spec(), _act)


if __name__ == "__main__":
    main()
