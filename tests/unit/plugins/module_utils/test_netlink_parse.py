# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes both ways: requests, byte by byte where the kernel's byte order matters, and parsed replies."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import struct
import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import Info, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationCounters,
    DestinationKey,
    Service,
    ServiceKey,
    Stats,
)
from ansible_collections.lvs.director.plugins.module_utils._netlink import build as changes
from ansible_collections.lvs.director.plugins.module_utils._netlink import parse as wire
from ansible_collections.lvs.director.plugins.module_utils._netlink import settings as wire_settings
from ansible_collections.lvs.director.plugins.module_utils._netlink.decode import values as attributes
from ansible_collections.lvs.director.plugins.module_utils._netlink.encode import pack as attribute
from hypothesis import given
from hypothesis import strategies as st

from contract.strategies import destinations, services

V4 = ipaddress.ip_address("192.0.2.1").packed
V6 = ipaddress.ip_address("2001:db8::1").packed


def u32(value: int) -> bytes:
    return struct.pack("=I", value)


def stats(values: Stats) -> bytes:
    return b"".join(attribute(kind, value.to_bytes(8, sys.byteorder)) for kind, value in enumerate(values, 1))


def message(inside: bytes, kind: int = 1) -> bytes:
    """A message with its headers, which do not matter here, and the attribute that contains all others."""
    return b"\xff" * 20 + attribute(kind, inside)


NARROW_STATS = b"".join(attribute(kind, bytes(width)) for kind, width in enumerate([4, 4, 4, 8, 8, 4, 4, 4, 4, 4], 1))
SERVICE_ORDER = (
    *(uapi.IPVS_SVC_ATTR_AF, uapi.IPVS_SVC_ATTR_FWMARK, uapi.IPVS_SVC_ATTR_PROTOCOL, uapi.IPVS_SVC_ATTR_ADDR, uapi.IPVS_SVC_ATTR_PORT),
    *(uapi.IPVS_SVC_ATTR_SCHED_NAME, uapi.IPVS_SVC_ATTR_PE_NAME, uapi.IPVS_SVC_ATTR_FLAGS),
    *(uapi.IPVS_SVC_ATTR_TIMEOUT, uapi.IPVS_SVC_ATTR_NETMASK),
)
DESTINATION_ORDER = (
    *(uapi.IPVS_DEST_ATTR_ADDR, uapi.IPVS_DEST_ATTR_PORT, uapi.IPVS_DEST_ATTR_FWD_METHOD, uapi.IPVS_DEST_ATTR_WEIGHT),
    *(uapi.IPVS_DEST_ATTR_TUN_TYPE, uapi.IPVS_DEST_ATTR_TUN_PORT, uapi.IPVS_DEST_ATTR_TUN_FLAGS),
    *(uapi.IPVS_DEST_ATTR_U_THRESH, uapi.IPVS_DEST_ATTR_L_THRESH),
    *(uapi.IPVS_DEST_ATTR_ACTIVE_CONNS, uapi.IPVS_DEST_ATTR_INACT_CONNS, uapi.IPVS_DEST_ATTR_PERSIST_CONNS),
    uapi.IPVS_DEST_ATTR_ADDR_FAMILY,
)


def as_sent_by_kernel(service: Service, counted: Stats = Stats()) -> bytes:
    """A service's attributes as ip_vs_genl_fill_service() has them."""
    values = attributes(changes.pack_service(service))
    flags, _mask = struct.unpack("=II", values[uapi.IPVS_SVC_ATTR_FLAGS])
    values[uapi.IPVS_SVC_ATTR_FLAGS] = struct.pack("=II", flags | uapi.IP_VS_SVC_F_HASHED, 0xFFFFFFFF)
    return (
        b"".join(attribute(kind, values[kind]) for kind in SERVICE_ORDER if kind in values)
        + attribute(uapi.IPVS_SVC_ATTR_STATS, NARROW_STATS)
        + attribute(uapi.IPVS_SVC_ATTR_STATS64, stats(counted))
    )


