# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces and sockets as this machine has them; that they are the kernel's own answers is in the contract, in a VM."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel import interface as _interface
from ansible_collections.lvs.director.plugins.module_utils._kernel.interface import read_mtu, try_sockets
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import parse_address

V4 = ipaddress.ip_address("239.1.2.3").packed
V6 = ipaddress.ip_address("ff02::81").packed
LOOPBACK = socket.if_nametoindex("lo")
BACKUP = SyncDaemon("backup", "lo", 0, 1400, V4, 0, 1)


def test_every_interface_is_as_sysfs_says() -> None:
    names = [name for _index, name in socket.if_nameindex()]
    assert "lo" in names
    for name in names:
        assert read_mtu(name) == int((Path("/sys/class/net") / name / "mtu").read_text())


def test_the_kernel_is_not_asked_about_unknown_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would load a module for some."""
    monkeypatch.setattr(_interface.fcntl, "ioctl", lambda *arguments: pytest.fail("asked"))
    assert read_mtu("nosuch") is None
    monkeypatch.setattr(_interface.socket, "socket", lambda *arguments: pytest.fail("asked"))
    assert try_sockets(BACKUP._replace(interface="nosuch")) == errno.ENODEV


def test_an_interface_that_disappears(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*arguments: object) -> bytes:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    monkeypatch.setattr(_interface.fcntl, "ioctl", gone)
    assert read_mtu("lo") is None


def test_an_interface_without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a missing interface counts as missing."""

    def refused(*arguments: object) -> bytes:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(_interface.fcntl, "ioctl", refused)
    with pytest.raises(PermissionError, match="Operation not permitted"):
        read_mtu("lo")


def test_a_port_that_is_in_use() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        port = other.getsockname()[1]
        assert try_sockets(BACKUP._replace(port=port)) == errno.EADDRINUSE
    assert try_sockets(BACKUP._replace(port=port)) == 0


class Scripted:
    """A socket that records its calls."""

    calls: ClassVar[list[tuple[object, ...]]] = []

    def __init__(self, family: int, _kind: int) -> None:
        self.calls[:] = [("family", family)]

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.calls.append(("close",))

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, *arguments))


@pytest.mark.parametrize(
    ("daemon", "calls"),
    [
        (
            BACKUP._replace(state="master", port=8848),
            [
                ("family", socket.AF_INET),
                ("setsockopt", socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", b"", b"", LOOPBACK)),
                ("connect", ("239.1.2.3", 8848)),
                ("close",),
            ],
        ),
        (
            BACKUP._replace(state="master", port=8848, group=V6),
            [
                ("family", socket.AF_INET6),
                ("setsockopt", socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, LOOPBACK),
                ("connect", ("ff02::81", 8848)),
                ("close",),
            ],
        ),
        (
            BACKUP._replace(port=8848, group=V6),
            [
                ("family", socket.AF_INET6),
                ("setsockopt", socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
                ("setsockopt", socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0"),
                ("bind", ("ff02::81", 8848)),
                ("close",),
            ],
        ),
    ],
)
def test_a_socket_like_the_kernels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, daemon: SyncDaemon, calls: list[tuple[object, ...]]
) -> None:
    monkeypatch.setattr(_interface, "_IPV6_INTERFACES", str(tmp_path))
    monkeypatch.setattr(_interface.socket, "socket", Scripted)
    # Only for a backup, the interface alone decides about IPv6.
    refused = errno.EINVAL if daemon.state == "backup" else 0
    assert try_sockets(daemon) == refused
    assert Scripted.calls == calls
    (tmp_path / "lo").mkdir()
    assert try_sockets(daemon) == 0


def test_groups_that_an_interface_has_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "igmp").write_text(
        "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
        "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n"
        "2\teth1      :     2      V3\n\t\t\t\t510000E0     1 0:00000000\t\t0\n\t\t\t\t010000E0     1 0:00000000\t\t0\n"
    )
    (tmp_path / "igmp6").write_text("3    eth1            ff020000000000000000000000000051     1 00000004 0\n")
    monkeypatch.setattr(_interface, "_GROUPS", str(tmp_path / "igmp"))
    monkeypatch.setattr(_interface, "_GROUPS6", str(tmp_path / "igmp6"))
    monkeypatch.setattr(_interface.sys, "byteorder", "little")
    for name, group, joined in (
        ("eth1", "224.0.0.81", True),
        ("lo", "224.0.0.81", False),
        ("eth9", "224.0.0.81", False),
        ("eth1", "224.0.0.82", False),
        ("eth1", "ff02::51", True),
        ("lo", "ff02::51", False),
    ):
        daemon = SyncDaemon("backup", name, 0, 1472, parse_address(group), 8848, 1)
        assert _interface.has_joined(daemon) is joined, (name, group)
