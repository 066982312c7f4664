# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The agent beside the kernel's sync daemons: tells of all connections, hears what others tell, and ends what is stale.

Small, and restartable at any moment: all that it knows comes from the kernel's table and from the messages of two rounds.

A round is told when another director asks, as one does that comes back, and every ``interval`` seconds. It is sent in bursts,
with pauses between: the kernel's backup daemon has a receive buffer of some hundred datagrams. The agent rests nineteen times as
long as an unasked round took, and four times as long before it answers a question: rounds take a twentieth of a processor, and
a fifth of one however often somebody asks. Like the kernel's daemons, it trusts the network of the group.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry
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
# Rest after a round, as a multiple of the time that it took, and the shortest in seconds.
_REST = 19
_REST_BEFORE_ANSWER = 4
_SHORTEST_REST = 0.5
# Seconds without an answer after which it is asked for again.
_PATIENCE = 5.0
# Seconds until what was sent last has gone through the kernel.
_ARRIVAL = 0.2
# Seconds that a connection must have left to be told of, beside those that the round takes.
_SHORTEST = 3
# Questions for a round in each interval, while something is missing.
_QUESTIONS = 3


class Report(NamedTuple):
    """What a round has shown here, or, with ``ours``, what another director writes of this one's."""

    source: str
    told: int
    missing: int
    ended: int
    untold: int = 0  # connections of this director to addresses of the other one that it has not told of; the ended ones among them
    ours: bool = False


class Agent:
    """One director's agent.

    :param backup: the sync daemon that receives here.
    :param master: the one that sends; the backup where there is none.
    :param is_local: whether packets to an address end at this machine.
    :param listing: returns the lines of /proc/net/ip_vs_conn.
    :param report: gets what each round has shown.
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
    ) -> None:
        self._kernel = kernel
        self._backup = backup
        self._master = master
        self._group = group
        self.is_local = is_local
        self._listing = listing
        self._report = report
        self._listener = Listener()
        self._questions = 0
        self._rounds = 0
        self._round = ""  # the name of the last one that was told,
        self._duration = 0.0  # and the seconds that it took

    def run(self, interval: float, still: Callable[[], bool]) -> None:
        """Tell and hear.

        :param interval: seconds between rounds that nobody asks for.
        :param still: asked before each of them; the agent returns when the answer is no.
        """
        due = earliest = time.monotonic()
        self._questions = _QUESTIONS
        self.ask()
        asked = False
        while True:
            now = time.monotonic()
            if now >= due:
                if not still():
                    return
                self._questions = _QUESTIONS
            if now >= due or (asked and now >= earliest):
                self.tell()
                ended_at = now + self._duration
                due = ended_at + max(interval, _REST * self._duration)
                earliest = ended_at + max(_SHORTEST_REST, _REST_BEFORE_ANSWER * self._duration)
                asked = False
            asked = self._hear_until(min(due, earliest) if asked else due) or asked

    def resync(self, timeout: float, rounds: int = 2) -> Optional[Report]:
        """Ask for rounds until this director's table has what another one serves, and nothing else of it.

        :param timeout: seconds.
        :param rounds: how many at least: the second is the first one that can show what is stale.
        :return: of the last round; None if nobody has told of any.
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
        """Tell rounds until others have written that no more than ``tolerance`` connections are missing in their tables.

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
        """Tell of all connections to addresses that this machine serves, and return how many there were."""
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
                time.sleep(_PAUSE)
        self._send_mark(Mark("end", name, connections=total))
        self._duration = time.monotonic() - started
        return total

    def table(self) -> list[Entry]:
        """Return this director's services and destinations."""
        return [observed.entry for observed in self._kernel.read_table(counters=False)]

    def served(self) -> set[bytes]:
        """Return the virtual addresses that are this machine's now."""
        return self._local(self.table())

    def _send_mark(self, mark: Mark) -> None:
        self._group.tell(pack_payload(pack_mark(mark), self._master.sync_id))

    def _hear_until(self, deadline: float) -> bool:
        """Hear others until a moment, or until one of them asks for a round, and return whether one has."""
        while (left := deadline - time.monotonic()) > 0:
            heard = self._hear(left)
            if heard is None:
                continue
            source, mark = heard
            if mark.kind == "ask":
                return True
            if mark.kind == "received":
                self._report(Report(source.address, mark.connections, mark.missing, mark.ended, ours=True))
            self._after(source, mark)
        return False

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
        time.sleep(_ARRIVAL)
        table = self.table()
        comparison = self._listener.compare(read_connections(self._listing(), completing(table)), complete, self._local(table))
        for datagram, _number in pack_messages(map(ended, comparison.stale), self._backup.sync_id, self._backup.maximum_length):
            self._group.tell_here(datagram)
        report = Report(source.address, complete.connections, comparison.missing, len(comparison.stale), comparison.untold)
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
            # Those of services by firewall mark are known from connections alone.
            addresses |= {connection.address for connection in self._own() if connection.protocol}
        return {address for address in addresses if address and self.is_local(address)}