def read_service(inside: bytes) -> Service:
    data = message(inside)
    (service,) = wire.unpack_services(data, len(data))
    ((counted, _stats),) = wire.unpack_counted_services(data, len(data))
    assert counted == service
    return service


def read_destination(inside: bytes) -> tuple[Destination, DestinationCounters]:
    data = message(inside, 2)
    (destination,) = wire.unpack_destinations(data, len(data))
    ((counted, counters),) = wire.unpack_counted_destinations(data, len(data))
    assert counted == destination
    return destination, counters


def destination_reply(destination: Destination, counters: DestinationCounters = DestinationCounters()) -> bytes:
    """A destination's attributes as ip_vs_genl_fill_dest() has them."""
    values = attributes(changes.pack_destination(destination)[4:])
    values[uapi.IPVS_DEST_ATTR_ACTIVE_CONNS] = u32(counters.active_connections)
    values[uapi.IPVS_DEST_ATTR_INACT_CONNS] = u32(counters.inactive_connections)
    values[uapi.IPVS_DEST_ATTR_PERSIST_CONNS] = u32(counters.persistent_connections)
    return (
        b"".join(attribute(kind, values[kind]) for kind in DESTINATION_ORDER)
        + attribute(uapi.IPVS_DEST_ATTR_STATS, NARROW_STATS)
        + attribute(uapi.IPVS_DEST_ATTR_STATS64, stats(counters.stats))
    )


@given(service=services())
def test_a_service_survives_the_wire(service: Service) -> None:
    counted = Stats(*range(2**33, 2**33 + 10))
    data = message(as_sent_by_kernel(service, counted))
    assert wire.unpack_counted_services(data, len(data)) == [(service, counted)]
    assert wire.unpack_services(data, len(data)) == [service]


@given(data=st.data(), service=services())
def test_a_destination_survives_the_wire(data: st.DataObject, service: Service) -> None:
    destination = data.draw(destinations(service.key, st.integers(1, 250)))
    counters = DestinationCounters(1, 2, 3, Stats(*range(2**33, 2**33 + 10)))
    assert read_destination(destination_reply(destination, counters)) == (destination, counters)


@given(data=st.data(), service=services())
def test_a_run_of_destinations_is_read_at_once(data: st.DataObject, service: Service) -> None:
    listed = data.draw(st.lists(destinations(service.key, st.integers(1, 250)), min_size=1, max_size=8))
    run = b"".join(message(destination_reply(one), 2) for one in listed)
    length = len(run) // len(listed)
    assert wire.unpack_destinations(run, length) == listed
    assert [one for one, _counters in wire.unpack_counted_destinations(run, length)] == listed


@given(data=st.data(), service=services())
def test_the_layout_does_not_matter(data: st.DataObject, service: Service) -> None:
    """Later kernels may send attributes in another order and others between them, and wide numbers where there was padding."""
    counters = DestinationCounters(1, 2, 3, Stats(*range(2**33, 2**33 + 10)))
    destination = data.draw(destinations(service.key, st.integers(1, 250)))

    def shuffled(inside: bytes, kind: int) -> bytes:
        parts = [attribute(one, value) for one, value in attributes(inside).items()]
        return message(b"".join(data.draw(st.permutations([*parts, attribute(99, b"later")]))), kind)

    reply = shuffled(as_sent_by_kernel(service, counters.stats), 1)
    assert wire.unpack_counted_services(reply, len(reply)) == [(service, counters.stats)]
    reply = shuffled(destination_reply(destination, counters), 2)
    assert wire.unpack_counted_destinations(reply, len(reply)) == [(destination, counters)]


