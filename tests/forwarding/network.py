# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network: a client, a director and two real servers, each a network namespace, all on one switch.

On one switch, several machines could answer for the virtual addresses. The client has its own network, to which the real servers have a
route that avoids the director; packets from their own addresses, as with masquerade, go through it. Both use the strictest reverse path
filter.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

VIPS = {4: "198.51.100.3", 6: "2001:db8:c::3"}
CLIENT = {4: "198.51.100.10", 6: "2001:db8:c::10"}
REAL_SERVERS = {"rs1": {4: "192.0.2.11", 6: "2001:db8:5::11"}, "rs2": {4: "192.0.2.12", 6: "2001:db8:5::12"}}
SWITCH = "switch"

_CLIENTS = {4: "198.51.100.0/24", 6: "2001:db8:c::/64"}
_GATEWAY = {4: "192.0.2.1", 6: "2001:db8:5::1"}
_ADDRESSES = {
    "client": ["198.51.100.10/24", "2001:db8:c::10/64"],
    "director": ["198.51.100.1/24", "2001:db8:c::1/64", "192.0.2.1/24", "2001:db8:5::1/64", "198.51.100.3/32", "2001:db8:c::3/128"],
    **{name: [f"{addresses[4]}/24", f"{addresses[6]}/64"] for name, addresses in REAL_SERVERS.items()},
}
_SETTINGS = {
    # SCTP resends a packet that was too long for a tunnel after its timeout, which would be three seconds.
    "client": {"sctp.rto_min": "100", "sctp.rto_initial": "300"},
    "director": {
        "ipv4.ip_forward": "1",
        "ipv6.conf.all.forwarding": "1",
        # It would send them ICMP redirects.
        "ipv4.conf.all.send_redirects": "0",
        "ipv4.conf.eth0.send_redirects": "0",
    },
    **{
        name: {"ipv4.conf.all.rp_filter": "1", "ipv6.conf.all.accept_redirects": "0", "ipv6.conf.eth0.accept_redirects": "0"}
        for name in REAL_SERVERS
    },
}
_CLONE_NEWNET = 0x40000000


def run(*command: str, namespace: str = "") -> str:
    """Run a command in a namespace, and return its output."""
    with inside(namespace) if namespace else contextlib.nullcontext():
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{namespace}: {' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def ip(namespace: str, lines: list[str], *options: str) -> None:
    """Have ip(8) do things in a namespace, all in one process: in an emulated machine, each one costs."""
    command = ["ip", "-n", namespace, *options, "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines), check=False, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def enter(namespace: str) -> None:
    """Have this thread be in a namespace from now on: sockets stay in the one in which they were made."""
    _setns(f"/run/netns/{namespace}")


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Be in a namespace for a while."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        enter(namespace)
        yield
    finally:
        _setns(f"/proc/self/fd/{before}")
        os.close(before)


def _setns(path: str) -> None:
    # os.setns came with Python 3.12.
    file = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(file, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")
    finally:
        os.close(file)


@contextlib.contextmanager
def network() -> Iterator[None]:
    """Have the network for a while."""
    try:
        build()
        yield
    finally:
        clear()


def clear() -> None:
    """Remove all of it."""
    for name in [SWITCH, *_ADDRESSES]:
        subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL, timeout=60)


def build() -> None:
    """Make the namespaces, wire them, and give them addresses and routes."""
    run("modprobe", "--all", "sctp", "ip_vs")
    for name in [SWITCH, *_ADDRESSES]:
        run("ip", "netns", "add", name)
    ip(SWITCH, ["link add br0 type bridge mcast_snooping 0", "link set br0 up"])
    for name in _ADDRESSES:
        # No segmentation offload: packets are as long as on a real cable.
        ip(name, [f"link add eth0 gso_max_segs 1 type veth peer name {name} netns {SWITCH} gso_max_segs 1", "link set lo up"])
    ip(SWITCH, [f"link set {name} master br0 up" for name in _ADDRESSES])
    for name, settings in _SETTINGS.items():
        with inside(name):
            for setting, value in settings.items():
                Path("/proc/sys/net", setting.replace(".", "/")).write_text(value, encoding="ascii")
    for name, addresses in _ADDRESSES.items():
        added = [f"address add {address} dev eth0{' nodad' if ':' in address else ''}" for address in addresses]
        ip(name, ["link set eth0 up", *added])
    for name, own in REAL_SERVERS.items():
        for family, clients in _CLIENTS.items():
            routes = [f"route add {clients} dev eth0", f"route add {clients} via {_GATEWAY[family]} table 100"]
            ip(name, [*routes, f"rule add from {own[family]} lookup 100"], f"-{family}")
