#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_service
short_description: Manage a virtual service of IPVS (LVS)
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Adds, edits and deletes one virtual service in the kernel's IPVS table, and optionally its destinations (real
    servers).
  - Edits entries in place where the kernel can. Established connections survive, even when destinations change their
    order.
  - Does the whole task or nothing. If the kernel refuses a step, the steps before it are undone.
  - O(destinations) are in the order in which the scheduler tries them. The order matters for the schedulers V(test),
    V(sh), V(dh) and V(mh), and for V(fo) with equal weights. C(ipvsadm -L) sorts its output unless told C(--nosort).
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.changes
  - lvs.director._pyroute2
  - lvs.director._service_key
options:
  state:
    description:
      - V(present) adds the service, or edits it. Options that are not given keep their value.
      - V(absent) deletes the service and its destinations. The kernel then drops the packets of its connections.
    type: str
    choices: [present, absent]
    default: present
  scheduler:
    description:
      - Name of the scheduler, such as V(test), V(fo), V(rr), V(wlc) or V(mh). V(none) is a service without a
        scheduler.
      - The kernel has it built in, or loads the module C(ip_vs_NAME).
      - The default for a new service is V(wlc).
    type: str
  scheduler_flags:
    description:
      - Flags of the scheduler; an empty list clears them.
      - The meaning of V(flag-1), V(flag-2) and V(flag-3) depends on the scheduler. V(sh-fallback) and V(sh-port) are
        other names of the first two for the scheduler V(sh), V(mh-fallback) and V(mh-port) for V(mh).
    type: list
    elements: str
    choices: [flag-1, flag-2, flag-3, sh-fallback, sh-port, mh-fallback, mh-port]
  persistence_timeout:
    description:
      - Persistence timeout in seconds, up to 2678400 (31 days); V(0) turns persistence off.
      - A client of a persistent service goes to the same destination until it has had no connection for that time.
      - A persistent client stays with its destination even if that is overloaded.
    type: int
  persistence_netmask:
    description:
      - Netmask that groups the clients of a persistent service; all clients of a network go to the same destination.
      - A netmask (V(255.255.255.0)) or a prefix length from V(0) to V(32) for IPv4, a prefix length from V(1) to
        V(128) for IPv6. By default each address is a client.
    type: str
  persistence_engine:
    description:
      - Name of a persistence engine, such as V(sip). The kernel loads the module C(ip_vs_pe_NAME).
      - An empty string removes the engine.
    type: str
  one_packet:
    description:
      - Schedule each UDP packet separately and keep no connection. For UDP and firewall marks only.
    type: bool
  destinations:
    description:
      - Destinations of the service, in the order in which the scheduler tries them.
      - Other destinations of the service stay unless O(exclusive_destinations=true). Listed ones that have to move
        (O(ordered)) go before them.
      - The kernel adds destinations only at the head of its list, so a destination moves by being deleted and added
        again. As few as possible move. Their connections survive if the sysctl C(net.ipv4.vs.expire_nodest_conn) is
        0.
    type: list
    elements: dict
    suboptions:
      address:
        description:
          - IPv4 or IPv6 address of the real server.
        type: str
        required: true
      port:
        description:
          - Port of the real server. The default is the service's port, the only one that works with V(direct),
            V(tunnel) and V(localnode).
        type: int
      forward_method:
        description:
          - How packets reach the real server.
          - V(masquerade) is NAT, C(ipvsadm -m); V(tunnel) is C(-i); V(direct), direct routing, is C(-g).
          - V(localnode) delivers on the director itself, to one of its own addresses.
          - The default for a new destination is V(direct), as with ipvsadm.
        type: str
        choices: [masquerade, localnode, tunnel, direct]
      weight:
        description:
          - Weight of the real server relative to others. With V(0) it gets no new connections.
          - The default for a new destination is V(1).
        type: int
      upper_threshold:
        description:
          - Number of connections, active and inactive, at which the destination is overloaded and gets no new ones.
            V(0) sets no limit.
        type: int
      lower_threshold:
        description:
          - An overloaded destination gets new connections again when it has fewer than this. V(1) means when it has
            none.
          - V(0) means three quarters of O(destinations[].upper_threshold).
          - Must not be greater than O(destinations[].upper_threshold).
        type: int
      tunnel_type:
        description:
          - Encapsulation with O(destinations[].forward_method=tunnel). The default is V(ipip).
        type: str
        choices: [ipip, gue, gre]
      tunnel_port:
        description:
          - UDP port of the tunnel on the real server. Required for V(gue), refused for the others.
        type: int
      tunnel_flags:
        description:
          - Checksum of the encapsulation - V(nocsum) or V(csum) for V(gue) and V(gre), V(remcsum) (remote checksum
            offload) for V(gue) only. Give one.
        type: list
        elements: str
        choices: [nocsum, csum, remcsum]
  exclusive_destinations:
    description:
      - Remove the destinations that are not in O(destinations).
    type: bool
    default: false
  ordered:
    description:
      - Move existing destinations into the order of O(destinations). With V(false), only new ones go to the head of
        the list, in their order.
    type: bool
    default: true
  zero_counters:
    description:
      - Set the counters of the service and its destinations to zero, as C(ipvsadm -Z) does. Not a change if they are
        zero.
    type: bool
    default: false
  strict:
    description:
      - Refuse what the kernel accepts but does not work as it looks - another port than the service's with a
        forwarding method that does not rewrite ports, a service of all ports that is not persistent, one-packet
        scheduling of anything but UDP, a persistence timeout of more than 31 days.
      - With V(false) the task declares such entries as they are, and warns of each. Use it to take over a table that
        another program made, as M(lvs.director.ipvs_info) returns it. What is set like this is restored at boot too.
    type: bool
    default: true
    version_added: 0.2.0