def test_headers_inside_the_statistics_are_not_mistaken_for_the_counts() -> None:
    """STATS has attributes of the same numbers and lengths inside, here exactly where the counts are expected."""
    destination, counters = Destination(DestinationKey(V4, 80)), DestinationCounters(1, 2, 3, Stats(*range(10)))
    values = attributes(destination_reply(destination, counters))
    early = [uapi.IPVS_DEST_ATTR_PORT, uapi.IPVS_DEST_ATTR_FWD_METHOD, uapi.IPVS_DEST_ATTR_WEIGHT, uapi.IPVS_DEST_ATTR_STATS]
    late = [kind for kind in values if kind not in (*early, uapi.IPVS_DEST_ATTR_STATS64)]
    reply = message(b"".join(attribute(kind, values[kind]) for kind in (*early, *late, uapi.IPVS_DEST_ATTR_STATS64)), 2)
    assert reply[108:112] == attribute(7, bytes(4))[:4]
    assert wire.unpack_counted_destinations(reply, len(reply)) == [(destination, counters)]


def test_a_kernel_that_aligns_its_wide_numbers() -> None:
    """On processors that need alignment, an empty attribute precedes every other one."""
    counted = Stats(*range(1, 11))
    padded = b"".join(attribute(11, b"") + attribute(kind, value.to_bytes(8, sys.byteorder)) for kind, value in enumerate(counted, 1))
    service = Service(ServiceKey("ipv4", "tcp", V4, 80))
    values = attributes(as_sent_by_kernel(service)) | {uapi.IPVS_SVC_ATTR_STATS64: padded}
    data = message(b"".join(attribute(kind, value) for kind, value in values.items()))
    assert wire.unpack_counted_services(data, len(data)) == [(service, counted)]


def refuse(*_arguments: object) -> dict[int, bytes]:
    raise AssertionError("decoded attribute by attribute")


