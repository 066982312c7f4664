#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_table
short_description: Manage many virtual services of IPVS (LVS) at once
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Reads the IPVS table once, computes the difference to O(services), and sends only the changes.
  - Edits entries in place where the kernel can. Established connections survive, even when destinations change their
    order. A service that has an eligible destination before and after the task has one all the time.
  - Does the whole task or nothing. If the kernel refuses a step, the steps before it are undone, and the error names
    the step. If the task is killed, the next run completes it.
  - Two runs of this collection never change the table at the same time; the second waits for the first. Changes that
    another program makes at the same time are detected and reported.
  - Never flushes the table. With O(purge), unlisted services are deleted one by one, only inside of O(scope).
  - One task handles ten thousand destinations. In a loop over M(lvs.director.ipvs_service), each service costs the
    time of a task.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.changes
  - lvs.director._pyroute2
options:
  services:
    description:
      - The services, each with the options of M(lvs.director.ipvs_service). Options that are not given keep their
        value. Required unless O(zero_counters=true).
    type: list
    elements: dict
    suboptions:
      state:
        description:
          - Whether the service should exist.
        type: str
        choices: [present, absent]
        default: present
      protocol:
        description:
          - Protocol of the service; given together with O(services[].address) and O(services[].port).
        type: str
        choices: [tcp, udp, sctp]
      address:
        description:
          - Virtual address of the service, IPv4 or IPv6.
        type: str
      port:
        description:
          - Port of the service. V(0) stands for all ports and needs a persistent service.
        type: int
      fwmark:
        description:
          - Firewall mark of the service, 1 to 4294967295, instead of O(services[].protocol), O(services[].address) and O(services[].port).
        type: int
      family:
        description:
          - Address family of a service with a firewall mark; the default is V(ipv4). Other services have the family
            of their address.
        type: str
        choices: [ipv4, ipv6]
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
          - The meaning of V(flag-1), V(flag-2) and V(flag-3) depends on the scheduler. V(sh-fallback) and V(sh-port)
            are other names of the first two for the scheduler V(sh), V(mh-fallback) and V(mh-port) for V(mh).
        type: list
        elements: str
        choices: [flag-1, flag-2, flag-3, sh-fallback, sh-port, mh-fallback, mh-port]
      persistence_timeout:
        description:
          - Persistence timeout in seconds, up to 2678400 (31 days); V(0) turns persistence off.
          - A client of a persistent service goes to the same destination until it has had no connection for that
            time.
          - A persistent client stays with its destination even if that is overloaded.
        type: int
      persistence_netmask:
        description:
          - Netmask that groups the clients of a persistent service; all clients of a network go to the same
            destination.
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
          - Other destinations of the service stay unless O(services[].exclusive_destinations=true). Listed ones that
            have to move go before them.
          - The kernel adds destinations only at the head of its list, so a destination moves by being deleted and
            added again. As few as possible move. Their connections survive if the sysctl
            C(net.ipv4.vs.expire_nodest_conn) is 0.
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
              - Number of connections, active and inactive, at which the destination is overloaded and gets no new
                ones. V(0) sets no limit.
            type: int
          lower_threshold:
            description:
              - An overloaded destination gets new connections again when it has fewer than this. V(1) means when it
                has none.
              - V(0) means three quarters of O(services[].destinations[].upper_threshold).
              - Must not be greater than O(services[].destinations[].upper_threshold).
            type: int
          tunnel_type:
            description:
              - Encapsulation with O(services[].destinations[].forward_method=tunnel). The default is V(ipip).
            type: str
            choices: [ipip, gue, gre]
          tunnel_port:
            description:
              - UDP port of the tunnel on the real server. Required for V(gue), refused for the others.
            type: int
          tunnel_flags:
            description:
              - Checksum of the encapsulation - V(nocsum) or V(csum) for V(gue) and V(gre), V(remcsum) (remote
                checksum offload) for V(gue) only. Give one.
            type: list
            elements: str
            choices: [nocsum, csum, remcsum]
      exclusive_destinations:
        description:
          - Remove the destinations that are not in O(services[].destinations). The default is
            O(exclusive_destinations).
        type: bool
      ordered:
        description:
          - Move existing destinations into the order of O(services[].destinations). With V(false), only new ones go
            to the head of the list, in their order.
          - The default is V(true) for the schedulers V(test), V(mh), V(sh) and V(dh), and V(false) for all others.
        type: bool
  exclusive_destinations:
    description:
      - Remove the destinations that are not listed, from each service that lists destinations and does not say
        otherwise.
      - The default is the value of O(purge).
    type: bool
  scope:
    description:
      - The parts of the table that belong to this task. A listed service outside of them is an error, and other
        services outside are never touched.
      - Required with O(purge).
    type: list
    elements: dict
    suboptions:
      addresses:
        description:
          - Services whose address is in a network (V(10.211.55.0/24), V(2001:db8::/64)), in a range
            (V(10.0.0.1-10.0.0.9)), or this one.
        type: str
      protocol:
        description:
          - Only services of this protocol. Without O(scope[].addresses), all of them.
        type: str
        choices: [tcp, udp, sctp]
      fwmarks:
        description:
          - Services whose firewall mark is in a range (V(100-199)), or this one.
        type: str
      family:
        description:
          - Only services of this family, together with O(scope[].fwmarks).
        type: str
        choices: [ipv4, ipv6]
  purge:
    description:
      - Delete the services inside O(scope) that are not in O(services), and the destinations of listed services that are not
        listed (but see O(exclusive_destinations)).
      - Services of other protocols than TCP, UDP and SCTP stay. To delete one, list it with O(services[].state=absent) and
        O(strict=false).
    type: bool
    default: false
  zero_counters:
    description:
      - Set the counters of the services in O(services) to zero, as C(ipvsadm -Z) does. Without O(services), those of
        the whole table.
    type: bool
    default: false
  strict:
    description:
      - Refuse what the kernel accepts but does not work as it looks - another port than the service's with a
        forwarding method that does not rewrite ports, a service of all ports that is not persistent, one-packet
        scheduling of anything but UDP, a persistence timeout of more than 31 days.
      - With V(false) the task declares such entries as they are, and warns of each. Use it to take over a table that
        another program made, as M(lvs.director.ipvs_info) returns it; then protocols and methods that have no word may be
        given by their numbers. What is set like this is restored at boot too.
    type: bool
    default: true
    version_added: 0.2.0
