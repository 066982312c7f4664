# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's listing of connections: any connection as the kernel would print it, and filters over many."""

from __future__ import annotations

import ipaddress
import tracemalloc
from collections import Counter
from collections.abc import Iterator

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel.connections import add_origins, read_connections
from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.connections import Connection, WantedConnections
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError
from hypothesis import given
from hypothesis import strategies as st

HEADING = b"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
HEADING_SYNC = b"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n"
STATES = {
    "tcp": "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN SYNACK".split(),
    "udp": ["UDP"],
    "sctp": "INIT1 INIT C-SENT C-REPLIED C-WAIT COOKIE C-ECHOED ESTABLISHED S-SENT S-RECEIVED S-ACK-SENT REJECTED CLOSED".split(),
}


def address(packed: bytes) -> str:
    """The kernel's %pI6 and %08X."""
    if len(packed) == 4:
        return f"{int.from_bytes(packed, 'big'):08X}"
    return ipaddress.IPv6Address(packed).exploded


def fields(one: Connection) -> str:
    """All up to the state."""
    to = one.address
    if one.fwmark:
        to = one.fwmark.to_bytes(4, "big").ljust(len(one.client_address), b"\0")
    return (
        f"{(one.protocol or 'ip').upper():<3} {address(one.client_address)} {one.client_port:04X} {address(to)} {one.port:04X} "
        f"{address(one.destination_address)} {one.destination_port:04X} {one.state:<11}"
    )


def line(one: Connection) -> bytes:
    """ip_vs_conn_seq_show() in net/netfilter/ipvs/ip_vs_conn.c."""
    engine = f" {one.persistence_engine} {one.persistence_data}" if one.persistence_engine else ""
    return f"{fields(one)} {one.expires_seconds:7}{engine}\n".encode()


def sync_line(one: Connection, origin: str) -> bytes:
    """ip_vs_conn_sync_seq_show()."""
    return f"{fields(one)} {origin.upper():<6} {one.expires_seconds:7}\n".encode()


# Few values: filters should match some.
NUMBERS = st.one_of(st.integers(1, 3), st.integers(1, 65535))


@st.composite
def addresses(draw: st.DrawFn, family: str) -> bytes:
    start = b"\x0a\0\0" if family == "ipv4" else ipaddress.ip_address("2001:db8::").packed[:15]
    size = len(start) + 1
    return draw(st.one_of(st.integers(1, 3).map(lambda last: start + bytes((last,))), st.binary(min_size=size, max_size=size)))


@st.composite
def connections(draw: st.DrawFn) -> Connection:
    family = draw(st.sampled_from(["ipv4", "ipv6"]))
    protocol = draw(st.sampled_from(list(STATES)))
    one = Connection(
        protocol,
        draw(addresses(family)),
        draw(NUMBERS),
        draw(addresses(family)),
        draw(NUMBERS),
        0,
        draw(addresses(draw(st.sampled_from(["ipv4", "ipv6"])))),
        draw(NUMBERS),
        draw(st.sampled_from(STATES[protocol])),
        draw(st.integers(0, uapi.MAX_TIMEOUT)),
        False,
        "",
        "",
    )
    if draw(st.booleans()):
        one = one._replace(client_port=0, state=draw(st.sampled_from(uapi.TEMPLATE_STATES)), template=True)
        if draw(st.booleans()):
            return one._replace(protocol=None, address=b"", port=0, fwmark=draw(st.integers(1, 2**32 - 1)), destination_port=0)
        if draw(st.booleans()):
            return one._replace(protocol="udp", persistence_engine="sip", persistence_data="1@host.example-(%)")
        if draw(st.booleans()):
            return one._replace(port=0, destination_port=0)
    return one


LISTS = st.lists(connections(), max_size=20)


def listing(found: list[Connection]) -> Iterator[bytes]:
    yield HEADING
    yield from map(line, found)


@given(found=LISTS)
def test_the_kernels_listing_is_read(found: list[Connection]) -> None:
    result = read_connections(listing(found), WantedConnections(limit=len(found)))
    assert list(result.connections) == found
    assert result.total == len(found)
    assert result.states == Counter(one.state for one in found)
    assert {(one.address, one.port): one.states for one in result.destinations} == {
        key: Counter(one.state for one in found if (one.destination_address, one.destination_port) == key)
        for key in {(one.destination_address, one.destination_port) for one in found}
    }


@st.composite
def filters(draw: st.DrawFn, found: list[Connection]) -> WantedConnections:
    """A filter that is made of the values of a connection, most of them left out."""
    if not found:
        return WantedConnections(limit=9)
    base = draw(st.sampled_from(found))
    length = draw(st.integers(0, 8 * len(base.client_address)))
    values = {
        "protocol": base.protocol,
        "address": base.address or None,
        "port": base.port or None,
        "destination_address": base.destination_address,
        "destination_port": base.destination_port or None,
        "client": (base.client_address, length),
        "states": frozenset((base.state, "CLOSE")),
        "template": draw(st.booleans()),
    }
    chosen = draw(st.sets(st.sampled_from(list(values)), max_size=3))
    return WantedConnections(**{name: values[name] for name in chosen}, limit=draw(st.integers(0, 20)))


def is_wanted(one: Connection, wanted: WantedConnections) -> bool:
    """The filter's meaning, in the simplest words."""
    client = wanted.client and ipaddress.ip_network((wanted.client[0], wanted.client[1]), strict=False)
    return (
        wanted.protocol in (None, one.protocol)
        and wanted.address in (None, one.address)
        and wanted.port in (None, one.port)
        and wanted.destination_address in (None, one.destination_address)
        and wanted.destination_port in (None, one.destination_port)
        and (not client or ipaddress.ip_address(one.client_address) in client)
        and (wanted.states is None or one.state in wanted.states)
        and wanted.template in (None, one.template)
    )


