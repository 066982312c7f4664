# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The units of health checks: keepalived's checkers, and the follower, which does to the table what they find.

The checkers must never write the table in service. They do not start, and do not reload, unless the first line of their configuration
is the namespace of their own table, and ``keepalived --config-test`` understands every line. Without either, keepalived takes what it
understands of a configuration. Where the namespace is missing, it ends without a change.
"""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._health.configuration import FIFO as _FIFO
from ansible_collections.lvs.director.plugins.module_utils._health.configuration import FIRST_LINE
from ansible_collections.lvs.director.plugins.module_utils._health.configuration import NAMESPACE as _NAMESPACE
from ansible_collections.lvs.director.plugins.module_utils._machine import program
from ansible_collections.lvs.director.plugins.module_utils._persist.files import VOLATILE_DIRECTORY

CHECKS_UNIT = "ipvs-director-checks.service"
HEALTH_UNIT = program.HEALTH_UNIT
HEALTH_UNITS = (CHECKS_UNIT, HEALTH_UNIT)
CONFIGURATION = "/etc/lvs.director/checks.conf"
FIFO = _FIFO
NAMESPACE = _NAMESPACE

_TEST = f"""\
/bin/sh -c 'read -r line <{CONFIGURATION} && [ "$$line" = "{FIRST_LINE}" ]'
{{word}}=/usr/sbin/keepalived --config-test --use-file={CONFIGURATION}"""
_CHECKS_TEXT = f"""# By lvs.director.ipvs_health
[Unit]
Description=Health checks of the real servers of lvs.director, by keepalived
Documentation=https://example.org/lvs/director
# Without a network, every check fails.
Wants=network-online.target
After=network-online.target ipvs-director-network.service
StartLimitIntervalSec=0

[Service]
# Not notify: without any checks, keepalived waits for a configuration, and reports nothing.
Type=exec
# A table of its own, in a network namespace in which any address may be that of a real server.
ExecStartPre=-/usr/sbin/ip netns add {NAMESPACE}
ExecStartPre=/usr/sbin/ip -n {NAMESPACE} link set lo up
# Made here: keepalived would remove its own with every reload, under the follower.
ExecStartPre=/bin/sh -c 'mkdir -p -m 700 {VOLATILE_DIRECTORY} && {{ [ -p {FIFO} ] || mkfifo -m 600 {FIFO}; }}'
ExecStartPre={_TEST.format(word="ExecStartPre")}
ExecStart=/usr/sbin/keepalived --dont-fork --check --use-file={CONFIGURATION} \\
    --pid={VOLATILE_DIRECTORY}/checks.pid --checkers_pid={VOLATILE_DIRECTORY}/checks-checkers.pid
ExecReload={_TEST.format(word="ExecReload")}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
# While it does not run, the table stays as it is.
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
_HEALTH_TEXT = f"""# By lvs.director.ipvs_health
[Unit]
Description=What health checks mean for the IPVS table of lvs.director
Documentation=https://example.org/lvs/director
Wants={CHECKS_UNIT}
After=ipvs-director.service {CHECKS_UNIT}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={{command}} follow
# While it does not run, the table stays as it is.
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""


def unit_files() -> dict[str, str]:
    """Return the texts of the units."""
    return {CHECKS_UNIT: _CHECKS_TEXT, HEALTH_UNIT: _HEALTH_TEXT.format(command=program.COMMAND)}