seealso:
  - module: lvs.director.ipvs_service
  - module: lvs.director.ipvs_destination
  - module: lvs.director.ipvs_info
"""

EXAMPLES = r"""
- name: Have these services and no others in a network
  lvs.director.ipvs_table:
    services:
      - protocol: tcp
        address: 10.211.55.3
        port: 21
        scheduler: test
        destinations:
          - {address: 10.211.55.253, forward_method: masquerade, upper_threshold: 4, lower_threshold: 1}
          - {address: 10.211.55.252, forward_method: masquerade, upper_threshold: 4, lower_threshold: 1}
      - fwmark: 80
        scheduler: wlc
        persistence_timeout: 300
        destinations:
          - {address: 10.211.55.251, forward_method: direct, weight: 10}
          - {address: 10.211.55.250, forward_method: direct, weight: 10}
    purge: true
    scope:
      - {addresses: 10.211.55.0/24}
      - {fwmarks: 80-89}

- name: Swap the servers, and give the second one a new weight (connections survive)
  lvs.director.ipvs_table:
    services:
      - protocol: tcp
        address: 10.211.55.3
        port: 21
        destinations:
          - {address: 10.211.55.252}
          - {address: 10.211.55.253, weight: 2}

- name: Take one server out of service when its connections have ended
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.253
    state: drained

