#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_info
short_description: Read the kernel's IPVS (LVS) table
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Returns the virtual services with their destinations, thresholds, connections and counters, the timeouts, and the
    running sync daemons.
  - Destinations are in the order in which the scheduler tries them.
options:
  services:
    description:
      - Return these services only. By default, all. A service that does not exist is left out.
    type: list
    elements: dict
    version_added: 0.2.0
    suboptions:
      protocol:
        description:
          - Protocol of the service, together with its address and port.
        type: str
        choices: [tcp, udp, sctp]
      address:
        description:
          - Virtual address of the service, IPv4 or IPv6.
        type: str
      port:
        description:
          - Port of the service; V(0) for a persistent service of all ports.
        type: int
      fwmark:
        description:
          - Firewall mark of the service, 1 to 4294967295, instead of protocol, address and port.
        type: int
      family:
        description:
          - Address family of a service with a firewall mark; the default is V(ipv4). Other services have the family of their
            address.
        type: str
        choices: [ipv4, ipv6]
  gather_subset:
    description:
      - What to return beside RV(version) and RV(connection_table_size). V(text) is RV(text), the table for people.
    type: list
    elements: str
    choices: [services, text, timeouts, sync_daemons]
    default: [services, timeouts, sync_daemons]
    version_added: 0.2.0
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.info
  - lvs.director._pyroute2
seealso:
  - module: lvs.director.ipvs_table
  - module: lvs.director.ipvs_service
  - module: lvs.director.ipvs_destination
  - module: lvs.director.ipvs_timeouts
  - module: lvs.director.ipvs_sync_daemon
  - module: lvs.director.ipvs_connection_info
"""

EXAMPLES = r"""
- name: Read the table
  lvs.director.ipvs_info:
  register: ipvs

- name: Read two services, for people
  lvs.director.ipvs_info:
    services:
      - {protocol: tcp, address: 10.211.55.3, port: 21}
      - {fwmark: 7, family: ipv6}
    gather_subset: [text]
  register: shown

- name: Print it as ipvs-director show does
  ansible.builtin.debug:
    msg: "{{ shown.text }}"

- name: How many connections each real server has
  ansible.builtin.debug:
    msg: >-
      {{ item.0.address }}:{{ item.0.port }} -> {{ item.1.address }}:{{ item.1.port }}
      {{ item.1.active_connections }} active, {{ item.1.inactive_connections }} inactive, {{ item.1.upper_threshold }} at most
  loop: "{{ ipvs.services | subelements('destinations') }}"
"""

RETURN = r"""
version:
  description: Version of IPVS in the kernel.
  returned: success
  type: str
  sample: 1.2.1
connection_table_size:
  description:
    - Number of buckets of the connection table.
    - Newer kernels (7.x) have none before there is a service, and let it grow.
  returned: success
  type: int
  sample: 4096
