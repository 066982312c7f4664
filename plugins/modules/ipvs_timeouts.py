#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_timeouts
short_description: Set the timeouts of IPVS (LVS) connections
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Sets how long the director keeps an idle connection, as C(ipvsadm --set) does. A timeout that is not given stays
    as it is.
  - An existing connection gets the new timeout with its next packet.
  - Persistence has its own timeout, O(lvs.director.ipvs_service#module:persistence_timeout).
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.changes
  - lvs.director._pyroute2
options:
  tcp:
    description:
      - Timeout of an established TCP connection in seconds, 1 to 2678400 (31 days). The kernel's default is V(900).
      - Give at least one of the three timeouts.
    type: int
  tcp_fin:
    description:
      - Timeout of a TCP connection after a FIN in seconds, 1 to 2678400. The kernel's default is V(120).
      - Until it ends, the connection is inactive and counts for
        O(lvs.director.ipvs_service#module:destinations[].upper_threshold).
    type: int
  udp:
    description:
      - Timeout of a UDP connection in seconds, 1 to 2678400. The kernel's default is V(300).
    type: int
notes:
  - The kernel forgets the timeouts when C(ip_vs) is unloaded, and at a reboot.
seealso:
  - module: lvs.director.ipvs_info
  - module: lvs.director.ipvs_connection_info
"""

EXAMPLES = r"""
- name: Keep idle ssh sessions for two hours, and forget closed connections after 30 seconds
  lvs.director.ipvs_timeouts:
    tcp: 7200
    tcp_fin: 30

- name: Forget DNS queries after ten seconds
  lvs.director.ipvs_timeouts:
    udp: 10
  register: result

- name: All timeouts, changed or not
  ansible.builtin.debug:
    var: result.timeouts
"""

RETURN = r"""
timeouts:
  description:
    - All timeouts after the task, in seconds. In check mode as they would be.
  returned: success
  type: dict
  contains:
    tcp:
      description: Of an established TCP connection, in seconds.
      type: int
      returned: success
      sample: 7200
    tcp_fin:
      description: Of a TCP connection after a FIN, in seconds.
      type: int
      returned: success
      sample: 30
    udp:
      description: Of a UDP connection, in seconds.
      type: int
      returned: success
      sample: 10
"""

from typing import TYPE_CHECKING

from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_timeouts, settings_diff
from ansible_collections.lvs.director.plugins.module_utils._options.settings import desired_from_timeouts_module, timeouts_module_spec
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store


def _act(kernel: IpvsKernel, store: Store, given: dict[str, int], check_mode: bool) -> Result:
    plan, timeouts, save = converge_timeouts(kernel, given, check_mode=check_mode, store=store)
    return {
        "changed": plan.changed or save is not None,
        "diff": settings_diff("timeouts", plan.before._asdict(), plan.after._asdict(), save),
        "timeouts": timeouts._asdict(),
    }


def main() -> None:
    run(timeouts_module_spec(), _act, read=desired_from_timeouts_module)


if __name__ == "__main__":
    main()