@given(data=st.data(), found=LISTS)
def test_a_filter_lists_and_counts_matching_connections(data: st.DataObject, found: list[Connection]) -> None:
    wanted = data.draw(filters(found))
    matching = [one for one in found if is_wanted(one, wanted)]
    result = read_connections(listing(found), wanted)
    assert list(result.connections) == matching[: wanted.limit]
    assert result.total == len(matching)
    assert sum(sum(one.states.values()) for one in result.destinations) == len(matching)


@given(data=st.data(), found=st.lists(connections(), max_size=20, unique_by=lambda one: fields(one._replace(state=""))))
def test_origins(data: st.DataObject, found: list[Connection]) -> None:
    wanted = data.draw(filters(found))
    origins = [data.draw(st.sampled_from(["local", "sync"])) for _one in found]
    first = read_connections(listing(found), wanted)
    lines = [HEADING_SYNC, *(sync_line(one, origin) for one, origin in zip(found, origins, strict=True))]
    result = add_origins(lines, wanted, first)
    expected = [one._replace(origin=origin) for one, origin in zip(found, origins, strict=True) if is_wanted(one, wanted)]
    assert list(result.connections) == expected[: wanted.limit]
    assert result.origins == Counter(one.origin for one in expected)


BASE = Connection("tcp", b"\x0a\0\0\x01", 1, b"\x0a\0\0\x02", 80, 0, b"\x0a\0\0\x03", 80, "CLOSE", 9, False, "", "")


def test_an_unknown_origin_is_omitted() -> None:
    # Two such templates differ only in the engine's data, which this listing omits.
    one = BASE._replace(protocol="udp", client_port=0, state="NONE", template=True, persistence_engine="sip", persistence_data="a")
    two = one._replace(persistence_data="b")
    wanted = WantedConnections(limit=9)
    first = read_connections(listing([BASE, one, two]), wanted)
    assert add_origins([HEADING_SYNC, sync_line(one, "local"), sync_line(two, "sync")], wanted, first).connections == (BASE, one, two)
    assert add_origins([HEADING_SYNC, sync_line(one, "sync"), sync_line(two, "sync")], wanted, first).connections == (
        BASE,
        one._replace(origin="sync"),
        two._replace(origin="sync"),
    )


def test_destinations_come_by_address_and_port() -> None:
    v6 = BASE._replace(destination_address=bytes(16))
    found = [v6, BASE._replace(destination_port=443), BASE, BASE._replace(destination_address=b"\x09\0\0\x09")]
    result = read_connections(listing(found), WantedConnections())
    assert [(one.address, one.port) for one in result.destinations] == [
        (b"\x09\0\0\x09", 80),
        (b"\x0a\0\0\x03", 80),
        (b"\x0a\0\0\x03", 443),
        (bytes(16), 80),
    ]


def test_a_listing_of_an_old_kernel_has_no_engines() -> None:
    old = [
        b"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires\n",
        b"TCP C0A80164 1234 0A600064 0050 0AF4010A 1F90 ESTABLISHED     899\n",
    ]
    (one,) = read_connections(old, WantedConnections(limit=9)).connections
    assert one == Connection(
        "tcp", b"\xc0\xa8\x01\x64", 0x1234, b"\x0a\x60\0\x64", 80, 0, b"\x0a\xf4\x01\x0a", 8080, "ESTABLISHED", 899, False, "", ""
    )


@pytest.mark.parametrize(
    "spoilt",
    [
        b"TCP C0A80164 1234 0A600064 0050 0AF4010A 1F90 ESTABLISHED\n",
        b"\n",
        b"TCP C0A8016 1234 0A600064 0050 0AF4010A 1F90 ESTABLISHED     899\n",
        b"TCP C0A80164 1234 0A600064 0050 0AF4010A00 1F90 ESTABLISHED     899\n",
        b"TCP C0A80164 port 0A600064 0050 0AF4010A 1F90 ESTABLISHED     899\n",
        b"TCP C0A80164 1234 0A600064 0050 0AF4010A 1F90 ESTABLISHED     soon\n",
        b"TCP \xff\xff\xff\xff 1234 0A600064 0050 0AF4010A 1F90 ESTABLISHED     899\n",
    ],
)
def test_a_spoilt_line_is_refused_by_name(spoilt: bytes) -> None:
    with pytest.raises(IpvsProtocolError, match="the kernel's listing of connections cannot be understood"):
        read_connections([HEADING, spoilt], WantedConnections(limit=9))


def test_a_long_listing_is_not_kept() -> None:
    """Only the requested ones of thirty thousand connections stay in memory."""
    text = line(BASE)
    tracemalloc.start()
    result = read_connections((text for _index in range(30_000)), WantedConnections(limit=10))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (result.total, len(result.connections)) == (30_000, 10)
    assert peak < 100_000


@pytest.mark.parametrize(
    ("port", "state", "template"),
    [(0, "NONE", True), (0, "ASSURED", True), (0, "LISTEN", False), (0, "UDP", False), (1, "NONE", False)],
)
def test_templates(port: int, state: str, template: bool) -> None:
    """An expected data connection of FTP has no client port yet; the kernel's state of nothing is a connection's first one too."""
    (one,) = read_connections([line(BASE._replace(client_port=port, state=state))], WantedConnections(limit=9)).connections
    assert one.template is template
