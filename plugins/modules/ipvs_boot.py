#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_boot
short_description: Restore the IPVS (LVS) table at boot
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Installs the program C(ipvs-director) and the systemd units that run it, enables and starts them, and creates the file
    C(/var/lib/lvs.director/table.json). From then on, every module of this collection saves its changes there.
  - C(ipvs-director.service) restores services with their destinations, and timeouts, before any interface is configured.
    C(ipvs-director-network.service) then starts sync daemons and adds virtual addresses, as soon as their interfaces exist.
  - If a saved entry cannot be restored, the journal names it, everything else is restored, and the unit fails with exit status 4.
    The module does not start such a unit again, but warns about it.
  - C(ipvs-director --help) lists the program's commands, for example C(ipvs-director show) and C(ipvs-director diff).
  - Keeps the units and the file of version 0.1.0, and removes its program C(ipvs-director-restore).
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.machine
options:
  fallback_scheduler:
    description:
      - Scheduler for services whose own is missing when the table is restored, for example after a kernel upgrade. Their
        destinations get weights that fall in list order.
      - If this is empty, such services are not restored.
    type: str
    default: ""
  clear_on_stop:
    description:
      - Whether C(systemctl stop ipvs-director), and a shutdown, removes the saved services, sync daemons and virtual addresses
        from the kernel.
    type: bool
    default: false
  kernel_modules:
    description:
      - Kernel modules to load before the table is restored. Missing ones are skipped.
    type: list
    elements: str
    default: [ip_vs]
  sysctl_file:
    description:
      - File of kernel parameters to apply before the table is restored, because C(net.ipv4.vs) only exists while C(ip_vs) is
        loaded. The file may be missing.
    type: str
    default: /etc/sysctl.d/zz-ipvs_director.conf
  resync:
    description:
      - Whether this director keeps its connections in step with those of the other directors of a sync group, which the kernel's
        sync daemons alone do not. A unit runs C(ipvs-director resync --watch) for that. It uses the group, interface and sync ID of the
        running daemons (M(lvs.director.ipvs_sync_daemon)), and waits until there is one.
    type: bool
    default: false
  metrics:
    description:
      - Whether this director writes metrics for Prometheus four times a minute, which the C(ipvs) collector of the node exporter does
        not have - full and drained destinations, differences from the saved table, missing schedulers, sync daemons. A timer runs
        C(ipvs-director metrics) for that.
      - The node exporter itself is not installed. While O(metrics_directory) is missing, the module warns, and nothing is written.
    type: bool
    default: false
  metrics_directory:
    description:
      - Directory in which the node exporter reads text files, its option C(--collector.textfile.directory). The default is that of
        Debian's package C(prometheus-node-exporter).
    type: str
    default: /var/lib/prometheus/node-exporter
  state:
    description:
      - V(absent) removes the saved services, sync daemons and virtual addresses from the kernel, then the units, the program and
        the file.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: lvs.director.ipvs_table
  - module: lvs.director.ipvs_vip
"""

EXAMPLES = r"""
- name: Restore the table at boot; without the scheduler test, services use fo
  lvs.director.ipvs_boot:
    kernel_modules: [ip_vs, ip_vs_test]
    fallback_scheduler: fo

- name: Write metrics for the node exporter, which reads text files in another directory than Debian's
  lvs.director.ipvs_boot:
    metrics: true
    metrics_directory: /var/lib/node_exporter/textfile_collector

- name: Also keep connections in step with the other director, and apply kernel parameters of another file
  lvs.director.ipvs_boot:
    resync: true
    sysctl_file: /etc/sysctl.d/90-director.conf

- name: Clear the table when the unit stops
  lvs.director.ipvs_boot:
    clear_on_stop: true

- name: Remove the saved table, the units and the program
  lvs.director.ipvs_boot:
    state: absent
"""

RETURN = r"""
steps:
  description: The changes, in order; in check mode, the predicted ones.
  returned: success
  type: list
  elements: str
  sample: [write /usr/local/sbin/ipvs-director, write /etc/systemd/system/ipvs-director.service, start ipvs-director.service]
"""

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import boot, metrics_timer
from ansible_collections.lvs.director.plugins.module_utils._machine.program import sources
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import converge, result
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel


def boot_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {
            "fallback_scheduler": {"type": "str", "default": ""},
            "clear_on_stop": {"type": "bool", "default": False},
            "kernel_modules": {"type": "list", "elements": "str", "default": ["ip_vs"]},
            "sysctl_file": {"type": "str", "default": "/etc/sysctl.d/zz-ipvs_director.conf"},
            "resync": {"type": "bool", "default": False},
            "metrics": {"type": "bool", "default": False},
            "metrics_directory": {"type": "str", "default": "/var/lib/prometheus/node-exporter"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        "supports_check_mode": True,
    }


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    if params["state"] == "absent":
        return result(converge(boot.plan_absent, check_mode=check_mode))
    wanted = boot.Boot(
        params["fallback_scheduler"],
        params["clear_on_stop"],
        params["kernel_modules"],
        params["sysctl_file"],
        params["resync"],
        params["metrics_directory"] if params["metrics"] else "",
    )
    boot.check(wanted)
    program = sources()
    done = result(converge(lambda: boot.plan(wanted, program), check_mode=check_mode))
    exporter = metrics_timer.no_exporter_as_warning(wanted.metrics_directory) if wanted.metrics_directory else ""
    return {**done, "warnings": [*boot.incomplete(), *([exporter] if exporter else [])]}


def _bring_along() -> None:
    """Never called. Ansible sends a module together with its imports, and the program is built from the files that were sent."""
    import ansible_collections.lvs.director.plugins.module_utils._program.everything  # noqa: F401, PLC0415


def main() -> None:
    run_without_kernel(boot_module_spec(), _act)


if __name__ == "__main__":
    main()
