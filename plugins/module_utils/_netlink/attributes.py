# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Netlink attributes one by one, each walked or made by itself: what is sent, and the little that is read but rarely."""

from __future__ import annotations

import struct

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError
from ansible_collections.lvs.director.plugins.module_utils._netlink.decode import HEADER, attributes

_U16 = struct.Struct("=H")
_BE16 = struct.Struct(">H")
_U32 = struct.Struct("=I")
_U64 = struct.Struct("=Q")


def pack(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return HEADER.pack(4 + len(value), kind) + value + b"\0" * padding


def u8(kind: int, value: int) -> bytes:
    return pack(kind, bytes((value,)))


def u16(kind: int, value: int) -> bytes:
    return pack(kind, _U16.pack(value))


def be16(kind: int, value: int) -> bytes:
    return pack(kind, _BE16.pack(value))


def u32(kind: int, value: int) -> bytes:
    return pack(kind, _U32.pack(value))


def string(kind: int, value: str) -> bytes:
    return pack(kind, value.encode("ascii") + b"\0")


def values(data: bytes) -> dict[int, bytes]:
    """Return each attribute's value by its kind.

    :raises IpvsProtocolError: a length does not fit.
    """
    return {kind: data[begin:end] for kind, begin, end in attributes(data)}


def number(value: bytes) -> int:
    """Return an unsigned number in host order, of the width in which it came."""
    if len(value) == 4:
        return int(_U32.unpack(value)[0])
    if len(value) == 2:
        return int(_U16.unpack(value)[0])
    if len(value) == 1:
        return value[0]
    if len(value) == 8:
        return int(_U64.unpack(value)[0])
    raise IpvsProtocolError(f"a number of {len(value)} bytes in the kernel's reply")


def require(found: dict[int, bytes], kind: int, what: str) -> bytes:
    try:
        return found[kind]
    except KeyError:
        raise IpvsProtocolError(f"the kernel's reply has no {what} (attribute {kind})") from None
