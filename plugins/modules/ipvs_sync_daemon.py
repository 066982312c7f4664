#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_sync_daemon
short_description: Start and stop the connection synchronisation daemons of IPVS (LVS)
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - With a sync daemon a director that fails takes no connections with it. The master tells a multicast group of its
    connections, the backup listens and learns them, and when it takes over the virtual address, they go on.
  - There is one V(master) and one V(backup) in a kernel, and they do not depend on each other. Two directors of which
    either may take over each run both.
  - Does what C(ipvsadm --start-daemon) and C(--stop-daemon) do. The daemons are threads of the kernel.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.changes
  - lvs.director._pyroute2
options:
  daemon:
    description:
      - Which of the two daemons the task is about.
    type: str
    choices: [master, backup]
    required: true
  state:
    description:
      - V(present) starts the daemon if it is not running. If it is and has other options than those given, it is
        stopped and started with the new ones; options that are not given stay as they are.
      - If the kernel refuses to start it with the new options, it is started again with the old ones, and the task
        fails.
      - V(absent) stops it.
    type: str
    choices: [present, absent]
    default: present
  interface:
    description:
      - The network interface on which the daemon sends or listens. Required with O(state=present).
      - It has to exist. For a V(master) it also has to be up, and for an IPv6 O(group) to have an IPv6 address; for an
        IPv4 group it should have an IPv4 address, because messages leave with another interface's, or none, otherwise.
    type: str
  sync_id:
    description:
      - Number from 0 to 255 which a V(master) writes into its messages. A V(backup) takes only messages with its own
        number, and with V(0) all.
      - A new daemon has V(0) unless told otherwise.
    type: int
  maximum_length:
    description:
      - Largest sync message in bytes, without IP and UDP header. A V(backup) should have no less than its master.
      - From 1, for a V(backup) from 1024, up to 65507 with an IPv4 O(group) and 65487 with an IPv6 one. Messages that are
        longer than the interface's MTU allows are sent in fragments.
      - A new V(master) has what fits into 1500 bytes unless told otherwise, V(1472) with an IPv4 group and V(1452) with an
        IPv6 one. A new V(backup) has what fits into its interface's MTU at that moment, and no less than a master.
    type: int
  group:
    description:
      - IPv4 or IPv6 multicast address. Master and backup have to agree on it.
      - A new daemon has V(224.0.0.81) unless told otherwise.
    type: str
  port:
    description:
      - UDP port, 1 to 65535. With the sysctl C(net.ipv4.vs.sync_ports) above 1, the first of so many.
      - A new daemon has V(8848) unless told otherwise.
    type: int
  ttl:
    description:
      - TTL or hop limit of the messages, 1 to 255; of meaning for a V(master).
      - A new daemon has V(1) unless told otherwise, so that messages do not leave the network.
    type: int
notes:
  - The messages are neither encrypted nor signed. Use a network that only the directors are on.
  - While a daemon runs, the kernel accepts no destination of another address family than its service's, and it starts
    none while there is one. The task fails before anything is touched then.
  - Needs Linux 4.3 or later. Daemons do not survive a reboot.
seealso:
  - module: lvs.director.ipvs_info
  - module: lvs.director.ipvs_connection_info
"""

EXAMPLES = r"""
- name: The active director tells of its connections
  lvs.director.ipvs_sync_daemon:
    daemon: master
    interface: eth1
    sync_id: 7

- name: The standby director learns them
  lvs.director.ipvs_sync_daemon:
    daemon: backup
    interface: eth1
    sync_id: 7

- name: Move on to an IPv6 group, all else stays
  lvs.director.ipvs_sync_daemon:
    daemon: backup
    interface: eth1
    group: ff02::81

- name: A director that is to be taken out of the pair learns nothing any more
  lvs.director.ipvs_sync_daemon:
    daemon: backup
    state: absent
"""

RETURN = r"""
sync_daemons:
  description:
    - All sync daemons that are running after the task, the other one included. In check mode those that would be.
    - As in RV(lvs.director.ipvs_info#module:sync_daemons).
  returned: success
  type: list
  elements: dict
  contains:
    state:
      description: V(master) or V(backup).
      type: str
      returned: success
      sample: backup
    interface:
      description: Multicast interface.
      type: str
      returned: success
      sample: eth1
    sync_id:
      description: Sync ID; 0 stands for all.
      type: int
      returned: success
      sample: 7
    maximum_length:
      description: Largest payload of a sync message, in bytes.
      type: int
      returned: success
      sample: 1472
    group:
      description: Multicast group, in canonical form.
      type: str
      returned: success
      sample: 224.0.0.81
    port:
      description: UDP port.
      type: int
      returned: success
      sample: 8848
    ttl:
      description: TTL of the multicast packets.
      type: int
      returned: success
      sample: 1
"""

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, settings_diff
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.results import sync_daemon_result
from ansible_collections.lvs.director.plugins.module_utils._options.settings import desired_from_sync_daemon_module, sync_daemon_module_spec
from ansible_collections.lvs.director.plugins.module_utils._persist.files import Store
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run


def _act(kernel: IpvsKernel, store: Store, params: dict[str, Any], check_mode: bool) -> Result:
    plan, daemons, save = converge_sync_daemon(kernel, desired_from_sync_daemon_module(params), check_mode=check_mode, store=store)
    return {
        "changed": plan.changed or save is not None,
        "diff": settings_diff(
            sync_daemon_result(plan.before) if plan.before else {},
            sync_daemon_result(plan.after) if plan.after else {},
            save,
        ),
        "sync_daemons": [sync_daemon_result(one) for one in daemons],
    }


def main() -> None:
    run(sync_daemon_module_spec(), _act)


if __name__ == "__main__":
    main()