services:
  description: The virtual services, in the order in which the kernel lists them.
  returned: if O(gather_subset) has it
  type: list
  elements: dict
  contains:
    protocol:
      description: V(tcp), V(udp) or V(sctp), or the number of another one. Null for a firewall mark.
      type: str
      returned: success
      sample: tcp
    address:
      description: Virtual address, in canonical form. Null for a firewall mark.
      type: str
      returned: success
      sample: 10.211.55.3
    port:
      description: Port; 0 stands for all. Null for a firewall mark.
      type: int
      returned: success
      sample: 21
    fwmark:
      description: Firewall mark. Null for a service with an address.
      type: int
      returned: success
    family:
      description: V(ipv4) or V(ipv6).
      type: str
      returned: success
      sample: ipv4
    scheduler:
      description: Name of the scheduler.
      type: str
      returned: success
      sample: test
    scheduler_flags:
      description: The flags, in the scheduler's own words if it has them.
      type: list
      elements: str
      returned: success
    persistence_timeout:
      description: In seconds; 0 if the service is not persistent.
      type: int
      returned: success
      sample: 0
    persistence_netmask:
      description: Netmask (IPv4) or prefix length (IPv6) of a persistent service. Null if it is not persistent.
      type: str
      returned: success
    persistence_engine:
      description: Name of the persistence engine. Null if there is none.
      type: str
      returned: success
    one_packet:
      description: Whether each packet is scheduled separately.
      type: bool
      returned: success
      sample: false
    stats:
      description:
        - Counters since the service was added or its counters were zeroed, and the kernel's estimates of the rates.
      type: dict
      returned: success
      contains: &stats
        connections:
          description: Connections scheduled.
          type: int
          returned: success
          sample: 6
        incoming_packets:
          description: Packets from clients.
          type: int
          returned: success
        outgoing_packets:
          description: Packets to clients, as far as they pass the director.
          type: int
          returned: success
        incoming_bytes:
          description: Bytes from clients.
          type: int
          returned: success
        outgoing_bytes:
          description: Bytes to clients, as far as they pass the director.
          type: int
          returned: success
        connections_per_second:
          description: Rate of connections.
          type: int
          returned: success
        incoming_packets_per_second:
          description: Rate of packets from clients.
          type: int
          returned: success
        outgoing_packets_per_second:
          description: Rate of packets to clients.
          type: int
          returned: success
        incoming_bytes_per_second:
          description: Rate of bytes from clients.
          type: int
          returned: success
        outgoing_bytes_per_second:
          description: Rate of bytes to clients.
          type: int
          returned: success
    destinations:
      description: The real servers, in the order in which the scheduler tries them.
      type: list
      elements: dict
      returned: success
      contains:
        address:
          description: Address of the real server, in canonical form.
          type: str
          returned: success
          sample: 10.211.55.253
        port:
          description: Port of the real server.
          type: int
          returned: success
          sample: 21
        forward_method:
          description:
            - V(masquerade), V(tunnel), V(direct), V(localnode) or V(bypass), or the number of another one.
          type: str
          returned: success
          sample: masquerade
        weight:
          description: Weight; a destination with 0 gets no new connections.
          type: int
          returned: success
          sample: 1
        upper_threshold:
          description: Connections with which the destination is overloaded; 0 if there is no limit.
          type: int
          returned: success
          sample: 4
        lower_threshold:
          description: An overloaded destination takes connections again when it has fewer.
          type: int
          returned: success
          sample: 1
        tunnel_type:
          description: V(ipip), V(gue) or V(gre). Null unless it is reached by a tunnel.
          type: str
          returned: success
        tunnel_port:
          description: UDP port of a V(gue) tunnel's other end. Null for others.
          type: int
          returned: success
        tunnel_flags:
          description: V(csum) or V(remcsum), if set.
          type: list
          elements: str
          returned: success
        full:
          description:
            - Whether it is overloaded - true from RV(services[].destinations[].upper_threshold) on, false below its lower threshold.
            - Null in between, where the kernel does not tell. It is overloaded there if it has been full since it last had fewer
              connections than the lower threshold.
          type: bool
          returned: success
          version_added: 0.2.0
        effective_weight:
          description: Weight in the kernel, 0 while the destination is drained or held.
          type: int
          returned: success
          version_added: 0.2.0
        share:
          description: How much of its weight it has in the kernel, in percent. Less than 100 while it comes back in steps.
          type: int
          returned: success
          version_added: 0.2.0
        drained:
          description: Whether an operator has drained it (M(lvs.director.ipvs_destination)).
          type: bool
          returned: success
          version_added: 0.2.0
        held:
          description: Whether a failed health check keeps new connections away from it.
          type: bool
          returned: success
          version_added: 0.2.0
        held_since:
          description: Since when it is held, in seconds since 1970. Null if it is not.
          type: float
          returned: success
          version_added: 0.2.0
        held_reason:
          description: Why it is held. Null if it is not.
          type: str
          returned: success
          version_added: 0.2.0
        active_connections:
          description: Established connections.
          type: int
          returned: success
          sample: 4
        inactive_connections:
          description: Connections in all other states, also those that are being opened or closed.
          type: int
          returned: success
          sample: 0
        persistent_connections:
          description: Templates that bind persistent clients to this destination.
          type: int
          returned: success
          sample: 0
        stats:
          description: Counters as those of the service.
          type: dict
          returned: success
          contains: *stats