- name: Show what would be purged
  lvs.director.ipvs_table:
    services: []
    purge: true
    scope:
      - {addresses: 10.211.55.0/24, protocol: udp}
  check_mode: true
  diff: true

- name: Hash clients over IPv6 servers by a mark, answer DNS packet by packet, and keep calls of SIP together
  lvs.director.ipvs_table:
    services:
      - fwmark: 81
        family: ipv6
        scheduler: mh
        scheduler_flags: [mh-fallback]
        persistence_timeout: 60
        persistence_netmask: 64
        destinations:
          - {address: "2001:db8::11", port: 0, forward_method: tunnel, tunnel_type: gue, tunnel_port: 6080, tunnel_flags: [csum]}
        # Others that are in the kernel stay, and those that are listed stay where they are.
        exclusive_destinations: false
        ordered: false
      - {protocol: udp, address: 10.211.55.3, port: 53, one_packet: true, destinations: [{address: 10.211.55.251, port: 53}]}
      - {protocol: udp, address: 10.211.55.3, port: 5060, persistence_timeout: 600, persistence_engine: sip}
      - {protocol: tcp, address: 10.211.55.3, port: 2121, state: absent}
    # Of all other services listed here.
    exclusive_destinations: true

- name: Purge marks of IPv6 alone, and take a service that does not work as it looks
  lvs.director.ipvs_table:
    services:
      - {fwmark: 82, family: ipv6, destinations: [{address: "2001:db8::12", port: 8080, forward_method: direct}]}
    strict: false
    purge: true
    scope:
      - {fwmarks: 80-89, family: ipv6}

- name: Set all counters to zero
  lvs.director.ipvs_table:
    zero_counters: true
"""

RETURN = r"""
added_services:
  description: The services that were added (in check mode, would be), in the order in which they were listed.
  returned: success
  type: list
  elements: dict
  sample:
    - {protocol: tcp, address: 10.211.55.3, port: 21, fwmark: null, family: ipv4}
changed_services:
  description:
    - The services that were there and were changed, themselves or their destinations, in the order in which they were listed.
    - What they were and what they are now is in the task's diff, and M(lvs.director.ipvs_info) reads the whole table.
  returned: success
  type: list
  elements: dict
  sample:
    - {protocol: null, address: null, port: null, fwmark: 80, family: ipv4}
removed_services:
  description: The services that were deleted, because they were listed with C(state=absent) or not listed at all.
  returned: success
  type: list
  elements: dict
  sample:
    - {protocol: udp, address: 10.211.55.3, port: 53, fwmark: null, family: ipv4}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.lvs.director.plugins.module_utils._apply.results import change_result
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._model.results import key_values
from ansible_collections.lvs.director.plugins.module_utils._options.table import (
    desired_from_table_module,
    number_of_services,
    table_module_spec,
)
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store


def _read(params: dict[str, Any]) -> DesiredTable:
    try:
        return desired_from_table_module(params)
    finally:
        # Not needed any more, and large. Besides, Ansible would send all of it back, after having looked for secrets in it.
        services = params["services"]
        if services is not None:
            params["services"] = f"{number_of_services(services)} services"
            services.clear()  # AnsibleModule holds the same list once more


def _act(kernel: IpvsKernel, store: Store, desired: DesiredTable, check_mode: bool) -> Result:
    outcome = converge(kernel, desired, check_mode=check_mode, store=store)
    changed = outcome.plan.changed_services
    return {
        **change_result(outcome),
        "added_services": [key_values(planned.key) for planned in changed if planned.before is None],
        "changed_services": [key_values(planned.key) for planned in changed if planned.before and planned.after],
        "removed_services": [key_values(planned.key) for planned in changed if planned.after is None],
    }


def main() -> None:
    run(table_module_spec(), _act, read=_read, recorded_as="ipvs_table")


if __name__ == "__main__":
    main()
