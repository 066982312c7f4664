# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What is told in a round, and what a round shows to be missing or stale. Pure: messages in, messages out.

The director that serves an address tells of all of its connections, round after round. The kernel's backup daemons of the
others take what they lack. A connection is stale that was in this director's table at the end of two rounds in succession,
and of which neither they nor the kernel's own messages meanwhile have told: it has ended while this director was away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._sync.mark import Mark
from ansible_collections.lvs.director.plugins.module_utils._sync.message import Message, SyncConnection
from ansible_collections.lvs.director.plugins.module_utils._sync.told import Told

_PROTOCOL_IP = 0
# Anybody may send to the group. Directors of a group, and processes of a director, of which notes are kept: some megabytes each.
_MOST_PEERS = 8
_MOST_ROUNDS = 4


class Source(NamedTuple):
    """A socket of another director. Its kernel and each of its processes have one of their own."""

    address: str
    port: int


class Complete(NamedTuple):
    """A round that has ended."""

    source: Source
    name: str
    connections: int
    lost: int  # connections of the round that did not arrive
    addresses: frozenset[bytes]
    told: Told


class Comparison(NamedTuple):
    """What a round shows of this director's table."""

    missing: int
    stale: tuple[SyncConnection, ...]
    untold: int  # connections that only this director has, the stale ones among them


class _Round:
    """What was heard so far of a round."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.addresses: set[bytes] = set()
        self.heard = 0
        self.told = Told()


class _Peer:
    """What another director has told since its last round ended, by its kernel too, and what was suspected to be stale then."""

    def __init__(self) -> None:
        self.told = Told()
        self.suspects: Optional[Told] = None
        self.rounds: dict[int, _Round] = {}


class Listener:
    """Hears the messages of other directors."""

    def __init__(self) -> None:
        self._peers: dict[str, _Peer] = {}

    def hear(self, source: Source, message: Message) -> None:
        """Take note of connections, of the kernel's own messages too."""
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
        """Take note of a mark, and return the round that it ends."""
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
        """Return how this director's table differs from a round of which nothing was lost, and begin to note for the next one.

        :param own: this director's connections.
        :param served_here: addresses of this director: its own connections are the truth about those.
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
        peer.told, peer.suspects = Told(), suspects
        return Comparison(max(0, complete.connections - common), tuple(stale), untold)

    def _peer(self, source: Source) -> Optional[_Peer]:
        found = self._peers.get(source.address)
        if found is None and len(self._peers) < _MOST_PEERS:
            found = self._peers[source.address] = _Peer()
        return found


def concerns(connection: SyncConnection, addresses: Collection[bytes]) -> bool:
    """Return whether a connection is one of these addresses. The template of a firewall mark is any address's."""
    return connection.address in addresses or (connection.protocol == _PROTOCOL_IP and bool(addresses))


def to_tell(own: Iterable[SyncConnection], served_here: Collection[bytes], shortest: float) -> Iterator[SyncConnection]:
    """Yield the connections of a round.

    :param shortest: seconds that a connection must have left: those that end before the round is compared would be missed.
    """
    return (connection for connection in own if connection.timeout >= shortest and concerns(connection, served_here))
