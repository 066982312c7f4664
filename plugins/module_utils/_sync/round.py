# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The messages of a round, and which connections it shows to be missing or stale. Pure: messages in, messages out.

The director that serves an address sends all of its connections in every round. The kernel's backup daemons on the other directors add
the missing ones. A connection is stale if it was in this director's table at the end of two successive rounds, and neither these nor the
kernel's own messages included it: it ended while this director was away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._sync.mark import Mark
from ansible_collections.lvs.director.plugins.module_utils._sync.message import Message, SyncConnection
from ansible_collections.lvs.director.plugins.module_utils._sync.told import Told

_PROTOCOL_IP = 0
# Anybody may send to the group. Limits of directors, and of processes per director, to track: some megabytes each.
_MOST_PEERS = 8
_MOST_ROUNDS = 4


class Source(NamedTuple):
    """A socket of another director. Its kernel and each of its processes have their own."""

    address: str
    port: int


class Complete(NamedTuple):
    """A completed round."""

    source: Source
    name: str
    connections: int
    lost: int  # connections of the round that were lost on the way
    addresses: frozenset[bytes]
    told: Told


class Comparison(NamedTuple):
    """The comparison of this director's table with a round."""

    missing: int
    stale: tuple[SyncConnection, ...]
    untold: int  # connections that only this director has, including the stale ones
    suspects: Told  # those that are stale if the next round does not tell of them either


class _Round:
    """The part of a round received so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.addresses: set[bytes] = set()
        self.heard = 0
        self.told = Told()


class _Peer:
    """What another director and its kernel have sent since its last round, and the connections suspected to be stale then."""

    def __init__(self) -> None:
        self.told = Told()
        self.suspects: Optional[Told] = None
        self.rounds: dict[int, _Round] = {}


class Listener:
    """Tracks the messages of other directors."""

    def __init__(self) -> None:
        self._peers: dict[str, _Peer] = {}

    def hear(self, source: Source, message: Message) -> None:
        """Record connections, including those in the kernel's own messages."""
        peer = self._peer(source)
        if peer is None:
            return
        found = peer.rounds.get(source.port)
        told = found.told if found else peer.told
        for connection in message.connections:
            told.add(connection.key)
        if found:
            found.heard += len(message.connections)

    def mark(self, source: Source, mark: Mark) -> Optional[Complete]:
        """Record a mark, and return the round that it ends."""
        peer = self._peer(source)
        if peer is None:
            return None
        found = peer.rounds.get(source.port)
        if mark.kind == "serves":
            if found is None or found.name != mark.round:
                found = peer.rounds[source.port] = _Round(mark.round)
                if len(peer.rounds) > _MOST_ROUNDS:
                    del peer.rounds[next(iter(peer.rounds))]
            found.addresses.update(mark.addresses)
        elif mark.kind == "end" and found is not None and found.name == mark.round:
            del peer.rounds[source.port]
            lost = max(0, mark.connections - found.heard)
            return Complete(source, found.name, mark.connections, lost, frozenset(found.addresses), found.told)
        return None

    def compare(self, own: Iterable[SyncConnection], complete: Complete, served_here: Collection[bytes]) -> Comparison:
        """Compare this director's table with a complete round. What is noted stays: ``settle`` takes the result over.

        :param own: this director's connections.
        :param served_here: addresses of this director, for which its own connections are authoritative.
        """
        peer = self._peers[complete.source.address]
        common = untold = 0
        stale = []
        suspects = Told()
        for connection in own:
            if not concerns(connection, complete.addresses):
                continue
            key = connection.key
            if key in complete.told:
                common += 1
            elif key not in peer.told and not concerns(connection, served_here):
                untold += 1
                if peer.suspects is not None and key in peer.suspects:
                    stale.append(connection)
                else:
                    suspects.add(key)
        return Comparison(max(0, complete.connections - common), tuple(stale), untold, suspects)

    def settle(self, complete: Complete, comparison: Comparison) -> None:
        """Take note of a round's last comparison, and begin with the next round."""
        peer = self._peers[complete.source.address]
        peer.told, peer.suspects = Told(), comparison.suspects

    def _peer(self, source: Source) -> Optional[_Peer]:
        found = self._peers.get(source.address)
        if found is None and len(self._peers) < _MOST_PEERS:
            found = self._peers[source.address] = _Peer()
        return found


def concerns(connection: SyncConnection, addresses: Collection[bytes]) -> bool:
    """Return whether a connection belongs to one of these addresses. The template of a firewall mark belongs to any."""
    return connection.address in addresses or (connection.protocol == _PROTOCOL_IP and bool(addresses))


def to_tell(own: Iterable[SyncConnection], served_here: Collection[bytes], shortest: float) -> Iterator[SyncConnection]:
    """Yield the connections of a round.

    :param shortest: seconds that a connection must have left: others would end before the round is compared.
    """
    return (connection for connection in own if connection.timeout >= shortest and concerns(connection, served_here))
