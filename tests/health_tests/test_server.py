# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real server that can fail, and how the kernel's listing is read."""

from __future__ import annotations

from typing import Any

import pytest

from health.director import COMMANDED, ECHO, WEB, WELL, parse, without
from health.server import Names, RealServer, Web

LISTING = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A630064:0050 test
  -> 0A63000C:0050      Masq    5      3          10
  -> 0A63000B:0050      Masq    0      0          0
UDP  0A630064:1388 rr
  -> 0A63000B:1388      Masq    1      0          0
"""
QUERY = bytes.fromhex("abcd 0100 0001 0000 0000 0000 0377777703 6f726700 0001 0001".replace(" ", ""))


class Transport:
    def __init__(self) -> None:
        self.sent = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def sendto(self, data: bytes, _address: Any) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True


class Failing(RealServer):
    """Without ports."""

    def __init__(self, **faults: Any) -> None:
        self.name = "rs1"
        self.status = faults.get("status", 200)
        self.rcode = faults.get("rcode", 0)


@pytest.fixture
def transport() -> Transport:
    return Transport()


def test_a_client_gets_its_line(transport: Transport) -> None:
    web = Web(Failing())
    web.connection_made(transport)  # type: ignore[arg-type]
    web.data_received(b"1\n")
    assert (transport.sent, transport.closed) == (b"rs1 1\n", False)


def test_a_check_gets_a_status(transport: Transport) -> None:
    web = Web(Failing(status=500))
    web.connection_made(transport)  # type: ignore[arg-type]
    for part in (b"GET /health HTTP/1.0\r\n", b"Host: x\r\n\r\n"):
        assert not transport.sent
        web.data_received(part)
    assert transport.sent.startswith(b"HTTP/1.0 500 ")
    assert transport.closed


@pytest.mark.parametrize(("rcode", "flags"), [(0, "8180"), (3, "8183")])
def test_a_query_gets_its_status(transport: Transport, rcode: int, flags: str) -> None:
    names = Names(Failing(rcode=rcode))
    names.connection_made(transport)  # type: ignore[arg-type]
    names.datagram_received(QUERY, None)
    assert transport.sent.hex() == f"abcd{flags}0001000000000000{QUERY[12:].hex()}"


def test_a_listing_is_read_in_its_order() -> None:
    table = parse(LISTING)
    assert table == {WEB: {"rs2": 5, "rs1": 0}, ECHO: {"rs1": 1}}
    assert list(table[WEB]) == ["rs2", "rs1"]


def test_what_a_dead_one_means() -> None:
    assert without() == WELL
    assert without("rs1")[WEB] == {"rs1": 0, "rs2": 5, "rs3": 5, "sorry": 0}
    assert without("rs1")[COMMANDED] == WELL[COMMANDED]
    assert without("rs1")[ECHO] == {"rs1": 0, "rs2": 1}
    assert without("rs1", silent=True)[ECHO] == WELL[ECHO]
