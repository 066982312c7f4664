# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    # The twin of SERVICE_KEY_SPEC in plugins/module_utils/_options/common.py.
    DOCUMENTATION = r"""
options:
  protocol:
    description:
      - Protocol of the service, together with O(address) and O(port).
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
      - Firewall mark of the service, 1 to 4294967295, instead of O(protocol), O(address) and O(port).
    type: int
  family:
    description:
      - Address family of a service with a firewall mark; the default is V(ipv4). Other services have the family of their address.
    type: str
    choices: [ipv4, ipv6]
"""
