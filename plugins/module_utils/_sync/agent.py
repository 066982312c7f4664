# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The agent beside the kernel's sync daemons: sends all connections, receives those of others, and ends stale ones.

It can be restarted at any time: its whole state comes from the kernel's table and from the messages of two rounds.

It sends a round every ``interval`` seconds, and when another director asks, as a returning one does. It sends in bursts, with pauses
between them: the kernel's backup daemon has a receive buffer for some hundred datagrams. After a round, it rests nineteen times as
long as it worked on the round, or four times if a director asks: rounds use a twentieth of a processor, and at most a fifth however often
directors ask. Like the kernel's daemons, it trusts the network of the group.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry, format_address
from ansible_collections.lvs.director.plugins.module_utils._sync.group import Group
from ansible_collections.lvs.director.plugins.module_utils._sync.mark import Mark, pack_mark, serving, unpack_mark
from ansible_collections.lvs.director.plugins.module_utils._sync.message import (
    Damaged,
    SyncConnection,
    pack_messages,
    pack_payload,
    unpack_message,
)
from ansible_collections.lvs.director.plugins.module_utils._sync.round import Listener, Source, to_tell
from ansible_collections.lvs.director.plugins.module_utils._sync.table import completing, ended, fingerprints, read_connections

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel

# Datagrams sent without a pause, and the pause in seconds: 40,000 connections a second at most.
_BURST = 16
_PAUSE = 0.016
# The longest pause: it doubles while another director lacks connections of a round, whose kernel may not keep up.
_LONGEST_PAUSE = 16 * _PAUSE
# Pause after a round, as a multiple of its duration, and the minimum in seconds.
_REST = 19
_REST_BEFORE_ANSWER = 4
_SHORTEST_REST = 0.5
# Seconds without an answer before asking again.
_PATIENCE = 5.0
# Seconds to wait before each comparison of a round: the kernel may still be processing its last datagrams.
_ARRIVAL = (0.2, 0.4, 0.8, 1.6)
# Seconds between two looks at the interface, and until a second question after its link has come back: the first may be lost.
_LOOK = 1.0
_SECOND_QUESTION = 3.0
# Seconds that a connection must have left to be sent, besides the duration of the round.
_SHORTEST = 3
# Requests for a round per interval, while something is missing.
_QUESTIONS = 3


class Report(NamedTuple):
    """The result of a round here, or, with ``ours``, another director's receipt for this one's round."""

    source: str
    told: int
    missing: int
    ended: int
    untold: int = 0  # connections of this director to addresses of the other one that it did not send, including the ended ones
    ours: bool = False
    shared: tuple[str, ...] = ()  # addresses that both directors have: their VRRP does not hear each other


