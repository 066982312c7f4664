# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's sync messages: the bytes, and the way there and back."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.lvs.director.plugins.module_utils._sync.mark import Mark, pack_mark, serving, unpack_mark
from ansible_collections.lvs.director.plugins.module_utils._sync.message import (
    F_INACTIVE,
    Damaged,
    Message,
    SyncConnection,
    pack_messages,
    pack_payload,
    unpack_message,
)
from hypothesis import given
from hypothesis import strategies as st

EXAMPLE = SyncConnection(6, bytes([192, 0, 2, 100]), 40000, bytes([10, 10, 0, 3]), 80, bytes([10, 0, 0, 1]), 8080, 1, timeout=900)
EXAMPLE_BYTES = bytes.fromhex(
    "00 07 002c 01 01 0000"
    "00 06 0024 00000000 0001 9c40 0050 1f90"
    "00000000 00000384"
    "c0000264 0a0a0003 0a000001"
)  # fmt: skip


def connections(length: int) -> st.SearchStrategy[SyncConnection]:
    address = st.binary(min_size=length, max_size=length)
    port = st.integers(0, 65535)
    engine = st.one_of(st.just((b"", b"")), st.tuples(st.binary(min_size=1, max_size=16), st.binary(min_size=1, max_size=255)))
    return st.builds(
        lambda pe, *values: SyncConnection(*values, *pe),
        engine,
        st.integers(0, 255),
        address,
        port,
        address,
        port,
        address,
        port,
        st.integers(0, 65535),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
    )


NO_ADDRESSES = b'{"lvs.director":"end","round":"","addresses":5,"connections":0}'
ANY = st.one_of(connections(4), connections(16))


def test_the_example_of_the_docstring() -> None:
    assert list(pack_messages([EXAMPLE], 7, 1472)) == [(EXAMPLE_BYTES, 1)]
    assert unpack_message(EXAMPLE_BYTES) == Message(7, (EXAMPLE,))


@given(st.lists(ANY, max_size=300), st.integers(0, 255), st.integers(600, 65507))
def test_what_is_packed_is_unpacked(told: list[SyncConnection], sync_id: int, maximum: int) -> None:
    datagrams = list(pack_messages(told, sync_id, maximum))
    found = [unpack_message(data) for data, _number in datagrams]
    assert [one for message in found if message for one in message.connections] == told
    assert all(len(data) <= maximum for data, _number in datagrams)
    assert [number for _data, number in datagrams] == [len(message.connections) for message in found if message]


@given(st.binary(max_size=200), st.booleans())
def test_no_datagram_is_more_than_refused(data: bytes, headed: bool) -> None:
    if headed:
        data = bytes((0, 1)) + (len(data) + 8).to_bytes(2, "big") + bytes((len(data) % 7, 1, 0, 0)) + data
    with contextlib.suppress(Damaged):
        unpack_message(data)


def test_a_message_of_version_0_is_passed_over() -> None:
    assert unpack_message(bytes((1, 7, 0, 28)) + bytes(24)) is None


@pytest.mark.parametrize("cut", range(1, 36))
def test_a_connection_that_is_cut_off_is_refused(cut: int) -> None:
    data = EXAMPLE_BYTES[:-cut]
    with pytest.raises(Damaged, match="sync message"):
        unpack_message(data[:2] + len(data).to_bytes(2, "big") + data[4:])


def test_a_mark_is_a_message_without_connections() -> None:
    mark = Mark("end", "c0ffee00", (bytes([10, 0, 0, 1]),), 12)
    data = pack_payload(pack_mark(mark), 7)
    message = unpack_message(data)
    assert message is not None
    assert message.connections == ()
    assert unpack_mark(message.payload) == mark
    # What the kernel reads of it: nothing but the header, in which the number of connections is 0.
    assert data[4] == 0


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"\xff", b'{"lvs.director":"end"}', NO_ADDRESSES])
def test_what_is_no_mark_is_none(payload: bytes) -> None:
    assert unpack_mark(payload) is None


def test_many_addresses_are_named_in_several_marks() -> None:
    addresses = [bytes([10, 0, 0, number]) for number in range(100)]
    marks = serving("x", addresses)
    assert [address for mark in marks for address in mark.addresses] == addresses
    assert max(len(pack_payload(pack_mark(mark), 0)) for mark in serving("x" * 8, [bytes(range(240, 256))] * 24)) < 1472


def test_another_state_does_not_make_another_connection() -> None:
    assert EXAMPLE.key == EXAMPLE._replace(state=4, flags=F_INACTIVE, timeout=1, fwmark=9).key
    assert EXAMPLE.key != EXAMPLE._replace(client_port=40001).key
