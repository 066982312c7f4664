# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a round shows: nothing missing, nothing stale, and nothing ended that is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._sync.mark import Mark
from ansible_collections.lvs.director.plugins.module_utils._sync.message import F_INACTIVE, F_NOOUTPUT, F_TEMPLATE, Message, SyncConnection
from ansible_collections.lvs.director.plugins.module_utils._sync.round import Comparison, Complete, Listener, Source, to_tell
from ansible_collections.lvs.director.plugins.module_utils._sync.table import completing, ended, read_connections
from ansible_collections.lvs.director.plugins.module_utils._sync.told import Told

VIP, OTHER = parse_address("10.211.55.3"), parse_address("10.211.55.4")
LISTING = b"""\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A0A0064 9C40 0AD33703 0015 0AD337FD 0015 ESTABLISHED     893
TCP 0A0A0064 9C41 0AD33703 0015 0AD337FD 0015 FIN_WAIT        118
TCP 0A0A0064 9C42 0AD33703 0015 0AD337FD 0015 SYN_RECV         59
TCP 0A0A0000 0000 0AD33704 0050 0AD337FD 0050 ASSURED         300
UDP 0A0A0064 0000 0AD33705 13C4 0AD337FC 13C4 NONE            360 sip 1-2345@10.10.0.100
UDP 0A0A0064 9C43 0AD33705 0035 0AD337FC 0035 UDP             300
IP  0A0A0100 0000 00000007 0000 0AD337FC 0000 NONE             60
TCP 2001:0db8:0000:0000:0000:0000:0000:0064 9C40 2001:0db8:0001:0000:0000:0000:0000:0003 01BB 0AD337FC 01BB ESTABLISHED   59
SCTP 0A0A0064 9C44 0AD33706 0BB8 0AD337FC 0BB8 ESTABLISHED    700
ESP 0A0A0064 0000 0AD33706 0000 0AD337FC 0000 NONE             60
"""


def entry(address: str, port: int, destination: str, *, method: str = "masquerade", fwmark: int = 0) -> Entry:
    key = ServiceKey("ipv4", fwmark=fwmark) if fwmark else ServiceKey("ipv4", "tcp", parse_address(address), port)
    return Entry(Service(key), (Destination(DestinationKey(parse_address(destination), port), method),))


def own(table: Iterable[Entry] = ()) -> list[SyncConnection]:
    return list(read_connections(LISTING.splitlines(keepends=True), completing(table)))


def unmarked() -> list[SyncConnection]:
    return [one for one in own() if one.protocol]


def test_what_is_told_of_a_listing() -> None:
    found = own()
    assert [(one.protocol, one.client_port, one.state, one.flags, one.timeout) for one in found] == [
        (6, 40000, 1, 0, 893),
        (6, 40001, 4, F_INACTIVE, 118),
        (6, 0, 1, F_TEMPLATE, 300),
        (17, 0, 0, F_TEMPLATE, 360),
        (17, 40003, 0, F_INACTIVE, 300),
        (0, 0, 0, F_TEMPLATE, 60),
        (132, 40004, 8, 0, 700),
    ]
    assert (found[3].engine, found[3].engine_data) == (b"sip", b"1-2345@10.10.0.100")
    assert found[5].address == bytes([0, 0, 0, 7])


def test_the_table_adds_mark_and_method() -> None:
    table = [
        entry("10.211.55.3", 21, "10.211.55.253", method="direct"),
        entry("", 53, "10.211.55.252", fwmark=7),
        entry("", 3000, "10.211.55.252", fwmark=8),
        entry("", 3000, "10.211.55.252", fwmark=9),
    ]
    found = own(table)
    assert (found[0].fwmark, found[0].flags) == (0, 3 | F_NOOUTPUT)
    assert found[4].fwmark == 7
    assert found[5].fwmark == 7
    # Two marks have this destination: neither is guessed.
    assert found[6].fwmark == 0


def test_a_connection_is_ended_in_its_protocol_s_closed_state() -> None:
    assert [(one.state, one.flags, one.timeout) for one in map(ended, own())] == [
        (6, F_INACTIVE, 1),
        (6, F_INACTIVE, 1),
        (0, F_TEMPLATE, 1),
        (0, F_TEMPLATE, 1),
        (0, F_INACTIVE, 1),
        (0, F_TEMPLATE, 1),
        (13, F_INACTIVE, 1),
    ]


AGENT, KERNEL = Source("a", 40000), Source("a", 40001)


def round_of(
    listener: Listener, told: list[SyncConnection], *, addresses: tuple[bytes, ...] = (VIP,), lost: int = 0, source: Source = AGENT
) -> Complete:
    listener.mark(source, Mark("serves", "1", addresses))
    listener.hear(source, Message(0, tuple(told[lost:])))
    complete = listener.mark(source, Mark("end", "1", connections=len(told)))
    assert complete is not None
    return complete


