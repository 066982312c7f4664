#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_connection_info
short_description: List the connections of IPVS (LVS)
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Lists the connections that the director keeps, as C(ipvsadm -L -c) does, and counts them by state and by
    destination.
  - Lists templates too. A template binds a client, or a network of clients, to a destination of a persistent service.
  - The kernel does not say which service a connection belongs to. Those of a service with an address have its
    RV(connections[].protocol), RV(connections[].address) and RV(connections[].port). Those of a firewall mark have the
    addresses and ports to which the client connected, and only its templates have the mark.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.info
options:
  protocol:
    description:
      - Only connections of this protocol.
    type: str
    choices: [tcp, udp, sctp]
  address:
    description:
      - Only connections to this virtual address, IPv4 or IPv6.
    type: str
  port:
    description:
      - Only connections to this virtual port. V(0), the port of a service of all ports, matches all.
    type: int
  destination_address:
    description:
      - Only connections to the real server with this address, IPv4 or IPv6.
    type: str
  destination_port:
    description:
      - Only connections to this port of real servers. V(0) matches all.
    type: int
  client:
    description:
      - Only connections from this address or network, such as V(192.0.2.100), V(192.0.2.0/24) or V(2001:db8::/32).
    type: str
  states:
    description:
      - Only connections in one of these states, in the words of C(ipvsadm -L -c).
      - UDP connections have only the state V(UDP). V(NONE) and V(ASSURED) are states of templates; V(ASSURED) means
        that a connection was established.
    type: list
    elements: str
    choices:
      - NONE
      - ASSURED
      - ESTABLISHED
      - SYN_SENT
      - SYN_RECV
      - FIN_WAIT
      - TIME_WAIT
      - CLOSE
      - CLOSE_WAIT
      - LAST_ACK
      - LISTEN
      - SYNACK
      - UDP
      - INIT1
      - INIT
      - C-SENT
      - C-REPLIED
      - C-WAIT
      - COOKIE
      - C-ECHOED
      - S-SENT
      - S-RECEIVED
      - S-ACK-SENT
      - REJECTED
      - CLOSED
  templates:
    description:
      - Include templates of persistent services in the list and the counts (V(include)), leave them out (V(exclude)),
        or show nothing else (V(only)).
    type: str
    choices: [include, exclude, only]
    default: include
  origin:
    description:
      - Find out which connections came from another director, through M(lvs.director.ipvs_sync_daemon).
      - The kernel has a separate listing for this, which doubles the time of the task.
    type: bool
    default: false
  limit:
    description:
      - List at most this many connections; V(0) lists none. The counts include all that match.
    type: int
    default: 1000
requirements:
  - the kernel module C(ip_vs), loaded
notes:
  - In check mode, without C(ip_vs), the task warns and lists nothing, because an earlier task of the play may load it.
  - Reads the connections of the network namespace in which it runs. Needs no privileges and no library.
  - The listing is not a snapshot. A connection that comes or goes while it is read may be missing or be listed twice.
  - With very many connections the listing takes long, as C(ipvsadm -L -c) does. M(lvs.director.ipvs_info) has the
    number of connections of each destination without a listing.
seealso:
  - module: lvs.director.ipvs_info
  - module: lvs.director.ipvs_sync_daemon
"""

EXAMPLES = r"""
- name: Find the clients of a server before it is taken out
  lvs.director.ipvs_connection_info:
    destination_address: 10.211.55.253
    states: [ESTABLISHED]
    limit: 20
  register: server

- name: Print them
  ansible.builtin.debug:
    msg: "{{ server.total }} connections, among them from {{ server.connections | map(attribute='client_address') | unique | join(', ') }}"

- name: Count the connections of a service by real server and state
  lvs.director.ipvs_connection_info:
    protocol: tcp
    address: 10.211.55.3
    port: 21
    templates: exclude
    limit: 0
  register: service

- name: Find where the connections of one client go, on one port of the real servers
  lvs.director.ipvs_connection_info:
    client: 10.10.0.100
    destination_port: 21
  register: client