seealso:
  - module: lvs.director.ipvs_table
  - module: lvs.director.ipvs_destination
  - module: lvs.director.ipvs_info
"""

EXAMPLES = r"""
- name: Use the second real server when the first has four connections
  lvs.director.ipvs_service:
    protocol: tcp
    address: 10.211.55.3
    port: 21
    scheduler: test
    destinations:
      - {address: 10.211.55.253, forward_method: masquerade, upper_threshold: 4, lower_threshold: 1}
      - {address: 10.211.55.252, forward_method: masquerade, upper_threshold: 4, lower_threshold: 1}

- name: Swap them (connections survive)
  lvs.director.ipvs_service:
    protocol: tcp
    address: 10.211.55.3
    port: 21
    destinations:
      - address: 10.211.55.252
      - address: 10.211.55.253

- name: Have exactly one real server for a firewall mark
  lvs.director.ipvs_service:
    fwmark: 7
    family: ipv4
    scheduler: wlc
    persistence_timeout: 300
    persistence_netmask: 24
    destinations:
      - {address: 192.0.2.11, forward_method: direct}
    exclusive_destinations: true

- name: Consistent hashing over IPv6, with ports
  lvs.director.ipvs_service:
    protocol: tcp
    address: 2001:db8::80
    port: 443
    scheduler: mh
    scheduler_flags: [mh-port]

- name: Answer each question over UDP by itself, from servers that reply to the client directly
  lvs.director.ipvs_service:
    protocol: udp
    address: 10.211.55.3
    port: 53
    scheduler: rr
    one_packet: true
    destinations:
      - {address: 10.211.55.253, forward_method: direct, weight: 2}
      - {address: 10.211.55.252, forward_method: direct, weight: 1}

- name: Keep the calls of SIP together, and start counting at zero
  lvs.director.ipvs_service:
    protocol: udp
    address: 10.211.55.3
    port: 5060
    persistence_timeout: 600
    persistence_engine: sip
    zero_counters: true

- name: Send web traffic through a GUE tunnel, and to another port by NAT
  lvs.director.ipvs_service:
    protocol: tcp
    address: 10.211.55.3
    port: 80
    destinations:
      - {address: 192.0.2.11, forward_method: tunnel, tunnel_type: gue, tunnel_port: 6080, tunnel_flags: [csum]}
      - {address: 10.211.55.253, port: 8080, forward_method: masquerade}

- name: Add a real server, and leave the others where they are
  lvs.director.ipvs_service:
    protocol: tcp
    address: 10.211.55.3
    port: 80
    destinations:
      - {address: 10.211.55.253, port: 8080}
      - {address: 10.211.55.252, port: 8080, forward_method: masquerade}
    ordered: false

- name: Take a service as another program made it, even if it does not work as it looks
  lvs.director.ipvs_service:
    protocol: tcp
    address: 10.211.55.3
    port: 0
    scheduler: rr
    strict: false

- name: Delete the service
  lvs.director.ipvs_service:
    protocol: tcp
    address: 10.211.55.3
    port: 21
    state: absent
"""

RETURN = r"""
service:
  description:
    - The service after the task, with all its destinations in the order in which the scheduler tries them, and its
      counters. In check mode as it would be, with the counters as they are.
    - As in RV(lvs.director.ipvs_info#module:services[]). Null if there is none.
  returned: success
  type: dict
  sample:
    protocol: tcp
    address: 10.211.55.3
    port: 21
    fwmark: null
    family: ipv4
    scheduler: test
    scheduler_flags: []
    persistence_timeout: 0
    persistence_netmask: null
    persistence_engine: null
    one_packet: false
    stats: {connections: 6, incoming_packets: 24}
    destinations:
      - address: 10.211.55.253
        port: 21
        forward_method: masquerade
        weight: 1
        upper_threshold: 4
        lower_threshold: 1
        tunnel_type: null
        tunnel_port: null
        tunnel_flags: []
        active_connections: 4
        inactive_connections: 0
        persistent_connections: 0
        stats: {connections: 4, incoming_packets: 16}
"""

from typing import TYPE_CHECKING

from ansible_collections.lvs.director.plugins.module_utils._apply.results import change_result, only, service_result_or_none
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._options.service import desired_from_service_module, service_module_spec
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store


def _act(kernel: IpvsKernel, store: Store, desired: DesiredTable, check_mode: bool) -> Result:
    outcome = converge(kernel, desired, check_mode=check_mode, store=store, counters=True)
    return {**change_result(outcome), "service": service_result_or_none(only(outcome))}


def main() -> None:
    run(service_module_spec(), _act, read=desired_from_service_module, recorded_as="ipvs_service")


if __name__ == "__main__":
    main()
