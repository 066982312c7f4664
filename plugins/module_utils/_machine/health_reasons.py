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
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._machine.command import run
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, format_address

_PATIENCE = 5.0
# What keepalived does about it: the reason is in the lines before.
_CONSEQUENCE = re.compile(r"^(Removing|Adding|Enabling|Disabling|Gained|Lost|Activating|.*Changed state|.* quorum )")
_HELD = re.compile(r"^(Removing|Disabling) ")
_PLACE = re.compile(r"\[([0-9A-Fa-f.:]+)\]:(?:(?:tcp|udp|sctp):)?(\d+)")


class Failing(NamedTuple):
    """A destination of a service."""

    service: ServiceKey
    destination: DestinationKey


def reasons_of(unit: str, failing: Iterable[Failing]) -> dict[Failing, str]:
    """Return the reasons that a unit's journal has for failures."""
    try:
        done = run("journalctl", f"--unit={unit}", "--output=cat", "--since=-2min", "--lines=20000", "--no-pager", timeout=_PATIENCE)
    except IpvsError:
        return {}
    return last_reasons(done.output.splitlines(), failing)


def last_reasons(lines: Iterable[str], failing: Iterable[Failing]) -> dict[Failing, str]:
    """Return the last line about each failure that is not a consequence.

    Several services may check the same place in different ways. Only what follows a failure names the service.
    """
    about: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        for place in set(_PLACE.findall(line)):
            about.setdefault(place, []).append(line.strip())
    found = {}
    for each in failing:
        told = about.get((format_address(each.destination.address), str(each.destination.port)), [])
        held = [number for number, line in enumerate(told) if _HELD.match(line) and line.endswith(f" VS {_name(each.service)}")]
        reasons = [line for line in told[: held[-1] if held else None] if not _CONSEQUENCE.match(line)]
        if reasons:
            found[each] = reasons[-1].rstrip(".")
    return found


def _name(service: ServiceKey) -> str:
    """Return keepalived's name for a service."""
    if service.fwmark:
        return f"FWM {service.fwmark}"
    return f"[{format_address(service.address)}]:{service.protocol}:{service.port}"
