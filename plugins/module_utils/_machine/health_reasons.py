# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Why a health check fails, in keepalived's own words.

keepalived says it in its journal only: its table and its notifications say no more than up or down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.lvs.director.plugins.module_utils._machine.command import run
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, format_address

_PATIENCE = 5.0
# What keepalived does about it: the reason is in the lines before.
_CONSEQUENCE = re.compile(r"^(Removing|Adding|Enabling|Disabling|Gained|Lost|Activating|.*Changed state|.* quorum )")


def reason_of(unit: str, destination: DestinationKey) -> str:
    """Return the last line in a unit's journal about a destination's failure; empty if there is none."""
    try:
        done = run("journalctl", f"--unit={unit}", "--output=cat", "--since=-2min", "--lines=500", "--no-pager", timeout=_PATIENCE)
    except IpvsError:
        return ""
    return last_reason(done.output.splitlines(), destination)


def last_reason(lines: Iterable[str], destination: DestinationKey) -> str:
    """Return the last line about a destination that is not a consequence."""
    name = re.compile(rf"\[?{re.escape(format_address(destination.address))}\]?:(tcp:|udp:|sctp:)?{destination.port}\b")
    about = [line.strip() for line in lines if name.search(line) and not _CONSEQUENCE.match(line.strip())]
    return about[-1].rstrip(".") if about else ""