@given(data=st.data())
def test_messages_of_known_kernels_are_decoded_in_bulk(data: st.DataObject) -> None:
    service = data.draw(services().filter(lambda one: not one.key.fwmark))
    destination = data.draw(destinations(service.key, st.integers(1, 250)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "_inside", refuse)
        for inside, kind in ((as_sent_by_kernel(service), 1), (destination_reply(destination), 2)):
            run = message(inside, kind) * 3
            for read in (
                (wire.unpack_services, wire.unpack_counted_services)
                if kind == 1
                else (
                    wire.unpack_destinations,
                    wire.unpack_counted_destinations,
                )
            ):
                assert len(read(run, len(run) // 3)) == 3  # type: ignore[operator]


def test_the_worked_example() -> None:
    """The bytes in the docstring of ``parse``."""
    destination = Destination(DestinationKey(b"\x0a\0\0\1", 80), "masquerade")
    inside = attribute(2, destination_reply(destination))
    data = struct.pack("=IHHII", 20 + len(inside), 30, 2, 1, 0) + b"\1\1\0\0" + inside
    assert len(data) == 356
    if sys.byteorder == "little":
        for line in (wire.__doc__ or "").splitlines():
            place, _space, rest = line.strip().partition("  ")
            if place.isdigit():
                octets = bytes.fromhex(" ".join(re.findall(r"\b[0-9a-f]{2}\b", rest.partition("..")[0].split("   ")[0])))
                assert octets, line
                assert data[int(place) :].startswith(octets), line


def test_ports_travel_in_network_order() -> None:
    key = ServiceKey("ipv4", "tcp", V4, 0x1234)
    assert attributes(changes.pack_service(Service(key)))[uapi.IPVS_SVC_ATTR_PORT] == b"\x12\x34"
    gue = Destination(DestinationKey(V4, 0x1234), "tunnel", tunnel_type="gue", tunnel_port=6080)
    sent = attributes(changes.pack_destination(gue)[4:])
    assert sent[uapi.IPVS_DEST_ATTR_PORT] == b"\x12\x34"
    assert sent[uapi.IPVS_DEST_ATTR_TUN_PORT] == b"\x17\xc0"


def test_a_netmask_is_bytes_for_ipv4_and_a_number_for_ipv6() -> None:
    v4 = Service(ServiceKey("ipv4", "tcp", V4, 80), persistence_timeout=60, persistence_netmask="255.255.0.0")
    v6 = Service(ServiceKey("ipv6", fwmark=3), persistence_timeout=60, persistence_netmask="64")
    assert attributes(changes.pack_service(v4))[uapi.IPVS_SVC_ATTR_NETMASK] == b"\xff\xff\0\0"
    assert attributes(changes.pack_service(v6))[uapi.IPVS_SVC_ATTR_NETMASK] == u32(64)


@pytest.mark.parametrize("key", [ServiceKey("ipv4", "tcp", V4, 80), ServiceKey("ipv6", "tcp", V6, 80)])
def test_a_service_is_always_sent_whole(key: ServiceKey) -> None:
    sent = attributes(changes.pack_service(Service(key)))
    assert {
        uapi.IPVS_SVC_ATTR_SCHED_NAME,
        uapi.IPVS_SVC_ATTR_FLAGS,
        uapi.IPVS_SVC_ATTR_TIMEOUT,
        uapi.IPVS_SVC_ATTR_NETMASK,
    } <= sent.keys()
    # No engine: the attribute is omitted, which removes an engine.
    assert uapi.IPVS_SVC_ATTR_PE_NAME not in sent
    assert sent[uapi.IPVS_SVC_ATTR_SCHED_NAME] == b"wlc\0"
    assert len(sent[uapi.IPVS_SVC_ATTR_ADDR]) == 16


def test_flags_of_other_kernels_are_left_alone() -> None:
    service = Service(ServiceKey("ipv4", fwmark=1), persistence_timeout=60, scheduler_flags=0x10)
    flags, mask = struct.unpack("=II", attributes(changes.pack_service(service))[uapi.IPVS_SVC_ATTR_FLAGS])
    assert flags == 0x11
    assert mask == 0x3D


def test_a_firewall_mark_needs_no_address() -> None:
    sent = attributes(wire.pack_service_key(ServiceKey("ipv6", fwmark=2**32 - 1)))
    assert sent.keys() == {uapi.IPVS_SVC_ATTR_AF, uapi.IPVS_SVC_ATTR_FWMARK}
    assert sent[uapi.IPVS_SVC_ATTR_FWMARK] == b"\xff" * 4


def test_the_kernels_own_flag_is_not_ours() -> None:
    service = Service(ServiceKey("ipv4", fwmark=1))
    assert struct.unpack("=II", attributes(as_sent_by_kernel(service))[uapi.IPVS_SVC_ATTR_FLAGS])[0] == uapi.IP_VS_SVC_F_HASHED
    assert read_service(as_sent_by_kernel(service)) == service


def test_info_timeouts_and_daemons() -> None:
    headers = b"\xff" * 20
    assert wire_settings.unpack_info(headers + attribute(1, u32(0x010201)) + attribute(2, u32(4096))) == Info("1.2.1", 4096)
    sent = attribute(4, u32(900)) + attribute(5, u32(120)) + attribute(6, u32(300))
    assert wire_settings.unpack_timeouts(headers + sent) == Timeouts(900, 120, 300)
    daemon = (
        attribute(1, u32(2))
        + attribute(2, b"eth0\0")
        + attribute(3, u32(7))
        + attribute(4, struct.pack("=H", 1400))
        + attribute(6, V6)
        + attribute(7, struct.pack("=H", 8848))
        + attribute(8, b"\x03")
    )
    run = message(daemon, 3)
    expected = SyncDaemon("backup", "eth0", 7, 1400, V6, 8848, 3)
    assert wire_settings.unpack_sync_daemons(run * 2, len(run)) == [expected, expected]


def is_understood_or_refused_by_name(unpack: Callable[[bytes], object], data: bytes) -> None:
    """Anything else that is raised makes the test fail."""
    with contextlib.suppress(IpvsProtocolError):
        unpack(data)


READERS: list[Callable[[bytes], object]] = [
    lambda one: wire.unpack_services(one, len(one) or 1),
    lambda one: wire.unpack_counted_services(one, len(one) or 1),
    lambda one: wire.unpack_destinations(one, len(one) or 1),
    lambda one: wire.unpack_counted_destinations(one, len(one) or 1),
    wire_settings.unpack_info,
    wire_settings.unpack_timeouts,
    lambda one: wire_settings.unpack_sync_daemons(one, len(one) or 1),
]


@given(data=st.binary(max_size=200), kind=st.integers(0, 4))
def test_garbage_is_refused_by_name(data: bytes, kind: int) -> None:
    for reader in READERS:
        for whole in (data, b"\0" * 20 + data, message(data, kind)):
            is_understood_or_refused_by_name(reader, whole)


@given(data=st.data(), service=services())
def test_a_spoilt_reply_is_refused_by_name(data: st.DataObject, service: Service) -> None:
    destination = data.draw(destinations(service.key, st.integers(1, 250)))
    for whole in (message(as_sent_by_kernel(service)), message(destination_reply(destination), 2)):
        reply = bytearray(whole)
        for _index in range(data.draw(st.integers(1, 4))):
            reply[data.draw(st.integers(0, len(reply) - 1))] = data.draw(st.integers(0, 255))
        for reader in READERS:
            is_understood_or_refused_by_name(reader, bytes(reply))


def with_attribute(reply: bytes, kind: int, value: bytes | None) -> bytes:
    """A reply with another value of an attribute, or without it."""
    parts = {**attributes(reply), kind: value}
    return b"".join(attribute(one, part) for one, part in parts.items() if part is not None)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (uapi.IPVS_SVC_ATTR_ADDR, b"\1\2\3", "an address of 3 bytes for address family 2 in the kernel's reply"),
        (uapi.IPVS_SVC_ATTR_NETMASK, b"\xff\xff", "a netmask of 2 bytes in the kernel's reply"),
        (uapi.IPVS_SVC_ATTR_FLAGS, u32(0), "flags of 4 bytes in the kernel's reply"),
        (uapi.IPVS_SVC_ATTR_PORT, b"\1", "a port of 1 bytes in the kernel's reply"),
        (uapi.IPVS_SVC_ATTR_PROTOCOL, None, "the kernel's reply has no protocol"),
        (uapi.IPVS_SVC_ATTR_STATS64, None, "the kernel's reply has no statistics"),
    ],
)
def test_an_impossible_service_is_refused_with_the_reason(kind: int, value: bytes | None, reason: str) -> None:
    reply = as_sent_by_kernel(Service(ServiceKey("ipv4", "tcp", V4, 80), persistence_timeout=60))
    data = message(with_attribute(reply, kind, value))
    with pytest.raises(IpvsProtocolError, match=reason):
        wire.unpack_counted_services(data, len(data))


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (uapi.IPVS_DEST_ATTR_ADDR, b"\1\2\3", "an address of 3 bytes for address family 2 in the kernel's reply"),
        (uapi.IPVS_DEST_ATTR_WEIGHT, b"\1\2\3", "a number of 3 bytes in the kernel's reply"),
        (uapi.IPVS_DEST_ATTR_TUN_TYPE, None, "the kernel's reply has no tunnel type"),
        (uapi.IPVS_DEST_ATTR_ADDR_FAMILY, None, "the kernel's reply has no address family"),
    ],
)
def test_an_impossible_destination_is_refused_with_the_reason(kind: int, value: bytes | None, reason: str) -> None:
    reply = destination_reply(Destination(DestinationKey(V4, 80), "tunnel", tunnel_type="gue", tunnel_port=6080))
    data = message(with_attribute(reply, kind, value), 2)
    with pytest.raises(IpvsProtocolError, match=reason):
        wire.unpack_destinations(data, len(data))


