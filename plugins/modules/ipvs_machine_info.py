#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_machine_info
short_description: Check whether a machine can become an IPVS (LVS) director
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Returns the facts that decide whether a machine can run IPVS with this collection's scheduler, and which of the needed
    packages are installed.
  - The role P(lvs.director.ipvs_director#role) begins with this module. It needs neither C(ip_vs) nor pyroute2, so it works on
    a new machine.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.info
options:
  packages:
    description:
      - Names of packages to look for, or shell patterns such as V(linux-headers-*).
    type: list
    elements: str
    default: []
  schedulers:
    description:
      - Names of schedulers to look for in the running kernel.
    type: list
    elements: str
    default: []
  interfaces:
    description:
      - Names of network interfaces to look for.
    type: list
    elements: str
    default: []
  certificate:
    description:
      - Certificate of the key with which DKMS signs modules, if DKMS's configuration names none.
    type: path
    default: /var/lib/dkms/mok.pub
notes:
  - The module reads the facts each time. Ansible's own facts may come from a cache, and name the kernel that ran before the last
    reboot.
seealso:
  - module: lvs.director.ipvs_scheduler
  - module: lvs.director.ipvs_info
"""

EXAMPLES = r"""
- name: Check whether this machine can become a director
  lvs.director.ipvs_machine_info:
    packages: [dkms, linux-headers-*]
    schedulers: [fo]
    interfaces: [eth1]
  register: machine

- name: Check with which certificate DKMS signs, if its configuration names none
  lvs.director.ipvs_machine_info:
    certificate: /var/lib/shim-signed/mok/MOK.der

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
  description: Whether the kernel only loads modules signed with a key that it trusts (Secure Boot, or C(module.sig_enforce=1)).
  returned: success
  type: bool
  sample: false
certificate:
  description: Certificate of the key with which DKMS signs modules. It need not exist yet.
  returned: success
  type: str
  sample: /var/lib/dkms/mok.pub
has_ip_vs:
  description: Whether the running kernel has C(ip_vs), or can load it.
  returned: success
  type: bool
  sample: true
missing_schedulers:
  description: The O(schedulers) that the running kernel neither has nor can load.
  returned: success
  type: list
  elements: str
  sample: []
interfaces:
  description: The network interfaces that the machine has.
  returned: success
  type: list
  elements: str
  sample: [eth0, eth1, lo]
missing_interfaces:
  description: The O(interfaces) that the machine lacks.
  returned: success
  type: list
  elements: str
  sample: []
packages:
  description:
    - The installed packages that match O(packages).
    - On systems with RPM, each is listed twice, by its name, and with its version and architecture.
  returned: success
  type: list
  elements: str
  sample: [dkms, linux-headers-6.12.107+deb13-cloud-amd64]
unfinished_packages:
  description: Packages that are unpacked but not configured, because an installation failed.
  returned: success
  type: list
  elements: str
  sample: []
sets_fwmarks:
  description: Whether M(lvs.director.ipvs_fwmark) sets firewall marks on this machine.
  returned: success
  type: bool
  sample: false
saved_schedulers:
  description: Schedulers of the services that are restored at boot.
  returned: success
  type: list
  elements: str
  version_added: 0.2.0
  sample: [test, wlc]
has_vrrp:
  description: Whether the role has given VRRP instances to keepalived on this machine.
  returned: success
  type: bool
  sample: false
has_health:
  description: Whether M(lvs.director.ipvs_health) runs health checks on this machine.
  returned: success
  type: bool
  sample: false
check_mode:
  description: Whether the task ran in check mode, by C(--check) or the keyword C(check_mode).
  returned: success
  type: bool
  sample: false
"""

import os
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._kernel.modules import could_load
from ansible_collections.lvs.director.plugins.module_utils._machine import machine, scheduler
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel

# ipvs_fwmark writes this file first and removes it last.
_FWMARK_RULES = "/etc/ipvs_director_fwmark.nft"
# Of ipvs_vrrp: what it writes first, and what it removes last.
_VRRP = ("/etc/keepalived/conf.d/ipvs_director.conf", "/etc/systemd/system/ipvs-director-ready.service")
# Of ipvs_health: what it writes first, and removes last.
_HEALTH = "/var/lib/lvs.director/health.json"


def machine_info_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {
            "packages": {"type": "list", "elements": "str", "default": []},
            "schedulers": {"type": "list", "elements": "str", "default": []},
            "interfaces": {"type": "list", "elements": "str", "default": []},
            "certificate": {"type": "path", "default": machine.CERTIFICATE},
        },
        "supports_check_mode": True,
    }


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    packages = machine.packages(params["packages"])
    interfaces = machine.interfaces()
    return {
        "changed": False,
        "kernel": os.uname().release,
        "root": os.geteuid() == 0,
        "may_load_modules": machine.may_load_modules(),
        "wants_signed_modules": machine.wants_signed_modules(),
        "certificate": machine.certificate(params["certificate"]),
        "has_ip_vs": machine.has_ip_vs(),
        "missing_schedulers": [name for name in params["schedulers"] if not could_load(f"ip_vs_{name}")],
        "interfaces": interfaces,
        "missing_interfaces": [name for name in dict.fromkeys(params["interfaces"]) if name not in interfaces],
        "saved_schedulers": scheduler.saved_schedulers(),
        "packages": packages.installed,
        "unfinished_packages": packages.unfinished,
        "sets_fwmarks": os.path.exists(_FWMARK_RULES),
        "has_vrrp": any(map(os.path.lexists, _VRRP)),
        "has_health": os.path.lexists(_HEALTH),
        "check_mode": check_mode,
    }


def main() -> None:
    run_without_kernel(machine_info_module_spec(), _act)


if __name__ == "__main__":
    main()
