#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_destination
short_description: Manage one destination (real server) of a virtual service of IPVS (LVS)
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Adds, edits and deletes one destination of a virtual service. The service and its other destinations stay as they
    are.
  - An edited destination keeps its place in the list and its connections.
  - A new destination becomes the first of the list, the only place where the kernel adds one. To order destinations,
    use O(lvs.director.ipvs_service#module:destinations).
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.changes
  - lvs.director._pyroute2
options:
  state:
    description:
      - V(present) adds the destination, or edits it. Options that are not given keep their value. A drained destination comes
        back into service, with its weight or the given O(weight). One that was drained and removed comes back with all its
        earlier values.
      - V(absent) deletes it. The kernel then drops the packets of its connections.
      - V(drained) takes it out of service without losing connections. It sets weight 0 in the kernel, which keeps new connections
        away, waits for the existing ones to end (O(drain_connections), at most O(drain_timeout)), and then does
        O(drain_then). Run an interrupted task again to continue. Check mode does not wait.
    type: str
    choices: [present, absent, drained]
    default: present
  drain_timeout:
    description:
      - Longest time to wait for connections to end, in seconds, up to 2678400. After that time, RV(drain.timed_out) is true, and
        O(drain_on_timeout) decides.
      - V(0) does not wait, and is not a failure unless the destination is to be removed (O(drain_then=remove)).
      - A TCP connection that the client has closed is inactive for two more minutes. These count with
        O(drain_count=all).
    type: int
    default: 300
  drain_connections:
    description:
      - The destination is drained when it has this many connections or fewer.
    type: int
    default: 0
  drain_count:
    description:
      - Connections that count - active and inactive (V(all)), or only active (V(active)).
    type: str
    choices: [all, active]
    default: all
  drain_then:
    description:
      - What to do with the drained destination - V(keep) it with weight 0, or V(remove) it.
    type: str
    choices: [keep, remove]
    default: keep
  drain_on_timeout:
    description:
      - What to do if connections are left after O(drain_timeout). With V(fail) the task fails; the destination stays, drained.
        With V(continue) the task goes on with O(drain_then); removing the destination then loses its connections.
    type: str
    choices: [fail, continue]
    default: fail
    version_added: 0.2.0
  min_available:
    description:
      - Number of other destinations of the service that must be in service (with a weight, neither drained nor held). With fewer,
        O(state=drained) is refused.
      - Without O(service), this holds for each of the services, and is checked in all of them before any is touched.
    type: int
    default: 1
  ramp:
    description:
      - Bring the destination back in steps instead of at once. It begins with a share of its weight, and gets more every
        few seconds. The task ends with the last step.
      - Only for a destination that is not in service (new, drained, of weight 0, or on its way already); for others it has no effect.
      - Run an interrupted task again to continue. Until then the share stays, over other tasks and reboots. Check mode does not wait.
    type: dict
    version_added: 0.2.0
    suboptions:
      from:
        description:
          - The first share in percent, 1 to 99. A share is at least weight 1, so give weights that can be divided, such as V(100).
        type: int
        default: 10
      steps:
        description:
          - Number of shares, the last of which is the whole weight.
        type: int
        default: 5
      every:
        description:
          - Seconds from one step to the next, 1 to 3600.
        type: int
        default: 30
  service:
    description:
      - The virtual service, named by protocol, address and port, or by firewall mark. It must exist unless
        O(state=absent).
      - Without it, the task is about a whole real server, every service that has a destination with this O(address) (and O(port), if
        that is given). It is drained, brought back or deleted in all of them, or in none. There must be such a service unless
        O(state=absent).
    type: dict
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
          - Address family of a service with a firewall mark; the default is V(ipv4). Other services have the family
            of their address.
        type: str
        choices: [ipv4, ipv6]
  address:
    description:
      - IPv4 or IPv6 address of the real server.
    type: str
    required: true
  port:
    description:
      - Port of the real server. The default is the service's port, the only one that works with V(direct), V(tunnel)
        and V(localnode).
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
      - Number of connections, active and inactive, at which the destination is overloaded and gets no new ones. V(0)
        sets no limit.
      - The effect of an edit on a destination in use depends on the kernel. Up to 6.1.182 and 6.12.103, raising the
        threshold ends the overload, and a lower one counts from the next connection. Later kernels, and 7.2, check at
        once - the destination is overloaded if it has that many connections, and one that was overloaded stays so
        until it has fewer than O(lower_threshold).
    type: int
  lower_threshold:
    description:
      - An overloaded destination gets new connections again when it has fewer than this. V(1) means when it has none.
      - V(0) means three quarters of O(upper_threshold).
      - Must not be greater than O(upper_threshold).
    type: int
  tunnel_type:
    description:
      - Encapsulation with O(forward_method=tunnel). The default is V(ipip).
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
notes:
  - A drained destination stays drained until a task with O(state=present) brings it back, over reboots too. A table with its weight
    (M(lvs.director.ipvs_table), M(lvs.director.ipvs_service)) changes the weight that it comes back with. That weight is kept in
    C(/var/lib/lvs.director/quiescent.json).
  - Persistent clients keep coming to a drained destination until their persistence ends, unless the sysctl
    C(net.ipv4.vs.expire_quiescent_template) is 1.
seealso:
  - module: lvs.director.ipvs_table
  - module: lvs.director.ipvs_service
  - module: lvs.director.ipvs_info
"""

EXAMPLES = r"""
- name: Add a real server with a limit
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.253
    forward_method: masquerade
    upper_threshold: 4
    lower_threshold: 1

- name: Give it twice its share
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.253
    weight: 2

- name: Take it out of service for maintenance when its connections have ended, if two others can serve
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.253
    state: drained
    drain_timeout: 900
    min_available: 2

- name: Bring it back with its weight of 2
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.253

- name: Bring it back in four steps, a minute apart
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.253
    ramp: {from: 25, steps: 4, every: 60}

- name: Take a whole real server out of all services
  lvs.director.ipvs_destination:
    address: 10.211.55.253
    state: drained
    drain_timeout: 900

- name: Bring it back everywhere
  lvs.director.ipvs_destination:
    address: 10.211.55.253

- name: Remove it when five connections are left, or after a minute
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.252
    state: drained
    drain_timeout: 60
    drain_connections: 5
    drain_count: active
    drain_then: remove
    drain_on_timeout: continue

- name: Add a real server behind a GUE tunnel to a firewall mark
  lvs.director.ipvs_destination:
    service: {fwmark: 7, family: ipv6}
    address: 192.0.2.11
    forward_method: tunnel
    tunnel_type: gue
    tunnel_port: 6080
    tunnel_flags: [csum]

- name: Add a real server that listens on another port, which NAT can translate
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.251
    port: 2121
    forward_method: masquerade

- name: Take a destination as another program made it, even if it does not work as it looks
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.250
    port: 2121
    forward_method: direct
    strict: false

- name: Delete it
  lvs.director.ipvs_destination:
    service: {protocol: tcp, address: 10.211.55.3, port: 21}
    address: 10.211.55.253
    state: absent
"""

RETURN = r"""
destination:
  description:
    - The destination after the task, with its counters. In check mode as it would be. Null without O(service).
    - As in RV(lvs.director.ipvs_info#module:services[].destinations[]). Null if there is none.
  returned: success
  type: dict
  sample:
    address: 10.211.55.253
    port: 21
    forward_method: masquerade
    weight: 0
    upper_threshold: 4
    lower_threshold: 1
    tunnel_type: null
    tunnel_port: null
    tunnel_flags: []
    active_connections: 4
    inactive_connections: 0
    persistent_connections: 0
    stats: {connections: 4, incoming_packets: 16}
drain:
  description: How the draining went, of all destinations together. Null unless O(state=drained).
  returned: success
  type: dict
  contains:
    connections_before:
      description: How many connections counted (O(drain_count)) when the task began.
      returned: always
      type: int
      sample: 4
    connections:
      description: How many were left in the end.
      returned: always
      type: int
      sample: 0
    seconds:
      description: How long the task waited.
      returned: always
      type: float
      sample: 17.1
    timed_out:
      description: Whether O(drain_timeout) was over before enough connections had ended.
      returned: always
      type: bool
      sample: false
services:
  description: Without O(service), each service that has the real server. Empty otherwise.
  returned: success
  type: list
  elements: dict
  version_added: 0.2.0
  contains:
    service:
      description: The options that name it.
      returned: always
      type: dict
      sample: {protocol: tcp, address: 10.211.55.3, port: 21, fwmark: null, family: ipv4}
    destination:
      description: As RV(destination).
      returned: always
      type: dict
    drain:
      description: As RV(drain).
      returned: always
      type: dict
service:
  description:
    - The whole service after the task, as in RV(lvs.director.ipvs_info#module:services[]). Null if there is none, and without O(service).
  returned: success
  type: dict
"""

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._apply.destination import bring_back
from ansible_collections.lvs.director.plugins.module_utils._apply.results import change_result, only, service_result_or_none
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredTable
from ansible_collections.lvs.director.plugins.module_utils._model.results import destination_result, key_values
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationCounters, DestinationKey, Observed, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._options.destination import (
    address_from_destination_module,
    desired_from_destination_module,
    destination_module_spec,
    ramp_from_destination_module,
)
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._apply.drain import Drained, Waited
    from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._model.drain import Drain
    from ansible_collections.lvs.director.plugins.module_utils._model.ramp import Ramp
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store

# An entry that is not there yet, and that an earlier task would add.
_UNPREDICTED: Result = {
    "changed": True,
    "diff": [],
    "service": None,
    "destination": None,
    "drain": None,
    "services": [],
}


class _Asked(NamedTuple):
    """What a task asks for: a destination of one service, or an address in all of them."""

    state: str
    desired: Optional[DesiredTable]
    address: Optional[tuple[bytes, Optional[int]]]
    how: Optional[Drain]
    ramp: Optional[Ramp]


def _read(params: dict[str, Any]) -> _Asked:
    how = None
    if params["state"] == "drained":
        from ansible_collections.lvs.director.plugins.module_utils._options.drain import drain_from_destination_module  # noqa: PLC0415 (compiled only where it is used)

        how = drain_from_destination_module(params)
    ramp = ramp_from_destination_module(params)
    if params["service"] is None:
        return _Asked(params["state"], None, address_from_destination_module(params), how, ramp)
    return _Asked(params["state"], desired_from_destination_module(params), None, how, ramp)


def _act(kernel: IpvsKernel, store: Store, asked: _Asked, check_mode: bool) -> Result:
    desired = asked.desired
    if desired is None:
        return _act_everywhere(kernel, store, asked, check_mode)
    outcome, waited, failure = _change(kernel, store, lambda _kernel: desired, asked, check_mode)
    observed = only(outcome)
    return {
        **change_result(outcome),
        "service": service_result_or_none(observed),
        "destination": _destination_result(observed, _named(desired)),
        "drain": None if waited is None else next(iter(waited.values()))._asdict(),
        "services": [],
        **failure,
    }


def _act_everywhere(kernel: IpvsKernel, store: Store, asked: _Asked, check_mode: bool) -> Result:
    from ansible_collections.lvs.director.plugins.module_utils._apply.everywhere import everywhere  # noqa: PLC0415 (compiled only where it is used)

    address, port = asked.address or (b"", None)
    desired = everywhere(kernel, address, port, state=asked.state)
    named = partial(everywhere, address=address, port=port, state=asked.state)
    outcome, waited, failure = _change(kernel, store, named, asked, check_mode)
    places = [(service.key, each.key) for service in desired.services for each in service.destinations or ()]
    return {
        **change_result(outcome),
        "service": None,
        "destination": None,
        "drain": None if waited is None else _total(waited)._asdict(),
        "services": [_place_result(outcome, waited, *place) for place in places],
        **failure,
    }


def _change(kernel: IpvsKernel, store: Store, named: Any, asked: _Asked, check_mode: bool) -> tuple[Outcome, Optional[Waited], Result]:
    """Make the change. Return its outcome, how the draining went, and what the result has of a failure."""
    how = asked.how
    if asked.ramp is not None:
        from ansible_collections.lvs.director.plugins.module_utils._apply.ramp import ramp  # noqa: PLC0415 (compiled only where it is used)

        return ramp(kernel, named, asked.ramp, check_mode=check_mode, store=store), None, {}
    if how is None:
        return bring_back(kernel, named, check_mode=check_mode, store=store), None, {}
    from ansible_collections.lvs.director.plugins.module_utils._apply.drain import drain  # noqa: PLC0415 (compiled only where it is used)

    outcome, waited = drain(kernel, named, how, check_mode=check_mode, store=store)
    return outcome, waited, _failure(how, waited)


def _failure(how: Drain, waited: Waited) -> Result:
    if not how.gives_up(_total(waited).timed_out):
        return {}
    left = ", ".join(
        f"{destination} of service {service} has {each.connections}" for (service, destination), each in waited.items() if each.timed_out
    )
    return {
        "failed": True,
        "msg": (
            f"Not drained after {how.timeout} seconds: {left} connections left. New ones are kept away, and nothing was removed. Run the "
            "task again to go on waiting; or give drain_on_timeout: continue, which cuts them where the destination is removed"
        ),
    }


def _total(waited: Waited) -> Drained:
    from ansible_collections.lvs.director.plugins.module_utils._apply.drain import total  # noqa: PLC0415 (compiled only where it is used)

    return total(waited)


def _place_result(outcome: Outcome, waited: Optional[Waited], service: ServiceKey, destination: DestinationKey) -> Result:
    return {
        "service": key_values(service),
        "destination": _destination_result(outcome.observed.get(service), destination),
        "drain": waited[service, destination]._asdict() if waited and (service, destination) in waited else None,
    }


def _named(desired: DesiredTable) -> DestinationKey:
    return (desired.services[0].destinations or ())[0].key


def _destination_result(observed: Optional[Observed], key: DestinationKey) -> Optional[Result]:
    destination = observed.entry.destination(key) if observed else None
    if observed is None or destination is None:
        return None
    return destination_result(destination, observed.counters.get(key, DestinationCounters()))


def main() -> None:
    run(destination_module_spec(), _act, unpredicted=_UNPREDICTED, read=_read, recorded_as="ipvs_destination")


if __name__ == "__main__":
    main()
