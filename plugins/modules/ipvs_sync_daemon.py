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
  - The master sends connections to a multicast group, and the backup receives them. When the backup takes over the virtual
    address, the connections go on that it knows of.
  - With the kernel's defaults, that is not all of them. A connection is sent with its third packet, and then with every fiftieth,
    so slow ones expire on the backup; and a director that was away learns of idle connections never. The role
    P(lvs.director.ipvs_director#role) sets C(net.ipv4.vs.sync_threshold), C(sync_refresh_period) and C(sync_retries) for a pair, and has
    the unit of O(lvs.director.ipvs_boot#module:resync) tell what the kernel does not.
  - A kernel has one V(master) and one V(backup), independent of each other. Two directors that can take over from
    each other run both.
  - Does what C(ipvsadm --start-daemon) and C(--stop-daemon) do. The daemons are threads of the kernel.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.changes
  - lvs.director._pyroute2
options:
  daemon:
    description:
      - The daemon that the task is about.
    type: str
    choices: [master, backup]
    required: true
  state:
    description:
      - V(present) starts the daemon if it is not running. If it runs with other options, it is stopped and started
        with the new ones. Options that are not given keep their value.
      - If the kernel refuses the new options, the daemon is started again with the old ones, and the task fails.
      - V(absent) stops it.
    type: str
    choices: [present, absent]
    default: present
  interface:
    description:
      - The network interface on which the daemon sends or listens. Required with O(state=present).
      - It must exist. For a V(master) it must also be up, and have an IPv6 address if O(group) is IPv6. For an IPv4
        group it should have an IPv4 address; otherwise messages are sent with the address of another interface, or
        none.
    type: str
  sync_id:
    description:
      - Number from 0 to 255 that a V(master) writes into its messages. A V(backup) accepts only messages with its own
        number, and with V(0) all.
      - The default for a new daemon is V(0).
    type: int
  maximum_length:
    description:
      - Largest sync message in bytes, without IP and UDP header. A V(backup) should have at least the length of its
        master.
      - From 1, for a V(backup) from 1024, up to 65507 with an IPv4 O(group) and 65487 with an IPv6 one. Messages that are
        longer than the interface's MTU allows are sent in fragments.
      - The default for a new V(master) fits into 1500 bytes - V(1472) with an IPv4 group, V(1452) with an IPv6 one.
        The default for a new V(backup) fits into the current MTU of its interface, and is at least that of a master.
    type: int
  group:
    description:
      - IPv4 or IPv6 multicast address, the same on master and backup. The kernel takes no unicast address.
      - The default for a new daemon is V(224.0.0.81).
    type: str
  port:
    description:
      - UDP port, 1 to 65535. If the sysctl C(net.ipv4.vs.sync_ports) is greater than 1, the first of that many.
      - The default for a new daemon is V(8848).
    type: int
  ttl:
    description:
      - TTL or hop limit of the messages, 1 to 255. Only a V(master) uses it.
      - The default for a new daemon is V(1), which keeps messages in the local network.
    type: int
notes:
  - The messages are neither encrypted nor signed. Use a network of the directors alone.
  - While a daemon runs, the kernel refuses destinations of another address family than their service; while there is
    such a destination, it refuses to start a daemon. The task fails before it changes anything.
  - Needs Linux 4.3 or later. Daemons do not survive a reboot.
seealso:
  - module: lvs.director.ipvs_info
  - module: lvs.director.ipvs_connection_info
"""

EXAMPLES = r"""
- name: Send the connections of the active director
  lvs.director.ipvs_sync_daemon:
    daemon: master
    interface: eth1
    sync_id: 7

- name: Receive them on the standby director
  lvs.director.ipvs_sync_daemon:
    daemon: backup
    interface: eth1
    sync_id: 7

- name: Use another group and port, cross a router, and fill larger packets
  lvs.director.ipvs_sync_daemon:
    daemon: master
    interface: eth1
    sync_id: 7
    group: 239.1.1.81
    port: 8849
    ttl: 2
    maximum_length: 1400

- name: Change to an IPv6 group, and nothing else
  lvs.director.ipvs_sync_daemon:
    daemon: backup
    interface: eth1
    group: ff02::81

- name: Stop the backup on a director that leaves the pair
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

from typing import TYPE_CHECKING

from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, settings_diff
from ansible_collections.lvs.director.plugins.module_utils._model.results import sync_daemon_result
from ansible_collections.lvs.director.plugins.module_utils._options.settings import desired_from_sync_daemon_module, sync_daemon_module_spec
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store


def _act(kernel: IpvsKernel, store: Store, desired: DesiredSyncDaemon, check_mode: bool) -> Result:
    plan, daemons, save, warnings = converge_sync_daemon(kernel, desired, check_mode=check_mode, store=store)
    return {
        "changed": plan.changed or save is not None,
        "diff": settings_diff(
            f"sync daemon {plan.state}",
            sync_daemon_result(plan.before) if plan.before else {},
            sync_daemon_result(plan.after) if plan.after else {},
            save,
        ),
        "sync_daemons": [sync_daemon_result(daemon) for daemon in daemons],
        "warnings": list(warnings),
    }


def main() -> None:
    run(sync_daemon_module_spec(), _act, read=desired_from_sync_daemon_module)


if __name__ == "__main__":
    main()
