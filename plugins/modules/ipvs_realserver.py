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
  - Prepares a machine for packets from a director that forwards with direct routing (C(direct)) or through tunnels (C(tunnel)) -
    adds the virtual addresses, keeps the machine from answering ARP for them, and adds interfaces that decapsulate the tunnels.
  - With C(masquerade) a real server needs only a route to its clients through the director.
  - C(ipvs_realserver.service) restores all of this at boot, before the network is up. It runs C(ipvs-director restore realserver),
    a program that the module installs, as M(lvs.director.ipvs_boot) does on a director.
  - If a change fails, the earlier ones are undone.
  - Never changes or removes interfaces, addresses and tunnels that others added. If one is in the way, the task fails and
    changes nothing.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.machine
options:
  state:
    description:
      - V(absent) removes everything that this module added, and restores the earlier settings.
      - Kernel modules of tunnels stay loaded until the next boot, and with them the kernel's own interfaces, such as C(tunl0).
    type: str
    choices: [present, absent]
    default: present
  vips:
    description:
      - Virtual addresses of the director's services, IPv4 and IPv6. Required with O(state=present).
      - Unlisted addresses that this module added are removed. An empty list is the same as O(state=absent).
    type: list
    elements: str
  interface:
    description:
      - Interface for the virtual addresses - V(lo), or the name of a dummy interface, which the module adds.
    type: str
    default: ipvs-vip
  tunnels:
    description:
      - Tunnels from the director, with the options of its destinations with C(forward_method) C(tunnel).
      - Unlisted tunnels that this module added are removed.
    type: list
    elements: dict
    default: []
    suboptions:
      tunnel_type:
        description:
          - Encapsulation.
        type: str
        choices: [ipip, gue, gre]
        required: true
      address:
        description:
          - Address of this machine that the director sends to, C(address) of its destination.
          - May be of another family than the virtual addresses.
        type: str
        required: true
      tunnel_port:
        description:
          - UDP port, 1 to 65535. Required with C(tunnel_type=gue), refused for the others.
        type: int
      tunnel_flags:
        description:
          - Checksum setting of the director. With V(gre) both sides must agree; V(gue) accepts any.
          - At most one flag. The default is V(nocsum).
        type: list
        elements: str
        choices: [nocsum, csum, remcsum]
      mtu:
        description:
          - MTU of the tunnel in bytes, for example V(1480) for V(ipip) over IPv4 on a network with an MTU of 1500.
          - If given, the machine announces a fitting maximum segment size (MSS) to TCP clients, which helps those that receive
            no ICMP. This needs nftables, and uses the table C(inet ipvs_realserver).
          - If omitted, clients learn the size from the director's ICMP reply to the first packet that is too long.
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

- name: Put the virtual address on the loopback interface
  lvs.director.ipvs_realserver:
    vips: [10.211.55.3]
    interface: lo

- name: Stop being a real server
  lvs.director.ipvs_realserver:
    state: absent
"""

RETURN = r"""
steps:
  description: The changes, in order; in check mode, the predicted ones.
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
    """Never called. Ansible sends a module together with its imports, and the program is built from the files that were sent."""
    import ansible_collections.lvs.director.plugins.module_utils._program.everything  # noqa: F401, PLC0415


def main() -> None:
    run_without_kernel(realserver_module_spec(), _act)


if __name__ == "__main__":
    main()
