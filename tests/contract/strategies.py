# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random services and destinations that a kernel accepts."""

from __future__ import annotations

import ipaddress

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
    canonical_destination,
    canonical_service,
)
from hypothesis import strategies as st

SCHEDULERS = ["rr", "wrr", "lc", "wlc", "fo", "ovf", "dh", "sh", "mh", "sed", "nq"]
FLAGS = uapi.IP_VS_SVC_F_SCHED1, uapi.IP_VS_SVC_F_SCHED2, uapi.IP_VS_SVC_F_SCHED3

virtual_addresses = st.one_of(st.sampled_from(["192.0.2.1", "192.0.2.2"]), st.sampled_from(["2001:db8::1", "2001:db8::2"])).map(
    lambda text: ipaddress.ip_address(text).packed
)


@st.composite
def service_keys(draw: st.DrawFn) -> ServiceKey:
    """A firewall mark, or protocol, address and port."""
    if draw(st.booleans()):
        family = draw(st.sampled_from(["ipv4", "ipv6"]))
        return ServiceKey(family, fwmark=draw(st.one_of(st.integers(1, 3), st.integers(1, 2**32 - 1))))
    address = draw(virtual_addresses)
    family = "ipv4" if len(address) == 4 else "ipv6"
    return ServiceKey(family, draw(st.sampled_from(list(uapi.PROTOCOLS))), address, draw(st.integers(1, 65535)))


@st.composite
def services(draw: st.DrawFn, key: ServiceKey | None = None) -> Service:
    """A service with any combination of options that ipvsadm would accept."""
    key = key or draw(service_keys())
    if key.family == "ipv4":
        masks = st.integers(1, 32).map(lambda length: str(ipaddress.ip_network(f"0.0.0.0/{length}").netmask))
    else:
        masks = st.integers(1, 128).map(str)
    return canonical_service(
        Service(
            key,
            scheduler=draw(st.sampled_from(SCHEDULERS)),
            scheduler_flags=sum(draw(st.sets(st.sampled_from(FLAGS)))),
            persistence_timeout=draw(st.one_of(st.just(0), st.integers(1, uapi.MAX_TIMEOUT))),
            persistence_netmask=draw(masks),
            persistence_engine=draw(st.sampled_from(["", "", "sip"])),
            one_packet=draw(st.booleans()) if key.protocol in (None, "udp") else False,
        )
    )


def real_address(family: str, number: int) -> bytes:
    """Return a real server's address."""
    return ipaddress.ip_address(f"10.0.0.{number}" if family == "ipv4" else f"2001:db8:1::{number:x}").packed


@st.composite
def destinations(draw: st.DrawFn, service: ServiceKey, numbers: st.SearchStrategy[int]) -> Destination:
    """A destination that suits the service."""
    method = draw(st.sampled_from(["masquerade", "direct", "tunnel"]))
    family = service.family
    if method == "tunnel" and draw(st.booleans()):
        family = "ipv4" if family == "ipv6" else "ipv6"
    kind = draw(st.sampled_from(list(uapi.TUNNEL_TYPES)))
    flags = {"ipip": [0], "gre": [0, 1], "gue": [0, 1, 2]}[kind]
    port = service.port if method != "masquerade" else draw(st.integers(1, 65535))
    upper = draw(st.one_of(st.just(0), st.integers(0, 100), st.integers(0, uapi.INT_MAX)))
    return canonical_destination(
        Destination(
            DestinationKey(real_address(family, draw(numbers)), port),
            forward_method=method,
            weight=draw(st.one_of(st.just(0), st.integers(0, 100), st.integers(0, 65535))),
            upper_threshold=upper,
            lower_threshold=draw(st.integers(0, upper)),
            tunnel_type=kind,
            tunnel_port=draw(st.integers(1, 65535)),
            tunnel_flags=draw(st.sampled_from(flags)),
        )
    )


@st.composite
def entries(draw: st.DrawFn, key: ServiceKey | None = None, most: int = 7) -> Entry:
    """A service with destinations in some order."""
    service = draw(services(key))
    found = draw(st.lists(destinations(service.key, st.integers(1, 9)), max_size=most, unique_by=lambda one: one.key))
    return Entry(service, tuple(found))


def tables(most: int = 4) -> st.SearchStrategy[list[Entry]]:
    """Several services, each with destinations in some order."""
    return st.lists(entries(), max_size=most, unique_by=lambda one: one.service.key)


@st.composite
def two_entries(draw: st.DrawFn) -> tuple[Entry | None, Entry | None]:
    """Two states of one service, which share some destinations."""
    key = draw(service_keys())
    first = draw(st.one_of(st.none(), entries(key)))
    second = draw(st.one_of(st.none(), entries(key)))
    if first and second and first.destinations and draw(st.booleans()):
        shared = draw(st.permutations(first.destinations))
        names = {one.key for one in shared}
        second = second._replace(
            destinations=tuple(draw(st.permutations([*shared, *(o for o in second.destinations if o.key not in names)])))
        )
    return first, second
