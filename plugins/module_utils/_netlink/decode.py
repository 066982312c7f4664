# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Reading netlink attributes.

An attribute is a header of two numbers in host order, the length (header included) and the kind; the value; and zeros up to
a multiple of four. A port of 80 on a little-endian machine::

    06 00  02 00  00 50  00 00
    length kind   value  padding
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError

HEADER = struct.Struct("=HH")
NLA_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

_NUMBERS = {1: struct.Struct("=B"), 2: struct.Struct("=H"), 4: struct.Struct("=I"), 8: struct.Struct("=Q")}


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and value of each attribute.

    :raises IpvsProtocolError: a length does not fit.
    """
    offset, end = 0, len(data)
    while end - offset >= 4:
        length, kind = HEADER.unpack_from(data, offset)
        if length < 4 or length > end - offset:
            raise IpvsProtocolError(f"netlink attribute {kind} claims {length} bytes where {end - offset} are left")
        yield kind & NLA_TYPE_MASK, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def values(data: bytes) -> dict[int, bytes]:
    """Return each attribute's value by its kind.

    :raises IpvsProtocolError: a length does not fit.
    """
    return dict(attributes(data))


def require(found: dict[int, bytes], kind: int, name: str) -> bytes:
    """Return the value of an attribute that every kernel sends."""
    try:
        return found[kind]
    except KeyError:
        raise IpvsProtocolError(f"the kernel's reply has no {name} (attribute {kind})") from None


def number(value: bytes) -> int:
    """Return an unsigned number in host order, of any width."""
    form = _NUMBERS.get(len(value))
    if form is None:
        raise IpvsProtocolError(f"a number of {len(value)} bytes in the kernel's reply")
    return int(form.unpack(value)[0])


def text(value: bytes) -> str:
    """Return a string, without the zero byte at its end."""
    return value.split(b"\0", 1)[0].decode("ascii", "replace")
