# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``show`` and ``diff``: the kernel's table in scheduling order, and how it differs from the saved one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._apply.transaction import differences
from ansible_collections.lvs.director.plugins.module_utils._model.results import sync_daemon_result
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Entry,
    ServiceKey,
    format_address,
)
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore
from ansible_collections.lvs.director.plugins.module_utils._persist.quiescent import held_reasons, service_results
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import Content
from ansible_collections.lvs.director.plugins.module_utils._plan.service import plan_entry
from ansible_collections.lvs.director.plugins.module_utils._plan.table_lines import table_lines
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import say
from ansible_collections.lvs.director.plugins.module_utils._program.resync_state import last_reports, line_of
from ansible_collections.lvs.director.plugins.module_utils._sync.routing import Routing

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel


class Difference(NamedTuple):
    """A part of the table that differs between the kernel and the saved table, and how."""

    name: str
    reasons: list[str]
    saved: bool = True  # False: it is only in the kernel


def show(*, as_json: bool) -> int:
    """Print the table."""
    # Locked, or a run in between would look like a difference.
    with machine.kernel(load=False) as kernel, kernel.lock(exclusive=False):
        table = sorted(kernel.read_table(), key=lambda observed: observed.entry.service.key.order)
        found = (
            differences_of(kernel, machine.saved(), {observed.entry.service.key: observed.entry for observed in table})
            if _is_saved()
            else None
        )
    reports = last_reports()
    here = served(observed.entry.service.key.address for observed in table)
    if as_json:
        values = {
            "services": service_results(table),
            "differences": None if found is None else [_values(observed) for observed in found],
            "addresses": here,
            "resync": [{**report._asdict(), "time": seconds} for report, seconds in reports],
        }
        say(json.dumps(values, indent=2))
        return 0
    for line in table_lines(table, held_reasons()):
        say(line)
    if table:
        say(f"Virtual addresses of this director: {', '.join(here) or 'none'}")
    for report, seconds in reports:
        say(line_of(report, time.time() - seconds))
    if found is None:
        say("Nothing is restored at boot: this machine has no saved table.")
    else:
        _say_all(found)
    return 0


def diff(*, as_json: bool, saved_only: bool) -> bool:
    """Print the differences between the kernel and the saved table, and return whether there are any."""
    with machine.kernel(load=False) as kernel, kernel.lock(exclusive=False):
        content = machine.saved()
        table = {observed.entry.service.key: observed.entry for observed in kernel.read_table(counters=False)}
        found = [difference for difference in differences_of(kernel, content, table) if difference.saved or not saved_only]
    if as_json:
        say(json.dumps({"different": bool(found), "differences": [_values(difference) for difference in found]}, indent=2))
    else:
        _say_all(found)
    return bool(found)


def served(addresses: Iterable[bytes]) -> list[str]:
    """Return those of these addresses that are this machine's."""
    with closing(Routing()) as routing:
        return [format_address(address) for address in dict.fromkeys(addresses) if address and routing.is_local(address)]


def _is_saved() -> bool:
    return MachineStore().read_table() is not None


def differences_of(kernel: IpvsKernel, content: Content, table: Mapping[ServiceKey, Entry]) -> list[Difference]:
    """Return how the kernel differs from what is saved."""
    saved = {service.key: plan_entry(None, service) for service in content.services}
    found = [Difference(f"saved {problem}", ["cannot be restored"]) for problem in content.problems]
    for key, entry in saved.items():
        reasons = differences(entry, table.get(key))
        if reasons:
            found.append(Difference(f"service {key}", reasons))
    found += [
        Difference(f"service {key}", ["only in the kernel, not saved"], saved=False)
        for key in sorted(table, key=lambda key: key.order)
        if key not in saved
    ]
    timeouts = kernel.read_timeouts()._asdict()
    reasons = [
        f"{name} is {timeouts[name]} instead of {seconds}" for name, seconds in content.timeouts.items() if timeouts[name] != seconds
    ]
    if reasons:
        found.append(Difference("timeouts", reasons))
    running = {daemon.state: daemon for daemon in kernel.read_sync_daemons()}
    wanted = {daemon.state: daemon for daemon in content.sync_daemons}
    for state in ("master", "backup"):
        daemon, saved_daemon = running.get(state), wanted.get(state)
        if saved_daemon is None:
            if daemon is not None:
                found.append(Difference(f"sync daemon {state}", ["only in the kernel, not saved"], saved=False))
        elif daemon is None:
            found.append(Difference(f"sync daemon {state}", ["it is not running"]))
        elif daemon != daemon._replace(**saved_daemon.given):
            before, after = sync_daemon_result(daemon._replace(**saved_daemon.given)), sync_daemon_result(daemon)
            changed = [f"{name} is {after[name]!r} instead of {before[name]!r}" for name in before if before[name] != after[name]]
            found.append(Difference(f"sync daemon {state}", changed))
    return found


def _say_all(found: list[Difference]) -> None:
    for difference in found:
        say(f"{difference.name}: {'; '.join(difference.reasons)}")
    if not found:
        say("The kernel has what is saved.")


def _values(difference: Difference) -> dict[str, Any]:
    return {"name": difference.name, "reasons": difference.reasons, "saved": difference.saved}
