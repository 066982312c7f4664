# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Netlink attributes -> values, fast where thousands of messages look alike.

A listing consists of messages that have the same attributes at the same places. The first one is walked attribute by
attribute; that leaves two structs, one of all headers and one of the values that are wanted. Each further message whose
headers are the same to the bit is unpacked by these in two calls; any other one is walked again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsProtocolError

HEADER = struct.Struct("=HH")
NLA_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

_FORMS = {
    "number": {1: "B", 2: "H", 4: "I", 8: "Q"},
    "signed": {1: "b", 2: "h", 4: "i", 8: "q"},
    "port": {2: "H"},
}
# More shapes than a kernel has: whatever sends so many is not worth remembering.
_MOST_SHAPES = 64

REQUIRED = object()


def attributes(data: memoryview) -> Iterator[tuple[int, int, int]]:
    """Yield kind, and begin and end of the value, of each attribute.

    :raises IpvsProtocolError: a length does not fit.
    """
    offset, end = 0, len(data)
    while end - offset >= 4:
        length, kind = HEADER.unpack_from(data, offset)
        if length < 4 or length > end - offset:
            raise IpvsProtocolError(f"netlink attribute {kind} claims {length} bytes where {end - offset} are left")
        yield kind & NLA_TYPE_MASK, offset + 4, offset + length
        offset += (length + 3) & ~3


class Field(NamedTuple):
    """An attribute that is wanted: ``number`` and ``signed`` in host order and of any width, ``port`` of two bytes, as
    they came, or ``bytes``."""

    kind: int
    what: str
    form: str = "number"
    default: Any = REQUIRED


class _Shape(NamedTuple):
    headers: tuple[Any, ...]
    unpack_headers: Callable[[memoryview], tuple[Any, ...]]
    unpack_values: Callable[[memoryview], tuple[Any, ...]]
    defaults: tuple[Any, ...]
    pick: Callable[[tuple[Any, ...]], tuple[Any, ...]]


class Shapes:
    """Unpacks messages into the values of the same fields, in the order in which these were given."""

    def __init__(self, *fields: Field) -> None:
        self._fields = fields
        self._known: dict[int, _Shape] = {}

    def unpack(self, data: memoryview) -> tuple[Any, ...]:
        """Return the fields' values.

        :raises IpvsProtocolError: a length does not fit, or a field is missing that has no default.
        """
        shape = self._known.get(len(data))
        if shape is None or shape.unpack_headers(data) != shape.headers:
            shape = self._learn(data)
        return shape.pick(shape.unpack_values(data) + shape.defaults)

    def _learn(self, data: memoryview) -> _Shape:
        wanted = {field.kind: field for field in self._fields}
        found: dict[int, int] = {}
        headers, values = "=", "="
        place = 0
        for kind, begin, end in attributes(data):
            padding = min(-(end - begin) % 4, len(data) - end)
            headers += f"I{end - begin + padding}x"
            form = self._form(wanted[kind], end - begin) if kind in wanted else f"{end - begin}x"
            values += f"4x{form}{padding}x"
            if kind in wanted:
                found[kind] = place
                place += 1
        defaults: list[Any] = []
        for field in self._fields:
            if field.kind not in found:
                if field.default is REQUIRED:
                    raise IpvsProtocolError(f"the kernel's reply has no {field.what} (attribute {field.kind})")
                found[field.kind] = place + len(defaults)
                defaults.append(field.default)
        unpack_headers = struct.Struct(headers).unpack_from
        picked = [found[field.kind] for field in self._fields]
        pick = itemgetter(*picked) if len(picked) > 1 else lambda row: (row[picked[0]],)
        shape = _Shape(unpack_headers(data), unpack_headers, struct.Struct(values).unpack_from, tuple(defaults), pick)
        if len(self._known) < _MOST_SHAPES:
            self._known[len(data)] = shape
        return shape

    @staticmethod
    def _form(field: Field, length: int) -> str:
        if field.form == "bytes":
            return f"{length}s"
        form = _FORMS[field.form].get(length)
        if form is None:
            raise IpvsProtocolError(f"{field.what} has {length} bytes in the kernel's reply, which is no {field.form}")
        return form
