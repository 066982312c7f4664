# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that look alike, and those that only seem to: what is remembered of one must never be read into another."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError
from ansible_collections.lvs.director.plugins.module_utils._netlink.decode import Field, Shapes, Together
from hypothesis import given
from hypothesis import strategies as st

FIELDS = (
    Field(1, "name", "bytes"),
    Field(2, "port", "port"),
    Field(3, "weight", "signed"),
    Field(4, "count", default=-7),
    Field(5, "rest", "bytes", None),
    Together((6, 7)),
)


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, tuple[object, ...]]:
    """A message with its attributes in any order, other ones between them; and what has to be read from it."""
    name = draw(st.binary(max_size=9))
    port = draw(st.integers(0, 65535))
    weight = draw(st.integers(-(2**31), 2**31 - 1))
    parts = [attribute(1, name), attribute(2, struct.pack("=H", port)), attribute(3, struct.pack("=i", weight))]
    count: object = -7
    rest: object = None
    if draw(st.booleans()):
        width = draw(st.sampled_from("BHIQ"))
        count = draw(st.integers(0, 200))
        parts.append(attribute(4, struct.pack(f"={width}", count)))
    if draw(st.booleans()):
        rest = draw(st.binary(max_size=9))
        parts.append(attribute(5 | 0x8000, rest))  # the kernel marks nested attributes
    together = [attribute(kind, draw(st.binary(max_size=5))) for kind in draw(st.lists(st.sampled_from([6, 7]), max_size=3))]
    parts += [attribute(kind, b"\xff" * kind) for kind in draw(st.sets(st.integers(8, 9)))]
    if draw(st.booleans()):
        # In any order, and not one after the other: what is wanted together is then taken from several places.
        parts = draw(st.permutations([*parts, *together]))
        marked = [id(one) for one in together]
        return b"".join(parts), (name, port, weight, count, rest, b"".join(one for one in parts if id(one) in marked))
    place = draw(st.integers(0, len(parts)))
    parts = draw(st.permutations(parts))
    return b"".join([*parts[:place], *together, *parts[place:]]), (name, port, weight, count, rest, b"".join(together))


@given(listing=st.lists(messages(), max_size=20))
def test_each_message_is_read_as_itself(listing: list[tuple[bytes, tuple[object, ...]]]) -> None:
    shapes = Shapes(*FIELDS)
    for message, values in listing:
        assert shapes.unpack(message) == values


@given(listing=st.lists(messages(), min_size=1, max_size=4), times=st.integers(1, 4))
def test_a_run_is_read_message_by_message(listing: list[tuple[bytes, tuple[object, ...]]], times: int) -> None:
    shapes = Shapes(*FIELDS)
    length = len(listing[0][0])
    run = [one for one in listing if len(one[0]) == length] * times
    assert shapes.rows(b"".join(message for message, _values in run), length) == [values for _message, values in run]


def test_one_field_is_a_tuple_too() -> None:
    assert Shapes(Field(3, "weight")).unpack(attribute(3, b"\1\0\0\0")) == (1,)


def test_what_is_missing_or_no_number_is_named() -> None:
    shapes = Shapes(*FIELDS)
    with pytest.raises(IpvsProtocolError, match=r"^the kernel's reply has no weight \(attribute 3\)$"):
        shapes.unpack(attribute(1, b"") + attribute(2, b"\0\0"))
    with pytest.raises(IpvsProtocolError, match="port has 4 bytes in the kernel's reply, which is no port"):
        shapes.unpack(attribute(1, b"") + attribute(2, b"\0\0\0\0") + attribute(3, b"\0\0\0\0"))


def test_more_shapes_than_are_remembered() -> None:
    shapes = Shapes(Field(1, "name", "bytes"))
    for length in (*range(200), *range(200)):
        assert shapes.unpack(attribute(1, b"x" * length)) == (b"x" * length,)
