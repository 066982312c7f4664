# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ipaddress import ip_address

from pair.connections import Entry, Key, difference, parse

LISTING = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0AD33732 9C40 0AD33764 1F40 0A63010B 1F40 ESTABLISHED     893
UDP 20010db8005500000000000000000050 9C41 0AD33764 1F40 0A63010B 1F40 UDP             299
""".replace("20010db8005500000000000000000050", "2001:0db8:0055:0000:0000:0000:0000:0050")
TCP = Key.of("tcp", "10.211.55.50", 40000, "10.211.55.100")
UDP = Key.of("udp", "2001:db8:55::50", 40001, "10.211.55.100")
SERVER = ip_address("10.99.1.11")


def test_a_listing_is_read() -> None:
    assert parse(LISTING) == {TCP: Entry(SERVER, "ESTABLISHED", 893), UDP: Entry(SERVER, "UDP", 299)}


def test_what_is_missing_and_what_is_stale_is_found() -> None:
    live, dead = Entry(SERVER, "ESTABLISHED", 893), Entry(SERVER, "CLOSE", 9)
    assert difference({TCP: live}, {TCP: live}, [TCP]) == ([], [])
    assert difference({TCP: live}, {}, [TCP]) == ([TCP], [])
    assert difference({TCP: live}, {}, []) == ([TCP], []), "whoever holds it"
    assert difference({}, {}, [TCP]) == ([TCP], []), "whatever the active one knows"
    assert difference({TCP: live}, {TCP: dead}, [TCP]) == ([TCP], [])
    assert difference({TCP: dead}, {TCP: live}, []) == ([], [TCP])
    assert difference({}, {TCP: live}, []) == ([], [TCP])
    assert difference({}, {TCP: dead}, []) == ([], []), "it has ended there, too"
    assert difference({}, {UDP: Entry(SERVER, "UDP", 5)}, []) == ([], []), "it is about to end"
    assert str(difference({}, {UDP: live}, [TCP])) == f"missing 1 ({TCP}); stale 1 ({UDP})"
    assert len(difference({}, {}, [UDP, TCP]).missing) == 2, "of both families"
