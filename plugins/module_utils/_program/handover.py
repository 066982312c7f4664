# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``handover``: give the virtual addresses to another director, once that one knows every connection."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._machine import addresses as machine_addresses
from ansible_collections.lvs.director.plugins.module_utils._machine import systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.announcements import Announcements
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.table import format_address
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import say
from ansible_collections.lvs.director.plugins.module_utils._program.resync import agent, read_daemons
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Agent
from ansible_collections.lvs.director.plugins.module_utils._sync.mark import Mark
from ansible_collections.lvs.director.plugins.module_utils._sync.table import Fingerprints, fingerprints

KEEPALIVED = "keepalived.service"
# Seconds until another director must have announced the addresses. VRRP takes four advertisement intervals at most.
_TAKEOVER = 15.0
_POLL = 0.01


class Result(NamedTuple):
    """What a handover came to."""

    changed: bool
    connections: int = 0  # of this director, at the last count before
    missing: int = 0  # of them, in the other director's table
    to: str = ""  # its address in the sync group
    unanswered_seconds: Optional[float] = None  # the longest of all addresses; None: not measured
    lost: Optional[int] = None  # connections that the other director does not know after it; None: it did not tell
    notes: tuple[str, ...] = ()


def handover(timeout: float, tolerance: int, *, check: bool, as_json: bool) -> int:
    """Hand over, or only say whether that would be done.

    :param timeout: seconds until the other director must have all connections.
    :param tolerance: so many connections may be missing there.
    :raises IpvsConflictError: it would lose connections; nothing has changed.
    :raises IpvsUnavailableError: nobody is there to take over, or nobody has.
    """
    with machine.kernel() as kernel, agent(kernel, read_daemons(kernel), lambda report: None) as one:
        result = _hand_over(one, timeout, tolerance, check=check)
    text = _text(result, check=check)
    say(json.dumps({**result._asdict(), "text": text}) if as_json else "\n".join([text, *result.notes]))
    return 0


def _hand_over(agent_here: Agent, timeout: float, tolerance: int, *, check: bool) -> Result:
    served = agent_here.served()
    if not served:
        return Result(changed=False)
    if not systemd.states([KEEPALIVED])[KEEPALIVED].active:
        raise IpvsUnavailableError(
            f"This director has virtual addresses, but {KEEPALIVED} does not run: nothing can move them. "
            "Has the role run with ipvs_director_vrrp?"
        )
    receipts = agent_here.confirm(timeout, tolerance)
    refuse(receipts, fingerprints(agent_here.table()), timeout, tolerance)
    worst = max(receipts.values(), key=lambda receipt: receipt.missing)
    notes = _notes(receipts, fingerprints(agent_here.table()))
    result = Result(True, worst.connections, worst.missing, ", ".join(sorted(receipts)), notes=notes)
    if check:
        return result
    seconds = _move(served, agent_here.is_local)
    after = agent_here.resync(timeout, rounds=1)
    return result._replace(to=after.source if after else result.to, unanswered_seconds=seconds, lost=after.untold if after else None)


def refuse(receipts: Mapping[str, Mark], own: Fingerprints, timeout: float, tolerance: int) -> None:
    """Refuse a handover after which connections would be lost, or new ones go elsewhere.

    :param receipts: of the other directors, by their addresses.
    :param own: this director's fingerprints.
    :raises IpvsConflictError: a table differs.
    :raises IpvsUnavailableError: there is no receipt.
    """
    if not receipts:
        raise IpvsUnavailableError(
            f"No other director has written within {timeout:g} seconds that it has this one's connections. Nothing was handed over. Does "
            "ipvs-director-resync.service run there, with the same sync ID and group?"
        )
    for source, receipt in receipts.items():
        if receipt.missing > tolerance:
            raise IpvsConflictError(
                f"{source} lacks {receipt.missing} of {receipt.connections} connections, and {tolerance} are tolerated. Nothing was handed "
                "over. Is its backup sync daemon running (ipvs-director show there), and is the sync network intact?"
            )
        if receipt.table != own.table:
            raise IpvsConflictError(
                f"{source} has other services, destinations or thresholds, or another order, than this director. Nothing was handed over. "
                "Compare ipvs-director show on both, and run the role on both"
            )


def _notes(receipts: Mapping[str, Mark], own: Fingerprints) -> tuple[str, ...]:
    return tuple(f"{source} has other weights than this director" for source, mark in receipts.items() if mark.weights != own.weights)


def _move(served: Collection[bytes], is_local: Callable[[bytes], bool]) -> Optional[float]:
    """Stop keepalived, wait until another director has announced the addresses, and start it again as a backup.

    :return: for how many seconds an address was nobody's, at most; None if no address went with keepalived.
    :raises IpvsUnavailableError: nobody has taken them; this director takes them back.
    """
    places = machine_addresses.read().places
    interfaces = sorted({place.interface for place in places if place.address.ip.packed in served})
    with closing(Announcements(interfaces)) as announcements:
        systemd.systemctl("stop", "--no-block", KEEPALIVED)
        try:
            gone, announced = _watch(served, is_local, announcements)
        finally:
            systemd.systemctl("stop", KEEPALIVED)
            systemd.start(KEEPALIVED)
    waiting = sorted(gone.keys() - announced.keys())
    if waiting:
        raise IpvsUnavailableError(
            f"Nobody has announced {', '.join(map(format_address, waiting))} within {_TAKEOVER:g} seconds after this director gave it up. "
            f"{KEEPALIVED} runs here again, and takes it back. Is keepalived running on the other director, with this one as its peer?"
        )
    return max((round(max(0.0, announced[address] - gone[address]), 2) for address in gone), default=None)


def _watch(
    served: Collection[bytes], is_local: Callable[[bytes], bool], announcements: Announcements
) -> tuple[dict[bytes, float], dict[bytes, float]]:
    """Return when each address left this director, and when another one announced it."""
    gone: dict[bytes, float] = {}
    announced: dict[bytes, float] = {}
    now = time.monotonic()
    deadline, look = now + _TAKEOVER, now + 1
    while now < deadline:
        for address in announcements.hear(_POLL):
            announced.setdefault(address, time.monotonic())
        now = time.monotonic()
        for address in served:
            if address not in gone and not is_local(address):
                gone[address] = now
        if gone and gone.keys() <= announced.keys():
            break
        if not gone and now >= look:
            if not systemd.states([KEEPALIVED])[KEEPALIVED].active:
                break
            look = now + 1
    return gone, announced


def _text(result: Result, *, check: bool) -> str:
    if not result.changed:
        return "This director has no virtual address: there is nothing to hand over."
    counted = f"{result.connections - result.missing} of {result.connections} connections are known to {result.to}"
    if check:
        return f"{counted}: the addresses can be handed over."
    unanswered = "an unknown time" if result.unanswered_seconds is None else f"{result.unanswered_seconds:.2f} seconds"
    lost = "it has not told since what it knows" if result.lost is None else f"{result.lost} connections are unknown to it now"
    return f"{counted}. The addresses were nobody's for {unanswered}; {lost}."
