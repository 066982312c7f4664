# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for timeouts and sync daemons, byte by byte where the kernel's byte order matters."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._netlink import settings as wire_settings
from hypothesis import given
from hypothesis import strategies as st

from .test_netlink_parse import attributes, u32

V4 = ipaddress.ip_address("239.1.2.3").packed
V6 = ipaddress.ip_address("ff02::81").packed
HEADERS = bytes(uapi.MESSAGE_HEADERS)


@given(st.tuples(*[st.integers(1, uapi.MAX_TIMEOUT)] * 3))
def test_timeouts_survive_the_wire(seconds: tuple[int, int, int]) -> None:
    assert wire_settings.unpack_timeouts(memoryview(HEADERS + wire_settings.pack_timeouts(Timeouts(*seconds)))) == seconds


def test_a_timeout_that_stays_is_not_sent() -> None:
    assert attributes(wire_settings.pack_timeouts(Timeouts(0, 30, 0))) == {uapi.IPVS_CMD_ATTR_TIMEOUT_TCP_FIN: u32(30)}


@given(
    st.builds(
        SyncDaemon,
        st.sampled_from(["master", "backup"]),
        st.sampled_from(["lo", "fifteencharsfit"]),
        st.integers(0, 255),
        st.integers(1, 65507),
        st.sampled_from([V4, V6]),
        st.integers(1, 65535),
        st.integers(1, 255),
    )
)
def test_a_daemon_survives_the_wire(daemon: SyncDaemon) -> None:
    sent = HEADERS + wire_settings.pack_sync_daemon(daemon)
    assert wire_settings.unpack_sync_daemons(sent, len(sent)) == [daemon]


@pytest.mark.parametrize(("group", "kind"), [(V4, uapi.IPVS_DAEMON_ATTR_MCAST_GROUP), (V6, uapi.IPVS_DAEMON_ATTR_MCAST_GROUP6)])
def test_a_daemon_is_sent_whole(group: bytes, kind: int) -> None:
    daemon = SyncDaemon("backup", "eth1", 0, 0x1234, group, 8848, 1)
    assert attributes(attributes(wire_settings.pack_sync_daemon(daemon))[uapi.IPVS_CMD_ATTR_DAEMON]) == {
        uapi.IPVS_DAEMON_ATTR_STATE: u32(2),
        uapi.IPVS_DAEMON_ATTR_MCAST_IFN: b"eth1\0",
        uapi.IPVS_DAEMON_ATTR_SYNC_ID: u32(0),
        uapi.IPVS_DAEMON_ATTR_SYNC_MAXLEN: struct.pack("=H", 0x1234),
        kind: group,
        # The one port that travels in host order
        uapi.IPVS_DAEMON_ATTR_MCAST_PORT: struct.pack("=H", 8848),
        uapi.IPVS_DAEMON_ATTR_MCAST_TTL: b"\x01",
    }


def test_a_daemon_is_stopped_by_its_state() -> None:
    sent = attributes(wire_settings.pack_sync_daemon_state("master"))
    assert attributes(sent[uapi.IPVS_CMD_ATTR_DAEMON]) == {uapi.IPVS_DAEMON_ATTR_STATE: u32(1)}