@pytest.mark.parametrize(
    "key",
    [
        ServiceKey("ipv4", "51", V4, 80),
        ServiceKey("ipv6", "0", V6, 0),
        ServiceKey("ipv4", "1", V4, 0),
        ServiceKey("7", "tcp", V6, 80),
        ServiceKey("7", fwmark=3),
    ],
)
def test_a_foreign_service_is_read_unchanged(key: ServiceKey) -> None:
    service = Service(key, "rr", persistence_timeout=60, persistence_netmask="255.255.255.0")
    if key.family == "ipv6":
        service = service._replace(persistence_netmask="64")
    ours = Service(ServiceKey("ipv4", "tcp", V4, 80), "rr")
    assert key.foreign
    assert not ours.key.foreign
    assert read_service(as_sent_by_kernel(service)) == service
    inside = [message(as_sent_by_kernel(one)) for one in (ours, service, ours)]
    if len({len(one) for one in inside}) == 1:
        assert wire.unpack_services(b"".join(inside), len(inside[0])) == [ours, service, ours]


@pytest.mark.parametrize(
    "values",
    [{"forward_method": word} for word in ("5", "6", "7", "localnode", "bypass")]
    + [{"forward_method": "tunnel", "tunnel_type": "9", "tunnel_port": 7, "tunnel_flags": 3}],
)
def test_a_foreign_destination_is_read_unchanged(values: dict[str, Any]) -> None:
    ours = Destination(DestinationKey(V4, 80), "masquerade")
    foreign = ours._replace(**values)
    assert foreign.foreign == (values["forward_method"] not in ("localnode", "bypass"))
    assert not ours.foreign
    inside = [message(destination_reply(one), 2) for one in (ours, foreign, ours)]
    assert wire.unpack_destinations(b"".join(inside), len(inside[0])) == [ours, foreign, ours]