- name: Check that the standby director knows the connections of the active one
  lvs.director.ipvs_connection_info:
    origin: true
    limit: 0
  register: standby
  failed_when: standby is failed or standby.origins.sync | default(0) == 0
"""

RETURN = r"""
connections:
  description:
    - The connections that match, up to O(limit), in the order of the kernel's listing, which has no meaning.
  returned: success
  type: list
  elements: dict
  contains:
    protocol:
      description: V(tcp), V(udp), V(sctp), or the kernel's name of another one. Null for the template of a firewall mark.
      type: str
      returned: success
      sample: tcp
    client_address:
      description:
        - Address of the client, in canonical form. Of a template, the address of the network which the service's
          persistence netmask leaves.
      type: str
      returned: success
      sample: 10.211.55.100
    client_port:
      description: Port of the client; 0 for a template.
      type: int
      returned: success
      sample: 40000
    address:
      description: Virtual address, in canonical form. Null for the template of a firewall mark.
      type: str
      returned: success
      sample: 10.211.55.3
    port:
      description:
        - Virtual port; 0 for a template of all ports, which port 21 of a persistent service has as well. Null for the
          template of a firewall mark.
      type: int
      returned: success
      sample: 21
    fwmark:
      description: Firewall mark of a template. Null for all others.
      type: int
      returned: success
    destination_address:
      description: Address of the real server, in canonical form.
      type: str
      returned: success
      sample: 10.211.55.253
    destination_port:
      description: Port of the real server; 0 for a template of all ports.
      type: int
      returned: success
      sample: 21
    state:
      description: State, in the kernel's words; see O(states).
      type: str
      returned: success
      sample: ESTABLISHED
    expires_seconds:
      description: Seconds until the connection expires if it has no more packets.
      type: int
      returned: success
      sample: 893
    template:
      description: Whether this is the template of persistent connections.
      type: bool
      returned: success
      sample: false
    persistence_engine:
      description: Name of the persistence engine, if the service has one.
      type: str
      returned: success
    persistence_data:
      description: The engine's key for the client; for V(sip), the Call-ID.
      type: str
      returned: success
    origin:
      description:
        - V(local), or V(sync) if another director told of the connection. Null without O(origin), and if the connection
          went away meanwhile.
      type: str
      returned: success
truncated:
  description: Whether more connections match than are listed.
  returned: success
  type: bool
  sample: false
total:
  description: How many connections match.
  returned: success
  type: int
  sample: 3
states:
  description: How many of them are in each state; states without connections are left out.
  returned: success
  type: dict
  sample: {ESTABLISHED: 2, FIN_WAIT: 1}
destinations:
  description: The destinations that have some of them, by address and port.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: Address of the real server, in canonical form.
      type: str
      returned: success
      sample: 10.211.55.253
    port:
      description: Port of the real server; 0 for templates of all ports.
      type: int
      returned: success
      sample: 21
    connections:
      description: How many connections it has.
      type: int
      returned: success
      sample: 3
    states:
      description: How many it has in each state.
      type: dict
      returned: success
      sample: {ESTABLISHED: 2, FIN_WAIT: 1}
origins:
  description: How many are V(local) and how many V(sync). Null without O(origin).
  returned: success
  type: dict
  sample: {local: 3}
"""

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._kernel.connections import (
    CONNECTIONS,
    CONNECTIONS_WITH_ORIGIN,
    Connections,
    add_origins,
    connections_result,
    listing,
    read_connections,
)
from ansible_collections.lvs.director.plugins.module_utils._options.connections import (
    connection_info_module_spec,
    wanted_from_connection_info_module,
)
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel


def _act(params: dict[str, Any], _check_mode: bool) -> Result:
    wanted = wanted_from_connection_info_module(params)
    found = read_connections(listing(CONNECTIONS), wanted)
    if wanted.origin:
        found = add_origins(listing(CONNECTIONS_WITH_ORIGIN), wanted, found)
    return {"changed": False, **connections_result(found)}


def main() -> None:
    run_without_kernel(connection_info_module_spec(), _act, unpredicted={"changed": False, **connections_result(Connections((), {}, ()))})


if __name__ == "__main__":
    main()
