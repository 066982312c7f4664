# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What is told in a round, and what a round shows to be missing or stale. Pure: messages in, messages out.

The director that serves an address tells of all of its connections, round after round. The kernel's backup daemons of the
others take what they lack. What they have and nobody has told of, neither in this round nor in the one before, has ended
while they were away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._sync.mark import Mark
from ansible_collections.lvs.director.plugins.module_utils._sync.message import Message, SyncConnection
from ansible_collections.lvs.director.plugins.module_utils._sync.told import Told

_PROTOCOL_IP = 0
# Seconds that a connection must have left to be told of.
_SHORTEST = 3


class Complete(NamedTuple):
    """A round of which nothing was lost on the way."""

    source: str
    connections: int
    addresses: frozenset[bytes]


class _Round:
    """What was heard so far of a director's round."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.addresses: set[bytes] = set()
        self.heard = 0


class Listener:
    """Hears the messages of other directors."""

    def __init__(self) -> None:
        self._rounds: dict[str, _Round] = {}
        self._told = Told()
        self._told_before: Optional[Told] = None

    def hear(self, source: str, message: Message) -> None:
        """Take note of connections, of the kernel's own messages too.

        :param source: the address of the director that has sent it.
        """
        for connection in message.connections:
            self._told.add(connection.key)
        found = self._rounds.get(source)
        if found:
            found.heard += len(message.connections)

    def mark(self, source: str, mark: Mark) -> Optional[Complete]:
        """Take note of a mark, and return the round that it completes, if there was no gap in it.

        The kernel's own messages are counted with a round: what is heard may be more than what its end says, and not less.
        """
        found = self._rounds.get(source)
        if mark.kind == "serves":
            if found is None or found.name != mark.round:
                found = self._rounds[source] = _Round(mark.round)
            found.addresses.update(mark.addresses)
        elif mark.kind == "end" and found is not None and found.name == mark.round:
            del self._rounds[source]
            if found.heard >= mark.connections:
                return Complete(source, mark.connections, frozenset(found.addresses))
        return None

    def rotate(self) -> None:
        """Begin anew, and keep what was told until now for one more round."""
        self._told_before = self._told
        self._told = Told()

    def compare(self, own: Iterable[SyncConnection], complete: Complete, served_here: Collection[bytes]) -> Comparison:
        """Return how this director's table differs from a round.

        :param own: this director's connections.
        :param served_here: addresses of this director: its own connections are the truth about those.
        """
        common = 0
        stale = []
        for connection in own:
            if not concerns(connection, complete.addresses):
                continue
            key = connection.key
            if key in self._told:
                common += 1
            elif self._told_before is not None and key not in self._told_before and not concerns(connection, served_here):
                stale.append(connection)
        return Comparison(complete.connections, max(0, complete.connections - common), tuple(stale))


class Comparison(NamedTuple):
    """What a round shows of this director's table."""

    told: int
    missing: int
    stale: tuple[SyncConnection, ...]


def concerns(connection: SyncConnection, addresses: Collection[bytes]) -> bool:
    """Return whether a connection is one of these addresses. The template of a firewall mark is any address's."""
    return connection.address in addresses or (connection.protocol == _PROTOCOL_IP and bool(addresses))


def to_tell(own: Iterable[SyncConnection], served_here: Collection[bytes]) -> Iterator[SyncConnection]:
    """Yield the connections of a round: not those that will have ended before the round is compared."""
    return (connection for connection in own if connection.timeout >= _SHORTEST and concerns(connection, served_here))
