# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink attributes, one by one."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError
from ansible_collections.lvs.director.plugins.module_utils._netlink.decode import attributes, number, require, text, values
from ansible_collections.lvs.director.plugins.module_utils._netlink.encode import pack, string
from hypothesis import given
from hypothesis import strategies as st


@given(listed=st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=9)), max_size=9))
def test_packed_values_are_unpacked(listed: list[tuple[int, bytes]]) -> None:
    # The kernel marks nested attributes in the kind.
    data = b"".join(pack(kind | 0x8000, value) for kind, value in listed)
    assert list(attributes(data)) == listed
    assert values(data) == dict(listed)


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_a_number_has_any_width(width: int) -> None:
    assert number((200).to_bytes(width, sys.byteorder)) == 200


def test_an_invalid_number_is_named() -> None:
    with pytest.raises(IpvsProtocolError, match="a number of 3 bytes in the kernel's reply"):
        number(b"\1\2\3")


def test_a_text_ends_with_its_zero() -> None:
    assert text(values(string(6, "wlc"))[6]) == text(b"wlc\0rubbish") == "wlc"


def test_a_missing_attribute_is_named() -> None:
    with pytest.raises(IpvsProtocolError, match=r"^the kernel's reply has no weight \(attribute 4\)$"):
        require({}, 4, "weight")


@pytest.mark.parametrize("data", [b"\x08\0\1\0\0\0", b"\3\0\1\0"])
def test_a_length_that_does_not_fit_is_named(data: bytes) -> None:
    with pytest.raises(IpvsProtocolError, match=r"^netlink attribute 1 claims \d bytes where \d are left$"):
        list(attributes(data))