def test_a_destination_of_an_unknown_family_keeps_all_of_its_address() -> None:
    reply = destination_reply(Destination(DestinationKey(V6, 80), "masquerade"))
    data = message(with_attribute(reply, uapi.IPVS_DEST_ATTR_ADDR_FAMILY, struct.pack("=H", 7)), 2)
    assert [one.key for one in wire.unpack_destinations(data, len(data))] == [DestinationKey(V6, 80)]


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (uapi.IPVS_DAEMON_ATTR_STATE, u32(9), "sync daemon state 9 in the kernel's reply is neither master nor backup"),
        (uapi.IPVS_DAEMON_ATTR_MCAST_GROUP, b"\1\2\3", "a multicast group of 3 bytes in the kernel's reply"),
        (uapi.IPVS_DAEMON_ATTR_MCAST_GROUP, None, "the kernel's reply has no multicast group"),
        (uapi.IPVS_DAEMON_ATTR_MCAST_TTL, None, "the kernel's reply has no TTL"),
    ],
)
def test_an_impossible_sync_daemon_is_refused_with_the_reason(kind: int, value: bytes | None, reason: str) -> None:
    daemon = SyncDaemon("master", "eth0", 7, 1400, V4, 8848, 1)
    reply = attributes(wire_settings.pack_sync_daemon(daemon))[uapi.IPVS_CMD_ATTR_DAEMON]
    data = message(with_attribute(reply, kind, value), uapi.IPVS_CMD_ATTR_DAEMON)
    with pytest.raises(IpvsProtocolError, match=reason):
        wire_settings.unpack_sync_daemons(data, len(data))


def test_a_reply_about_something_else_is_refused() -> None:
    """A service in reply to a request for a destination: its attribute wraps the whole message."""
    data = message(as_sent_by_kernel(Service(ServiceKey("ipv4", "tcp", V4, 80))), uapi.IPVS_CMD_ATTR_SERVICE)
    with pytest.raises(IpvsProtocolError, match=f"the kernel's reply lacks attribute {uapi.IPVS_CMD_ATTR_DEST}"):
        wire.unpack_destinations(data, len(data))


def test_a_cut_off_attribute_is_refused() -> None:
    with pytest.raises(IpvsProtocolError, match="claims 8 bytes where 6 are left"):
        wire_settings.unpack_info(b"\0" * 20 + attribute(1, u32(1))[:6])
