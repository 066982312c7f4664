# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Listen for VRRP advertisements: does a peer have the addresses of an instance?"""

from __future__ import annotations

import ipaddress
import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._machine.vrrp_configuration import Instance

_VRRP = 112
_ADVERTISEMENT = 1
# A backup gives up on a master after a little more than three intervals.
_INTERVALS = 3.5
_BIT = 0.2  # seconds


def with_master(instances: Sequence[Instance]) -> set[Instance]:
    """Return the instances that have a peer as master. Without any, this takes three and a half intervals.

    Returns all of them if this process may not listen.
    """
    heard: set[Instance] = set()
    deadline = time.monotonic() + max((each.advertisement_interval for each in instances), default=0.0) * _INTERVALS + _BIT
    try:
        for source, router_id in _advertisements({ipaddress.ip_address(each.address).version for each in instances}, deadline):
            heard |= {each for each in instances if each.router_id == router_id and source in each.peers}
            if len(heard) == len(instances):
                break
    except OSError:
        return set(instances)
    return heard


def parse(packet: bytes, family: int) -> Optional[int]:
    """Return the router ID of a master's advertisement, None for any other packet.

    :param packet: as from a raw socket: with the IP header if it is IPv4.
    """
    body = packet[(packet[0] & 15) * 4 :] if family == 4 and packet else packet
    # A stopping master announces that with priority 0.
    if len(body) < 3 or body[0] & 15 != _ADVERTISEMENT or body[2] == 0:
        return None
    return body[1]


def _advertisements(families: set[int], deadline: float) -> Iterator[tuple[str, int]]:
    with ExitStack() as stack:
        families_of: dict[socket.socket, int] = {}
        for family in families:
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            families_of[stack.enter_context(socket.socket(kind, socket.SOCK_RAW, _VRRP))] = family
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            for ready in select.select(list(families_of), [], [], left)[0]:
                packet, source = ready.recvfrom(4096)
                router_id = parse(packet, families_of[ready])
                if router_id is not None:
                    yield str(ipaddress.ip_address(source[0].partition("%")[0])), router_id
