# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``drain``, ``undrain`` and ``weight``: a real server in all services, or in one.

What they change is saved as if a task had changed it. A playbook that declares the same table does not bring a drained server back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Optional

from ansible_collections.lvs.director.plugins.module_utils._apply.destination import bring_back
from ansible_collections.lvs.director.plugins.module_utils._apply.drain import drain as drain_destinations
from ansible_collections.lvs.director.plugins.module_utils._apply.drain import total
from ansible_collections.lvs.director.plugins.module_utils._apply.everywhere import everywhere
from ansible_collections.lvs.director.plugins.module_utils._apply.table import Outcome, converge
from ansible_collections.lvs.director.plugins.module_utils._model.desired import Given
from ansible_collections.lvs.director.plugins.module_utils._model.drain import Drain
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, parse_address
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore
from ansible_collections.lvs.director.plugins.module_utils._plan.diff import destination_line
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import INCOMPLETE, say

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._apply.destination import Named


def drain(address: str, port: Optional[int], service: str, how: Drain) -> int:
    """Drain a real server, and say how that went."""
    with machine.kernel(load=False) as kernel:
        named = _named(address, port, service, "drained")
        outcome, waited = drain_destinations(kernel, named, how, check_mode=False, store=MachineStore())
    for (key, destination), each in sorted(waited.items(), key=lambda item: (item[0][0].order, item[0][1])):
        left = f", {each.connections} are left" if each.connections else ""
        say(f"{key}: {_line(outcome, key, destination)}: {each.connections_before} connections before{left}")
    if not how.gives_up(total(waited).timed_out):
        return 0
    say(f"Not drained after {how.timeout} seconds. New connections are kept away. Run the command again to go on waiting.")
    return INCOMPLETE


def undrain(address: str, port: Optional[int], service: str) -> int:
    """Bring a drained real server back, and say where."""
    with machine.kernel(load=False) as kernel:
        named = _named(address, port, service, "present")
        _say_all(bring_back(kernel, named, check_mode=False, store=MachineStore()), address, port)
    return 0


def weight(address: str, port: Optional[int], service: str, new: int) -> int:
    """Give a real server a weight, and say where. A drained or held one comes back with it."""
    if new < 0:
        raise IpvsInputError("WEIGHT", f"{new} is not a weight")
    with machine.kernel(load=False) as kernel:
        desired = _named(address, port, service, "present", Given({"weight": new}))(kernel)
        _say_all(converge(kernel, desired, check_mode=False, store=MachineStore(), counters=True), address, port)
    return 0


def _named(address: str, port: Optional[int], service: str, state: str, given: Optional[Given] = None) -> Named:
    try:
        packed = parse_address(address)
    except ValueError as exc:
        raise IpvsInputError("ADDRESS", str(exc)) from None
    return partial(everywhere, address=packed, port=port, state=state, service=service, given=given)


def _say_all(outcome: Outcome, address: str, port: Optional[int]) -> None:
    for text in outcome.plan.warnings:
        say(text)
    if not outcome.changed:
        say("Nothing to do.")
    for key, observed in sorted(outcome.observed.items(), key=lambda item: item[0].order):
        for destination in observed.entry.destinations:
            if destination.key.address == parse_address(address) and port in (None, destination.key.port):
                say(f"{key}: {_line(outcome, key, destination.key)}")


def _line(outcome: Outcome, service: ServiceKey, destination: DestinationKey) -> str:
    observed = outcome.observed.get(service)
    found = observed.entry.destination(destination) if observed else None
    return destination_line(found).strip() if found else f"{destination} was removed"