def compared(listener: Listener, own: list[SyncConnection], complete: Complete, served_here: Collection[bytes]) -> Comparison:
    found = listener.compare(own, complete, served_here)
    listener.settle(complete, found)
    return found


def test_what_two_rounds_have_not_told_is_stale() -> None:
    listener, mine = Listener(), unmarked()
    assert compared(listener, mine, round_of(listener, [mine[0]]), ())[:3] == (0, (), 1)
    # Those of other addresses are not of this round.
    assert compared(listener, mine, round_of(listener, [mine[0]]), ())[:3] == (0, (mine[1],), 1)


def test_a_connection_that_came_between_two_rounds_is_not_stale() -> None:
    """The kernel's message about it may have been lost."""
    listener, mine = Listener(), unmarked()
    compared(listener, mine[:1], round_of(listener, [mine[0]]), ())
    assert compared(listener, mine, round_of(listener, [mine[0]]), ()).stale == ()
    assert compared(listener, mine, round_of(listener, [mine[0]]), ()).stale == (mine[1],)


def test_what_the_kernel_has_told_meanwhile_is_not_stale() -> None:
    listener, mine = Listener(), unmarked()
    for _number in range(3):
        listener.hear(KERNEL, Message(0, (mine[1],)))
        complete = round_of(listener, [mine[0]])
        found = compared(listener, mine, complete, ())
    assert found.stale == ()


def test_what_another_director_has_told_says_nothing_of_this_one_s() -> None:
    listener, mine = Listener(), unmarked()
    for _number in range(2):
        listener.hear(Source("b", 1), Message(0, (mine[1],)))
        found = compared(listener, mine, round_of(listener, [mine[0]]), ())
    assert found.stale == (mine[1],)


def test_rounds_of_two_processes_do_not_mix() -> None:
    listener, mine = Listener(), unmarked()
    other = Source("a", 40002)
    listener.mark(AGENT, Mark("serves", "1", (VIP,)))
    listener.hear(AGENT, Message(0, (mine[0],)))
    complete = round_of(listener, mine[:2], source=other)
    assert compared(listener, mine, complete, ())[:3] == (0, (), 0)
    listener.hear(AGENT, Message(0, (mine[1],)))
    last = listener.mark(AGENT, Mark("end", "1", connections=2))
    assert last is not None
    assert last.lost == 0
    assert compared(listener, mine, last, ())[:3] == (0, (), 0)


def test_own_addresses_are_never_ended() -> None:
    listener, mine = Listener(), own()
    for _number in range(3):
        found = compared(listener, mine, round_of(listener, []), {VIP})
    assert found.stale == ()


def test_what_was_lost_of_a_round_is_counted() -> None:
    assert round_of(Listener(), own()[:2], lost=1).lost == 1
    assert round_of(Listener(), own()[:2]).lost == 0


def test_the_kernel_s_messages_do_not_hide_what_was_lost() -> None:
    listener, mine = Listener(), own()
    listener.mark(AGENT, Mark("serves", "1", (VIP,)))
    listener.hear(KERNEL, Message(0, tuple(mine)))
    complete = listener.mark(AGENT, Mark("end", "1", connections=1))
    assert complete is not None
    assert complete.lost == 1


def test_the_end_of_another_round_ends_nothing() -> None:
    listener = Listener()
    listener.mark(AGENT, Mark("serves", "1", (VIP,)))
    assert listener.mark(AGENT, Mark("end", "2")) is None
    assert listener.mark(KERNEL, Mark("end", "1")) is None
    assert listener.mark(Source("b", AGENT.port), Mark("end", "1")) is None


def test_missing_connections_are_counted() -> None:
    listener, mine = Listener(), own()
    complete = round_of(listener, mine[:2])
    # One that the kernel has told meanwhile does not stand in for it.
    listener.hear(KERNEL, Message(0, (mine[5],)))
    assert compared(listener, mine[1:], complete, ()).missing == 1


def test_strangers_fill_no_memory() -> None:
    listener = Listener()
    for number in range(100):
        source = Source(f"10.0.0.{number}", 1)
        listener.hear(source, Message(0))
        assert listener.mark(source, Mark("end", "1")) is None
    for number in range(100):
        listener.mark(Source("10.0.0.1", number), Mark("serves", "1", (VIP,)))
    assert len(listener._peers) == 8
    assert len(listener._peers["10.0.0.1"].rounds) == 4


def test_only_connections_to_served_addresses_are_told() -> None:
    mine = own()
    assert list(to_tell(mine, {VIP}, 3)) == [mine[0], mine[1], mine[5]]  # and the template of a mark
    assert list(to_tell(mine, (), 3)) == []
    assert list(to_tell([mine[0]._replace(timeout=2)], {VIP}, 3)) == []


def test_a_filter_forgets_nothing_and_mistakes_little() -> None:
    told = Told()
    for number in range(20000):
        told.add(b"%d" % number)
    assert all(b"%d" % number in told for number in range(20000))
    assert sum(b"other %d" % number in told for number in range(20000)) < 20