text:
  description: Lines of the table for people, as C(ipvs-director show) prints them.
  returned: if O(gather_subset) has it
  type: list
  elements: str
  version_added: 0.2.0
  sample:
    - tcp 10.211.55.3:21 scheduler test
    - "  -> 10.211.55.253:21 masquerade weight 1 upper_threshold 4 lower_threshold 1 connections 4+0 FULL"
timeouts:
  description: Timeouts of connections.
  returned: if O(gather_subset) has it
  type: dict
  contains:
    tcp:
      description: Of an established TCP connection, in seconds.
      type: int
      returned: success
      sample: 900
    tcp_fin:
      description: Of a TCP connection after a FIN, in seconds.
      type: int
      returned: success
      sample: 120
    udp:
      description: Of a UDP connection, in seconds.
      type: int
      returned: success
      sample: 300
sync_daemons:
  description: The connection synchronisation daemons that are running.
  returned: if O(gather_subset) has it
  type: list
  elements: dict
  contains:
    state:
      description: V(master) or V(backup).
      type: str
      returned: success
      sample: master
    interface:
      description: Multicast interface.
      type: str
      returned: success
      sample: eth1
    sync_id:
      description: Sync ID; 0 stands for all.
      type: int
      returned: success
      sample: 0
    maximum_length:
      description: Largest payload of a sync message, in bytes.
      type: int
      returned: success
      sample: 1472
    group:
      description: Multicast group.
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

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ansible_collections.lvs.director.plugins.module_utils._model.results import sync_daemon_result
from ansible_collections.lvs.director.plugins.module_utils._model.table import Observed
from ansible_collections.lvs.director.plugins.module_utils._options.common import SERVICE_KEY_SPEC, service_key
from ansible_collections.lvs.director.plugins.module_utils._persist.quiescent import held_reasons, service_results
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store


SUBSETS = ("services", "text", "timeouts", "sync_daemons")


def info_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {
            "services": {"type": "list", "elements": "dict", "options": SERVICE_KEY_SPEC},
            "gather_subset": {
                "type": "list",
                "elements": "str",
                "choices": list(SUBSETS),
                "default": [name for name in SUBSETS if name != "text"],
            },
        },
        "supports_check_mode": True,
    }


def _act(kernel: IpvsKernel, _store: Store, params: dict[str, Any], _check_mode: bool) -> Result:
    subsets = set(params["gather_subset"])
    only = None
    if params["services"] is not None:
        only = [service_key(f"services[{index}]", each) for index, each in enumerate(params["services"])]
    table = list(kernel.read_table(only=only)) if subsets & {"services", "text"} else []
    result: Result = {"changed": False, "warnings": list(_unnamed(table)), **kernel.read_info()._asdict()}
    if "services" in subsets:
        result["services"] = service_results(table)
    if "text" in subsets:
        from ansible_collections.lvs.director.plugins.module_utils._plan.table_lines import table_lines  # noqa: PLC0415 (compiled only where it is used)

        result["text"] = list(table_lines(sorted(table, key=lambda observed: observed.entry.service.key.order), held_reasons()))
    if "timeouts" in subsets:
        result["timeouts"] = kernel.read_timeouts()._asdict()
    if "sync_daemons" in subsets:
        result["sync_daemons"] = [sync_daemon_result(daemon) for daemon in kernel.read_sync_daemons()]
    return result


def _unnamed(table: list[Observed]) -> Iterator[str]:
    """Yield a warning for each entry with a number that has no word."""
    for (service, destinations), _stats, _counters in table:
        if service.key.foreign:
            yield f"Service {service.key} is not of TCP, UDP or SCTP, and IPVS schedules nothing else. Another program made it"
        for destination in destinations:
            if destination.foreign:
                yield (
                    f"Destination {destination.key} of service {service.key} has forwarding method "
                    f"{destination.forward_method} with tunnel type {destination.tunnel_type}, of which the kernel knows nothing. "
                    "Another program made it"
                )


def main() -> None:
    run(info_module_spec(), _act)


if __name__ == "__main__":
    main()
