# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Restore a real server at boot, before the network is up, and whenever nftables.service flushes its rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._machine import files, program
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import Request
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._machine.systemd import plan_no_units, plan_units

SERVICE = "ipvs_realserver.service"
DROP_IN = "nftables.service.d/ipvs_realserver.conf"
UNITS = (SERVICE, DROP_IN)

# The program of version 0.1.0.
FORMER_PROGRAM = "/usr/local/lib/ipvs_realserver/realserver.py"

_UNIT = """\
# Installed by lvs.director.ipvs_realserver.
[Unit]
Description=Virtual addresses and tunnels of an IPVS real server
# The machine must not answer ARP for its virtual addresses, from the first packet on.
DefaultDependencies=no
After=local-fs.target nftables.service systemd-sysctl.service systemd-modules-load.service systemd-udevd.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
RequiresMountsFor=/usr/local/sbin /usr/local/lib /var/lib/ipvs_realserver

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command} restore realserver

[Install]
WantedBy=multi-user.target
"""

_WITH_NFTABLES = """\
# Installed by lvs.director.ipvs_realserver.
# Debian's /etc/nftables.conf begins with "flush ruleset": add the MSS table again each time.
[Service]
ExecStartPost=-{command} restore realserver
ExecReload=-{command} restore realserver
"""


def plan(request: Optional[Request], sources: Mapping[str, bytes]) -> list[Step]:
    """Return the steps that restore a request at boot; for None, those that remove the units and the program.

    :param sources: the files of the program ipvs-director.
    :raises IpvsUnavailableError: systemd does not run here.
    """
    if request is None:
        return [*plan_no_units(UNITS), *program.plan_removal(UNITS), *files.plan_removal([FORMER_PROGRAM])]
    texts = {SERVICE: _UNIT, **({DROP_IN: _WITH_NFTABLES} if any(tunnel.mtu for tunnel in request.tunnels) else {})}
    return [
        *program.plan(sources),
        *plan_units({name: text.format(command=program.COMMAND) for name, text in texts.items()}, [SERVICE]),
        *plan_no_units([name for name in UNITS if name not in texts]),
        *program.plan_clean_up(sources),
        *files.plan_removal([FORMER_PROGRAM]),
    ]
