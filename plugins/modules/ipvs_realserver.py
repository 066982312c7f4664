#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_realserver
short_description: Make a machine a real server of IPVS (LVS) directors
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Gives a machine what packets need on their way in from a director that forwards with direct routing (C(direct)) or through
    tunnels (C(tunnel)) - the virtual addresses, silence about them on the network, and interfaces that decapsulate the tunnels.
  - With C(masquerade) a real server needs only a route to its clients through the director.
  - C(ipvs_realserver.service) makes all of it again at boot, before there is a network. It runs C(ipvs-director restore realserver),
    a program that the module installs, as M(lvs.director.ipvs_boot) does on a director.
  - If something fails, what was done before it is undone.
  - Interfaces, addresses and tunnels that others made are never changed or removed. Where one is in the way, the task fails and
    nothing is changed.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.machine
options:
  state:
    description:
      - V(absent) removes all that this module made, and gives settings their values of before.
      - Kernel modules of tunnels stay loaded until the next boot, and with them the kernel's own interfaces, like C(tunl0).
    type: str
    choices: [present, absent]
    default: present
  vips:
    description:
      - The virtual IPv4 and IPv6 addresses, those of the director's services. Required with O(state=present).
      - The list is complete. Others that this module added are removed. An empty list is like O(state=absent).
    type: list
    elements: str
  interface:
    description:
      - The interface that gets the virtual addresses. V(lo), or the name of a dummy interface, which the module adds.
    type: str
    default: ipvs-vip
  tunnels:
    description:
      - The ends of the director's tunnels, in the words of its destinations with C(forward_method) C(tunnel).
      - The list is complete. Others that this module made are removed.
    type: list
    elements: dict
    default: []
    suboptions:
      tunnel_type:
        description:
          - The encapsulation.
        type: str
        choices: [ipip, gue, gre]
        required: true
      address:
        description:
          - The address of this machine to which the director sends, C(address) of its destination.
          - It may be of another family than the virtual addresses.
        type: str
        required: true
      tunnel_port:
        description:
          - The UDP port, 1 to 65535. Required with C(tunnel_type=gue); no other type has one.
        type: int
      tunnel_flags:
        description:
          - The director's checksums. With V(gre) both sides must agree; V(gue) accepts all of them.
          - At most one flag. V(nocsum) is the default.
        type: list
        elements: str
        choices: [nocsum, csum, remcsum]
      mtu:
        description:
          - The longest packet in bytes that fits into the tunnel, for example V(1480) for V(ipip) over IPv4 on a network with an
            MTU of 1500.
          - If given, TCP clients are told a maximum segment size (MSS) that fits, which helps those that get no ICMP. This takes
            nftables, and uses the table C(inet ipvs_realserver).
          - If not given, clients learn it from the director's ICMP, with the first packet that is too long.
        type: int
requirements:
  - iproute2
  - nftables, if a tunnel has an C(mtu)
  - systemd
notes:
  - Needs root; run it with C(become).
  - If C(net.ipv4.conf.all.arp_ignore) or C(arp_announce) is already strict enough, it stays as it is.
seealso:
  - module: lvs.director.ipvs_boot
  - module: lvs.director.ipvs_destination
  - module: lvs.director.ipvs_table
"""

EXAMPLES = r"""
- name: Accept what a director sends with direct routing
  lvs.director.ipvs_realserver:
    vips: [10.211.55.3, "2001:db8::3"]

- name: Accept what a director sends through tunnels
  lvs.director.ipvs_realserver:
    vips: [10.211.55.3]
    tunnels:
      - {tunnel_type: gue, address: 10.211.55.253, tunnel_port: 6080}
      - {tunnel_type: gre, address: 10.211.55.253, tunnel_flags: csum, mtu: 1472}

- name: Have the virtual address on the loopback interface
  lvs.director.ipvs_realserver:
    vips: [10.211.55.3]
    interface: lo

- name: No real server any longer
  lvs.director.ipvs_realserver:
    state: absent
"""

RETURN = r"""
steps:
  description: What was done, in this order. In check mode what would be.
  returned: success
  type: list
  elements: str
  sample:
    - "net/ipv4/conf/all/arp_ignore: 0 -> 1"
    - "net/ipv4/conf/all/arp_announce: 0 -> 2"
    - add interface ipvs-vip, dummy
    - add 10.211.55.3/32 to ipvs-vip
    - write /usr/local/sbin/ipvs-director
    - write /etc/systemd/system/ipvs_realserver.service
    - have systemd read its units again
    - enable ipvs_realserver.service
    - start ipvs_realserver.service
"""

from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._machine import realserver, realserver_boot, steps
from ansible_collections.lvs.director.plugins.module_utils._machine.program import sources
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import Request, Tunnel
from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel


def realserver_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "vips": {"type": "list", "elements": "str"},
            "interface": {"type": "str", "default": "ipvs-vip"},
            "tunnels": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "tunnel_type": {"type": "str", "choices": list(uapi.TUNNEL_TYPES), "required": True},
                    "address": {"type": "str", "required": True},
                    "tunnel_port": {"type": "int"},
                    "tunnel_flags": {"type": "list", "elements": "str", "choices": list(uapi.TUNNEL_FLAGS)},
                    "mtu": {"type": "int"},
                },
            },
        },
        "required_if": [("state", "present", ("vips",))],
        "supports_check_mode": True,
    }


def _request(params: dict[str, Any]) -> Optional[Request]:
    if params["state"] == "absent":
        return None
    if params["vips"] is None:
        raise IpvsInputError("vips", "is null. A list is needed: an empty one makes this machine no real server")
    if not params["vips"]:
        return None
    tunnels = (Tunnel(**{**each, "tunnel_flags": tuple(each["tunnel_flags"] or ())}) for each in params["tunnels"])
    return Request(params["interface"], tuple(params["vips"]), tuple(tunnels))


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    request = _request(params)
    program = sources() if request else {}
    made = realserver.converge(request, check_mode=check_mode)
    return steps.result([*made, *steps.converge(lambda: realserver_boot.plan(request, program), check_mode=check_mode)])


def _bring_along() -> None:
    """Never called. Ansible sends a module with all that it imports, and the program is made of what was sent."""
    import ansible_collections.lvs.director.plugins.module_utils._program.everything  # noqa: F401, PLC0415


def main() -> None:
    run_without_kernel(realserver_module_spec(), _act)


if __name__ == "__main__":
    main()
