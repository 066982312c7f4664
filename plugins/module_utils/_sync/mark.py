# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Marks in the stream of sync messages: start and end of a round, a request for a round, and its receipt. Pure functions.

A mark is the payload of a message without connections, which the kernel ignores. It is JSON, readable with tcpdump.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.table import format_address, parse_address

_NAME = "lvs.director"
# Addresses per mark: even with IPv6, it fits into the shortest message length that the kernel allows for a daemon.
_ADDRESSES = 24


class Mark(NamedTuple):
    """A mark: ``ask`` for a round; ``serves``, some addresses of a starting round; ``end`` of a round; ``received``, its receipt."""

    kind: str
    round: str = ""
    addresses: tuple[bytes, ...] = ()
    connections: int = 0  # of the round
    missing: int = 0  # of them, in the receiver's table
    ended: int = 0  # stale connections of the receiver
    table: str = ""  # fingerprint of the receiver's services and destinations
    weights: str = ""  # the same with the weights


def pack_mark(mark: Mark) -> bytes:
    """Return a mark as the payload of a message."""
    content = {name: value for name, value in mark._asdict().items() if value and name not in ("kind", "addresses")}
    content |= {_NAME: mark.kind, "addresses": [format_address(address) for address in mark.addresses]}
    return json.dumps(content, separators=(",", ":")).encode("ascii")


def unpack_mark(payload: bytes) -> Optional[Mark]:
    """Return the mark in a payload; None if it is something else."""
    try:
        content = json.loads(payload)
        connections, missing, ended = (int(content.get(name, 0)) for name in ("connections", "missing", "ended"))
        table, weights = (str(content.get(name, "")) for name in ("table", "weights"))
        addresses = tuple(parse_address(text) for text in content["addresses"])
        return Mark(str(content[_NAME]), str(content.get("round", "")), addresses, connections, missing, ended, table, weights)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def serving(round_name: str, addresses: Sequence[bytes]) -> list[Mark]:
    """Return the marks that name the addresses of a round."""
    parts = [tuple(addresses[start : start + _ADDRESSES]) for start in range(0, len(addresses), _ADDRESSES)]
    return [Mark("serves", round_name, part) for part in parts]