class Agent:
    """One director's agent.

    :param backup: the sync daemon that receives.
    :param master: the sync daemon that sends; the backup if there is none.
    :param is_local: whether packets to an address end at this machine.
    :param listing: returns the lines of /proc/net/ip_vs_conn.
    :param report: receives the result of each round.
    :param has_link: whether the interface of the backup has a link; the agent asks for a round when it comes back.
    """

    def __init__(
        self,
        kernel: IpvsKernel,
        backup: SyncDaemon,
        master: SyncDaemon,
        group: Group,
        is_local: Callable[[bytes], bool],
        listing: Callable[[], Iterable[bytes]],
        report: Callable[[Report], None],
        has_link: Callable[[], bool] = lambda: True,
    ) -> None:
        self._kernel = kernel
        self._backup = backup
        self._master = master
        self._group = group
        self.is_local = is_local
        self._listing = listing
        self._report = report
        self._has_link = has_link
        self._listener = Listener()
        self._questions = 0
        self._rounds = 0
        self._round = ""  # the name of the last round sent,
        self._duration = 0.0  # and its duration in seconds
        self._pause = _PAUSE

    def run(self, interval: float, still: Callable[[], bool]) -> None:
        """Send and receive.

        :param interval: seconds between rounds that no director asks for.
        :param still: called before each of them; the agent returns if it returns False.
        """
        earliest = time.monotonic()
        due = earliest + interval
        self._questions = _QUESTIONS
        self.ask()
        asked = False
        link, again = self._has_link(), math.inf
        while True:
            now = time.monotonic()
            had_link, link = link, self._has_link()
            if (link and not had_link) or now >= again:
                again = math.inf if now >= again else now + _SECOND_QUESTION
                self._questions = _QUESTIONS
                self.ask()
            if now >= due:
                if not still():
                    return
                self._questions = _QUESTIONS
            if now >= due or (asked and now >= earliest):
                begun = time.thread_time()
                self.tell()
                work, now = time.thread_time() - begun, time.monotonic()
                due = now + max(interval, _REST * work)
                earliest = now + max(_SHORTEST_REST, _REST_BEFORE_ANSWER * work)
                asked = False
            until = min(due, earliest) if asked else due
            asked = self._hear_until(min(until, now + _LOOK)) or asked

    def resync(self, timeout: float, rounds: int = 2) -> Optional[Report]:
        """Ask for rounds until this director's table has exactly the connections that another one serves.

        :param timeout: seconds.
        :param rounds: minimum number; only the second can show stale connections.
        :return: the report of the last round; None if no director sent one.
        """
        deadline = time.monotonic() + timeout
        report: Optional[Report] = None
        heard_of = 0
        while time.monotonic() < deadline and (heard_of < rounds or (report and report.missing)):
            self.ask()
            heard = self._next_report(min(deadline, time.monotonic() + _PATIENCE + (report.told / 10000 if report else 0)))
            if heard is not None:
                report, heard_of = heard, heard_of + 1
        return report

    def confirm(self, timeout: float, tolerance: int) -> dict[str, Mark]:
        """Send rounds until other directors confirm that they lack at most ``tolerance`` connections.

        :param timeout: seconds.
        :return: the last receipt of each director, by its address. Empty if there was none.
        """
        deadline = time.monotonic() + timeout
        receipts: dict[str, Mark] = {}
        while True:
            self.tell()
            receipts |= self._receipts(min(deadline, time.monotonic() + _PATIENCE + self._duration))
            if time.monotonic() >= deadline or (receipts and all(each.missing <= tolerance for each in receipts.values())):
                return receipts

    def ask(self) -> None:
        """Ask the other directors for a round."""
        self._send_mark(Mark("ask"))

    def tell(self) -> int:
        """Send all connections to addresses that this machine serves, and return their number."""
        started = time.monotonic()
        served, own = self.served(), self._own()
        if not served:
            self._duration = 0.0
            return 0
        self._round = name = os.urandom(4).hex()
        for mark in serving(name, sorted(served)):
            self._send_mark(mark)
        total = 0
        wanted = to_tell(own, served, _SHORTEST + self._duration)
        for index, (datagram, number) in enumerate(pack_messages(wanted, self._master.sync_id, self._master.maximum_length), 1):
            self._group.tell(datagram)
            total += number
            if index % _BURST == 0:
                time.sleep(self._pause)
        self._send_mark(Mark("end", name, connections=total))
        self._duration = time.monotonic() - started
        return total

    def table(self) -> list[Entry]:
        """Return this director's services and destinations."""
        return [observed.entry for observed in self._kernel.read_table(counters=False)]

    def served(self) -> set[bytes]:
        """Return the virtual addresses that this machine has now."""
        return self._local(self.table())

    def _send_mark(self, mark: Mark) -> None:
        self._group.tell(pack_payload(pack_mark(mark), self._master.sync_id))

    def _hear_until(self, deadline: float) -> bool:
        """Receive until a deadline, or until a director asks for a round; return whether one asked."""
        while (left := deadline - time.monotonic()) > 0:
            heard = self._hear(left)
            if heard and heard[1].kind == "ask":
                return True
            if heard:
                self._note(*heard)
        return False

    def _note(self, source: Source, mark: Mark) -> None:
        if mark.kind == "received":
            self._adapt(mark)
            self._report(Report(source.address, mark.connections, mark.missing, mark.ended, ours=True))
        self._after(source, mark)

    def _adapt(self, receipt: Mark) -> None:
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause) if receipt.missing else max(_PAUSE, self._pause / 2)

    def _next_report(self, deadline: float) -> Optional[Report]:
        while (left := deadline - time.monotonic()) > 0:
            heard = self._hear(left)
            report = self._after(*heard) if heard else None
            if report:
                return report
        return None

    def _receipts(self, deadline: float) -> dict[str, Mark]:
        """Return the receipts of the last round, until a second after the first one."""
        found: dict[str, Mark] = {}
        while (left := deadline - time.monotonic()) > 0:
            heard = self._hear(left)
            if heard and heard[1].kind == "received" and heard[1].round == self._round:
                if not found:
                    deadline = min(deadline, time.monotonic() + 1)
                found[heard[0].address] = heard[1]
                self._adapt(heard[1])
        return found

    def _hear(self, patience: float) -> Optional[tuple[Source, Mark]]:
        datagram = self._group.receive(patience)
        if datagram is None:
            return None
        try:
            message = unpack_message(datagram.data)
        except Damaged:
            return None
        if message is None or self._backup.sync_id not in (0, message.sync_id):
            return None
        self._listener.hear(datagram.source, message)
        mark = unpack_mark(message.payload) if message.payload else None
        return (datagram.source, mark) if mark else None

    def _after(self, source: Source, mark: Mark) -> Optional[Report]:
        """Compare the tables when a round has ended, end what is stale, and send a receipt."""
        complete = self._listener.mark(source, mark)
        if complete is None:
            return None
        if complete.lost:
            self._ask_again()
            return None
        for pause in _ARRIVAL:
            time.sleep(pause)
            table = self.table()
            local = self._local(table)
            comparison = self._listener.compare(read_connections(self._listing(), completing(table)), complete, local)
            if not comparison.missing:
                break
        self._listener.settle(complete, comparison)
        for datagram, _number in pack_messages(map(ended, comparison.stale), self._backup.sync_id, self._backup.maximum_length):
            self._group.tell_here(datagram)
        shared = tuple(sorted(map(format_address, complete.addresses & local)))
        report = Report(source.address, complete.connections, comparison.missing, len(comparison.stale), comparison.untold, shared=shared)
        self._send_mark(Mark("received", complete.name, (), report.told, report.missing, report.ended, *fingerprints(table)))
        self._report(report)
        self._rounds += 1
        if report.missing or self._rounds < 2:
            self._ask_again()
        return report

    def _ask_again(self) -> None:
        if self._questions > 0:
            self._questions -= 1
            self.ask()

    def _own(self) -> Iterator[SyncConnection]:
        return read_connections(self._listing(), completing(self.table()))

    def _local(self, table: Iterable[Entry]) -> set[bytes]:
        addresses = {entry.service.key.address for entry in table}
        if b"" in addresses:
            # The addresses of firewall mark services are known only from connections.
            addresses |= {connection.address for connection in self._own() if connection.protocol}
        return {address for address in addresses if address and self.is_local(address)}
