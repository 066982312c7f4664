# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Netlink attributes -> values, fast where thousands of messages look alike.

A listing consists of messages that have the same attributes at the same places. The first one is walked attribute by
attribute; that leaves two structs, one of all headers and one of the values that are wanted. Further messages are unpacked
by these, many in one call; those whose headers are not the same to the bit are walked again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple, Optional

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
_AROUND = -1


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
    header: tuple[Any, ...]
    headers: struct.Struct
    values: struct.Struct
    defaults: tuple[Any, ...]
    pick: Callable[[tuple[Any, ...]], tuple[Any, ...]]

    def fits(self, data: memoryview) -> bool:
        return list(self.headers.iter_unpack(data)).count(self.header) * self.headers.size == len(data)


class Shapes:
    """Unpacks messages into the values of the same fields, in the order in which these were given.

    :param offset: how many bytes of each message come before its attributes.
    :param inside: the kind of the attribute in which the fields are; without it they are at the first level.
    """

    def __init__(self, *fields: Field, offset: int = 0, inside: Optional[int] = None) -> None:
        self._fields = fields
        self._offset = offset
        self._inside = inside
        self._known: dict[int, _Shape] = {}

    def rows(self, data: memoryview, length: int) -> list[tuple[Any, ...]]:
        """Return the fields' values for each message of a run: messages of that length, one after the other.

        :raises IpvsProtocolError: a length does not fit, or a field is missing that has no default.
        """
        shape = self._known.get(length)
        if shape is None or not shape.fits(data):
            shape = self._learn(data[:length])
            if not shape.fits(data):
                return [self.unpack(data[begin : begin + length]) for begin in range(0, len(data), length)]
        pick, defaults = shape.pick, shape.defaults
        return [pick(row + defaults) for row in shape.values.iter_unpack(data)]

    def unpack(self, data: memoryview) -> tuple[Any, ...]:
        """Return the fields' values for one message.

        :raises IpvsProtocolError: as for ``rows``.
        """
        shape = self._known.get(len(data))
        if shape is None or shape.headers.unpack(data) != shape.header:
            shape = self._learn(data)
        return shape.pick(shape.values.unpack(data) + shape.defaults)

    def _learn(self, data: memoryview) -> _Shape:
        wanted = {field.kind: field for field in self._fields}
        found: dict[int, int] = {}
        headers = values = "="
        headers_end = values_end = place = 0
        for kind, begin, end in self._attributes(data):
            headers += f"{begin - 4 - headers_end}xI"
            headers_end = begin
            if kind in wanted:
                values += f"{begin - values_end}x{self._form(wanted[kind], end - begin)}"
                values_end = end
                found[kind] = place
                place += 1
        headers += f"{len(data) - headers_end}x"
        values += f"{len(data) - values_end}x"
        defaults: list[Any] = []
        for field in self._fields:
            if field.kind not in found:
                if field.default is REQUIRED:
                    raise IpvsProtocolError(f"the kernel's reply has no {field.what} (attribute {field.kind})")
                found[field.kind] = place + len(defaults)
                defaults.append(field.default)
        layout = struct.Struct(headers)
        picked = [found[field.kind] for field in self._fields]
        pick = itemgetter(*picked) if len(picked) > 1 else lambda row: (row[picked[0]],)
        shape = _Shape(layout.unpack(data), layout, struct.Struct(values), tuple(defaults), pick)
        if len(self._known) < _MOST_SHAPES:
            self._known[len(data)] = shape
        return shape

    def _attributes(self, data: memoryview) -> Iterator[tuple[int, int, int]]:
        """Yield kind, begin and end of the attributes in which the fields are; of the one around them only the begin."""
        base, end = self._offset, len(data)
        if self._inside is not None:
            for kind, begin, stop in attributes(data[base:]):
                if kind == self._inside:
                    base, end = base + begin, base + stop
                    break
            else:
                raise IpvsProtocolError(f"the kernel's reply lacks attribute {self._inside}")
            yield _AROUND, base, base
        for kind, begin, stop in attributes(data[base:end]):
            yield kind, base + begin, base + stop

    @staticmethod
    def _form(field: Field, length: int) -> str:
        if field.form == "bytes":
            return f"{length}s"
        form = _FORMS[field.form].get(length)
        if form is None:
            raise IpvsProtocolError(f"{field.what} has {length} bytes in the kernel's reply, which is no {field.form}")
        return form
