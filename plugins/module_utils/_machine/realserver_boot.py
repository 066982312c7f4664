# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What makes a real server again at boot, before there is a network, and each time nftables.service flushes its rules."""

from __future__ import annotations

from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._machine import files, realserver_program, realserver_record
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import Request
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._machine.systemd import plan_no_units, plan_units

SERVICE = "ipvs_realserver.service"
DROP_IN = "nftables.service.d/ipvs_realserver.conf"

_RESTORE = f"/usr/bin/python3 {realserver_program.PATH}"

_UNIT = f"""\
# Installed by lvs.director.ipvs_realserver.
[Unit]
Description=Virtual addresses and tunnels of an IPVS real server
# The machine must be silent about its virtual addresses from the first packet on.
DefaultDependencies=no
After=local-fs.target nftables.service systemd-sysctl.service systemd-modules-load.service systemd-udevd.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
RequiresMountsFor={realserver_program.PATH} {realserver_record.PATH}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={_RESTORE}

[Install]
WantedBy=multi-user.target
"""

_WITH_NFTABLES = f"""\
# Installed by lvs.director.ipvs_realserver.
# Debian's /etc/nftables.conf begins with "flush ruleset": add the table of the MSS again, each time.
[Service]
ExecStartPost=-{_RESTORE}
ExecReload=-{_RESTORE}
"""


def plan(request: Optional[Request]) -> list[Step]:
    """Return the steps that have a request made again at boot; for None, those that remove what did so.

    :raises IpvsUnavailableError: systemd does not run here.
    """
    if request is None:
        return [*plan_no_units((SERVICE, DROP_IN)), *files.plan_removal([realserver_program.PATH])]
    with_nftables = any(tunnel.mtu for tunnel in request.tunnels)
    units = {SERVICE: _UNIT, **({DROP_IN: _WITH_NFTABLES} if with_nftables else {})}
    return [
        *files.plan({realserver_program.PATH: realserver_program.text()}),
        *plan_units(units, [SERVICE]),
        *plan_no_units(() if with_nftables else (DROP_IN,)),
    ]
