# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of a task are recorded in the format that floor.c reads. No kernel answers here."""

from __future__ import annotations

import struct

from bench import cases, messages
from bench_tests.test_messages import GET_DESTINATION, GET_SERVICE, NEW_DESTINATION, message

DUMP = 0x301


def asked(command: int, sequence: int, flags: int = 1) -> bytes:
    data = bytearray(message(command))
    struct.pack_into("=HI", data, 6, flags, sequence)
    return bytes(data)


def test_a_record_says_which_answer_is_the_last() -> None:
    batch = asked(NEW_DESTINATION, 7) + asked(NEW_DESTINATION, 8) + asked(GET_SERVICE, 9)
    listing = asked(GET_DESTINATION, 10, DUMP)
    assert messages.records([batch, listing]) == b"".join(
        struct.pack("=III", len(data), last, dump) + data for data, last, dump in ((batch, 9, 0), (listing, 10, 1))
    )


def test_floor_is_a_name_for_both_cases() -> None:
    assert cases.chosen(["floor", "startup"]) == {"apply:floor", "noop:floor", "startup"}
    assert cases.chosen(["noop:floor"]) == {"noop:floor"}
    assert cases.chosen([]) == set(cases.NAMES) - {"floor"}
