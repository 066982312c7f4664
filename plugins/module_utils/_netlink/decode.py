# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Netlink attributes -> values, fast where thousands of messages look alike.

A listing consists of messages that have the same attributes at the same places. The first one is walked attribute by
attribute; that leaves a struct of the values that are wanted, and a mask of where the headers are. Of further messages the
headers are compared with those of the first, all in one operation, and the values unpacked in one call; messages whose
headers are not the same to the bit are walked again.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Optional, Union

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError

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


def attributes(data: bytes) -> Iterator[tuple[int, int, int]]:
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


class Together(NamedTuple):
    """Attributes that are wanted as one value: headers and all, one after the other, as they came. b"" if there are none.

    Where many messages have the same values in these, that one value says so.
    """

    kinds: tuple[int, ...]


_Pick = Callable[[tuple[Any, ...]], tuple[Any, ...]]


class _Shape:
    """The layout of a message."""

    def __init__(self, first: bytes, headers: Sequence[int], values: str, pick: Optional[_Pick]) -> None:
        mask = bytearray(len(first))
        for begin in headers:
            mask[begin : begin + 4] = b"\xff" * 4
        self._first, self._mask = first, bytes(mask)
        self._repeated: dict[int, tuple[int, int]] = {}
        self.values = struct.Struct(values)
        self.pick = pick

    def fits(self, data: bytes) -> bool:
        """Return whether this is the layout of each message of a run."""
        known = self._repeated.get(len(data))
        if known is None:
            count = len(data) // len(self._first)
            mask = int.from_bytes(self._mask * count, sys.byteorder)
            known = self._repeated[len(data)] = mask, int.from_bytes(self._first * count, sys.byteorder) & mask
        return int.from_bytes(data, sys.byteorder) & known[0] == known[1]

    def rows(self, data: bytes) -> list[tuple[Any, ...]]:
        """Return the values of each message of a run that has this layout."""
        rows = self.values.iter_unpack(data)
        return list(rows) if self.pick is None else list(map(self.pick, rows))


class Shapes:
    """Unpacks messages into the values of the same fields, in the order in which these were given.

    :param offset: how many bytes of each message come before its attributes.
    :param inside: the kind of the attribute in which the fields are; without it they are at the first level.
    """

    def __init__(self, *fields: Union[Field, Together], offset: int = 0, inside: Optional[int] = None) -> None:
        self._fields = fields
        self._single = {field.kind: field for field in fields if isinstance(field, Field)}
        self._groups = {kind: field for field in fields if isinstance(field, Together) for kind in field.kinds}
        self._offset = offset
        self._inside = inside
        self._known: dict[int, _Shape] = {}

    def rows(self, data: bytes, length: int) -> list[tuple[Any, ...]]:
        """Return the fields' values for each message of a run: messages of that length, one after the other.

        :raises IpvsProtocolError: a length does not fit, or a field is missing that has no default.
        """
        shape = self._known.get(length)
        if shape is None or not shape.fits(data):
            shape = self._learn(data[:length])
            if not shape.fits(data):
                return [self.unpack(data[begin : begin + length]) for begin in range(0, len(data), length)]
        return shape.rows(data)

    def unpack(self, data: bytes) -> tuple[Any, ...]:
        """Return the fields' values for one message.

        :raises IpvsProtocolError: as for ``rows``.
        """
        return self.rows(data, len(data))[0]

    def _learn(self, data: bytes) -> _Shape:
        headers = []
        layout = ["="]
        end_of_values = count = length = 0
        places: dict[Union[Field, Together], list[int]] = {}
        joined: Optional[Together] = None  # the group that the value before belongs to
        for kind, begin, end in self._attributes(data):
            headers.append(begin - 4)
            group, field = self._groups.get(kind), self._single.get(kind)
            if group is not None:
                header, padded = begin - 4, min((end + 3) & ~3, len(data))
                if joined is group and end_of_values == header:
                    length += padded - header
                    layout[-1] = f"{length}s"
                    end_of_values = padded
                    continue
                length = padded - header
                layout += f"{header - end_of_values}x", f"{length}s"
                end_of_values = padded
                places.setdefault(group, []).append(count)
            elif field is not None:
                layout += f"{begin - end_of_values}x", self._form(field, end - begin)
                end_of_values = end
                places[field] = [count]
            else:
                continue
            joined = group
            count += 1
        layout.append(f"{len(data) - end_of_values}x")
        shape = _Shape(data, headers, "".join(layout), self._picker(places, count))
        if len(self._known) < _MOST_SHAPES:
            self._known[len(data)] = shape
        return shape

    def _picker(self, places: dict[Union[Field, Together], list[int]], count: int) -> Optional[_Pick]:
        """Return what brings unpacked values into the order of the fields, None if they are in it."""
        defaults: list[Any] = []
        picked: list[Union[int, list[int]]] = []
        for field in self._fields:
            found = places.get(field)
            if found is not None:
                picked.append(found[0] if len(found) == 1 else found)
                continue
            if isinstance(field, Field) and field.default is REQUIRED:
                raise IpvsProtocolError(f"the kernel's reply has no {field.what} (attribute {field.kind})")
            picked.append(count + len(defaults))
            defaults.append(field.default if isinstance(field, Field) else b"")
        if picked == list(range(count)):
            return None

        def pick(row: tuple[Any, ...]) -> tuple[Any, ...]:
            row = (*row, *defaults)
            return tuple([row[place] if isinstance(place, int) else b"".join([row[one] for one in place]) for place in picked])

        return pick

    def _attributes(self, data: bytes) -> Iterator[tuple[int, int, int]]:
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
