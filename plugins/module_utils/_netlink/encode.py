# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Making netlink attributes. Reading them: ``decode``."""

from __future__ import annotations

import struct

from ansible_collections.lvs.director.plugins.module_utils._netlink.decode import HEADER

_U16 = struct.Struct("=H")
_BE16 = struct.Struct(">H")
_U32 = struct.Struct("=I")


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
