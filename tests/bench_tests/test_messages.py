# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the messages sent to IPVS where they leave. There is no kernel at the other end."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

import pytest

from bench import messages

FAMILY = 0xFF00  # nobody is there
NEW_DESTINATION, SET_DESTINATION, GET_SERVICE, GET_DESTINATION, ZERO = 5, 6, 4, 8, 16


def message(command: int, family: int = FAMILY, payload: bytes = b"\0" * 6) -> bytes:
    body = struct.pack("=BBH", command, 1, 0) + payload
    return struct.pack("=IHHII", 16 + len(body), family, 5, 1, 0) + body + b"\0" * (-len(body) % 4)


def test_every_message_of_a_batch_is_seen() -> None:
    assert messages.commands([message(NEW_DESTINATION) + message(GET_SERVICE), message(ZERO)]) == [NEW_DESTINATION, GET_SERVICE, ZERO]


def test_resolving_the_family_is_not_a_command_of_ipvs() -> None:
    assert messages.commands([message(3, family=16) + message(GET_SERVICE)]) == [GET_SERVICE]


def test_a_torn_message_is_an_error() -> None:
    with pytest.raises(ValueError, match="of 3 bytes"):
        messages.commands([struct.pack("=IHHII", 3, FAMILY, 5, 1, 0) + b"\0" * 8])


def test_only_reading_changes_nothing() -> None:
    assert messages.changing([GET_SERVICE, GET_DESTINATION]) == 0
    assert messages.changing([GET_SERVICE, SET_DESTINATION, ZERO]) == 2


def test_seeing_no_message_is_not_changing_nothing() -> None:
    with pytest.raises(ValueError, match="not seen"):
        messages.changing([])


@pytest.mark.parametrize("how", ["send", "sendall", "sendto", "sendmsg"])
def test_every_way_to_send_is_watched(how: str) -> None:
    data = message(SET_DESTINATION) + message(GET_SERVICE)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as sender, messages.recorded() as found:
        ways: dict[str, Callable[[], object]] = {
            "send": lambda: sender.send(data),
            "sendall": lambda: sender.sendall(data),
            "sendto": lambda: sender.sendto(data, (0, 0)),
            "sendmsg": lambda: sender.sendmsg([data[:20], data[20:]]),
        }
        ways[how]()
    assert found == [data]
    assert messages.commands(found) == [SET_DESTINATION, GET_SERVICE]


def test_watching_ends() -> None:
    with messages.recorded() as found:
        pass
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as sender:
        sender.send(message(SET_DESTINATION))
    assert found == []
    assert not {"send", "sendall", "sendto", "sendmsg"} & set(vars(socket.socket))
