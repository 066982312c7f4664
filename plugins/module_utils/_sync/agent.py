# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The agent beside the kernel's sync daemons: tells of all connections, hears what others tell, and ends what is stale.

Small, and restartable at any moment: all that it knows comes from the kernel's table and from the messages of two rounds.

A round is told when another director asks, as one does that comes back, and every ``interval`` seconds. It is sent in bursts,
with pauses between: the kernel's backup daemon has a receive buffer of some hundred datagrams. After a round
the agent waits at least nineteen times as long as the round took, so that unasked rounds take a twentieth of a processor at most.
A question is answered at once, whoever asks: like the kernel's daemons, the agent trusts the network of the group.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._sync.group import Group
from ansible_collections.lvs.director.plugins.module_utils._sync.mark import Mark, pack_mark, serving, unpack_mark
from ansible_collections.lvs.director.plugins.module_utils._sync.message import (
    Damaged,
    SyncConnection,
    pack_messages,
    pack_payload,
    unpack_message,
)
from ansible_collections.lvs.director.plugins.module_utils._sync.round import Comparison, Complete, Listener, to_tell
from ansible_collections.lvs.director.plugins.module_utils._sync.table import completing, ended, read_connections

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel

# Datagrams sent without a pause, and the pause in seconds: 40,000 connections a second at most.
_BURST = 16
_PAUSE = 0.016
# The share of a processor that rounds may take, as the ratio of rest to work.
_REST = 19
# Seconds without a round after which one is asked for again.
_PATIENCE = 5.0


class Report(NamedTuple):
    """What a round has brought."""

    source: str
    told: int
    missing: int
    ended: int


class Agent:
    """One director's agent.

    :param is_local: whether packets to an address end at this machine.
    :param listing: returns the lines of /proc/net/ip_vs_conn.
    :param log: gets a line for people.
    """

    def __init__(
        self,
        kernel: IpvsKernel,
        daemon: SyncDaemon,
        group: Group,
        is_local: Callable[[bytes], bool],
        listing: Callable[[], Iterable[bytes]],
        log: Callable[[str], None],
    ) -> None:
        self._kernel = kernel
        self._daemon = daemon
        self._group = group
        self._is_local = is_local
        self._listing = listing
        self._log = log
        self._listener = Listener()

    def run(self, interval: float) -> None:
        """Tell and hear until the process is ended."""
        self.ask()
        next_round = time.monotonic()
        asked = False
        while True:
            due = time.monotonic() >= next_round
            if due or asked:
                started = time.monotonic()
                self.tell()
                took = time.monotonic() - started
                next_round = time.monotonic() + max(interval, _REST * took)
                asked = False
            asked = self._hear_until(next_round)

    def resync(self, timeout: float) -> Optional[Report]:
        """Ask for rounds until this director's table has what another one serves, and nothing else of it.

        The second round is the first one that can show what is stale.

        :param timeout: seconds.
        :return: of the last round; None if nobody has told of any.
        """
        deadline = time.monotonic() + timeout
        report: Optional[Report] = None
        rounds = 0
        while time.monotonic() < deadline and (rounds < 2 or (report and report.missing)):
            self.ask()
            heard = self._next_report(min(deadline, time.monotonic() + _PATIENCE + (report.told / 10000 if report else 0)))
            if heard is not None:
                report, rounds = heard, rounds + 1
        return report

    def ask(self) -> None:
        """Ask the other directors for a round."""
        self._group.tell(pack_payload(pack_mark(Mark("ask")), self._daemon.sync_id))

    def tell(self) -> int:
        """Tell of all connections to addresses that this machine serves, and return how many there were."""
        served, own = self._served_here(), self._own()
        if not served:
            return 0
        name = os.urandom(4).hex()
        for mark in serving(name, sorted(served)):
            self._send_mark(mark)
        total = 0
        for index, (datagram, number) in enumerate(
            pack_messages(to_tell(own, served), self._daemon.sync_id, self._daemon.maximum_length), 1
        ):
            self._group.tell(datagram)
            total += number
            if index % _BURST == 0:
                time.sleep(_PAUSE)
        self._send_mark(Mark("end", name, connections=total))
        return total

    def _send_mark(self, mark: Mark) -> None:
        self._group.tell(pack_payload(pack_mark(mark), self._daemon.sync_id))

    def _hear_until(self, deadline: float) -> bool:
        """Hear others until a moment, or until one of them asks for a round, and return whether one has."""
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._group], [], [], left)[0]:
                mark = self._hear()
                if mark and mark[1].kind == "ask":
                    return True
                if mark:
                    self._after(*mark)
        return False

    def _next_report(self, deadline: float) -> Optional[Report]:
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._group], [], [], left)[0]:
                mark = self._hear()
                report = self._after(*mark) if mark else None
                if report:
                    return report
        return None

    def _hear(self) -> Optional[tuple[str, Mark]]:
        datagram = self._group.receive()
        if datagram is None:
            return None
        try:
            message = unpack_message(datagram.data)
        except Damaged:
            return None
        if message is None or self._daemon.sync_id not in (0, message.sync_id):
            return None
        self._listener.hear(datagram.source, message)
        mark = unpack_mark(message.payload) if message.payload else None
        return (datagram.source, mark) if mark else None

    def _after(self, source: str, mark: Mark) -> Optional[Report]:
        """Compare the tables when a round is complete, and end what is stale."""
        complete = self._listener.mark(source, mark)
        if complete is None:
            return None
        # What was sent last may still be on its way through the kernel.
        time.sleep(0.2)
        comparison = self._compare(complete)
        self._listener.rotate()
        for datagram, _number in pack_messages(map(ended, comparison.stale), self._daemon.sync_id, self._daemon.maximum_length):
            self._group.tell_here(datagram)
        report = Report(source, comparison.told, comparison.missing, len(comparison.stale))
        if report.missing or report.ended:
            self._log(f"{source} told of {report.told} connections: {report.missing} missing here, {report.ended} ended as stale")
        return report

    def _compare(self, complete: Complete) -> Comparison:
        return self._listener.compare(self._own(), complete, self._served_here())

    def _own(self) -> Iterator[SyncConnection]:
        table = [observed.entry for observed in self._kernel.read_table(counters=False)]
        return read_connections(self._listing(), completing(table))

    def _served_here(self) -> set[bytes]:
        """Return the virtual addresses that are this machine's now.

        Of services by firewall mark, addresses are known from connections alone.
        """
        addresses = {observed.entry.service.key.address for observed in self._kernel.read_table(counters=False)} - {b""}
        return {address for address in addresses if self._is_local(address)}
