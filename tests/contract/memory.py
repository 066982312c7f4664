# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An IPVS kernel in memory, with the rules of net/netfilter/ipvs/ip_vs_ctl.c that the collection relies on.

It replaces the real one in unit tests, and passes the same contract tests (``test_contract.py``).
"""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import Info, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Refusal,
    SetTimeouts,
    StartSyncDaemon,
    Step,
    StopSyncDaemon,
    ZeroCounters,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationCounters,
    DestinationKey,
    Entry,
    Observed,
    Service,
    ServiceKey,
    Stats,
    address_family,
    canonical_destination,
    canonical_service,
)

SCHEDULERS = {"rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "none"}
ENGINES = {"sip"}


class Interface(NamedTuple):
    """A network interface, as far as a sync daemon depends on it."""

    mtu: int
    up: bool = True
    ipv6: bool = True  # it has a way to IPv6 groups
    ifindex: int = 2


class MemoryStore:
    """The files of a machine, in memory.

    :ivar table: the saved table, None if nothing is restored at boot.
    :ivar fallback: the names of services that run with the fallback scheduler.
    :ivar disk_full: whether nothing can be saved.
    :ivar kernel: if given, its lock must be held for a change.
    """

    def __init__(self, table: str | None = None, kernel: MemoryKernel | None = None) -> None:
        self.table = table
        self.fallback: frozenset[str] = frozenset()
        self.disk_full = False
        self.kernel = kernel
        self.indexes: dict[str, int | None] = {}
        self.runs: dict[str, float] = {}

    def read_table(self) -> str | None:
        return self.table

    @contextlib.contextmanager
    def replace_table(self, text: str) -> Iterator[None]:
        assert self.kernel is None or self.kernel.locked == "exclusive"
        if self.disk_full:
            raise IpvsUnavailableError("Cannot write the file: No space left on device")
        yield
        self.table = text

    def read_fallback(self) -> frozenset[str]:
        return self.fallback

    def write_fallback(self, names: frozenset[str]) -> None:
        self.fallback = names

    def record_run(self, module: str) -> None:
        if self.table is not None:
            self.runs[module] = time.time()

    def read_runs(self) -> dict[str, float]:
        return self.runs

    def read_daemon_index(self, state: str) -> int | None:
        return self.indexes.get(state)

    def write_daemon_index(self, state: str, index: int | None) -> None:
        self.indexes[state] = index


class MemoryKernel:
    """A table in memory.

    :ivar steps: all requested steps, in order.
    :ivar refuse: a function that may return an error number for a step, as a failing kernel would.
    :ivar meanwhile: called after each step; may act as a concurrent writer.
    :ivar stats: the counters of services.
    :ivar counters: the counters of destinations, by service and destination.
    :ivar locked: how the lock is held, if it is.
    """

    def __init__(self) -> None:
        self.services: dict[ServiceKey, Service] = {}
        self.destinations: dict[ServiceKey, list[Destination]] = {}
        self.timeouts = Timeouts(900, 120, 300)
        self.daemons: list[SyncDaemon] = []
        self.joined: dict[str, int] = {}  # the indexes of the interfaces to which the sockets of daemons belong
        self.interfaces = {"lo": Interface(65536, ipv6=False)}
        self.steps: list[Step] = []
        self.refuse: Callable[[Step], int] = lambda step: 0
        self.meanwhile: Callable[[Step], None] = lambda step: None
        self.stats: dict[ServiceKey, Stats] = {}
        self.counters: dict[tuple[ServiceKey, DestinationKey], DestinationCounters] = {}
        self.locked: str | None = None
        self.closed = False

    @contextlib.contextmanager
    def lock(self, *, exclusive: bool) -> Iterator[None]:
        assert self.locked is None
        self.locked = "exclusive" if exclusive else "shared"
        try:
            yield
        finally:
            self.locked = None

    def close(self) -> None:
        self.closed = True

    def read_service(self, key: ServiceKey, *, counters: bool = True) -> Observed | None:
        if key not in self.services:
            return None
        stats = self.stats.get(key, Stats()) if counters else Stats()
        found = {destination: counted for (service, destination), counted in self.counters.items() if counters and service == key}
        return Observed(Entry(self.services[key], tuple(self.destinations[key])), stats, found)

    def read_table(self, *, counters: bool = True, only: Collection[ServiceKey] | None = None) -> list[Observed]:
        keys = [key for key in self.services if only is None or key in only]
        return [observed for key in keys if (observed := self.read_service(key, counters=counters))]

    def read_info(self) -> Info:
        return Info("1.2.1", 4096)

    def read_timeouts(self) -> Timeouts:
        return self.timeouts

    def read_sync_daemons(self) -> list[SyncDaemon]:
        return list(self.daemons)

    def read_mtu(self, interface: str) -> int | None:
        return self.interfaces[interface].mtu if interface in self.interfaces else None

    def read_index(self, interface: str) -> int | None:
        return self.interfaces[interface].ifindex if interface in self.interfaces else None

    def has_joined(self, daemon: SyncDaemon) -> bool:
        return self.joined.get(daemon.state) in (None, self.read_index(daemon.interface))

    def try_sync_daemon(self, daemon: SyncDaemon) -> int:
        """make_send_sock() and make_receive_sock()."""
        interface = self.interfaces.get(daemon.interface)
        if interface is None:
            return errno.ENODEV
        if daemon.state == "master" and not (interface.up and (interface.ipv6 or len(daemon.group) == 4)):
            return errno.ENETUNREACH
        if daemon.state == "backup" and interface.mtu < 1280 and len(daemon.group) == 16:
            return errno.EINVAL
        return 0

    def has_module(self, kind: str, name: str) -> bool:
        return name in (SCHEDULERS if kind == "ip_vs" else ENGINES)

    def apply(self, steps: Sequence[Step]) -> Refusal | None:
        first = None
        assert self.locked != "shared", "a change without the lock"
        for step in steps:
            self.steps.append(step)
            number = self.refuse(step) or self._apply(step)
            if number and first is None:
                first = Refusal(step, number)
            self.meanwhile(step)
        return first

    def _apply(self, step: Step) -> int:
        if isinstance(step, (AddService, EditService)):
            return self._put_service(step)
        if isinstance(step, ZeroCounters) and step.key is None:
            self.stats.clear()
            return 0
        if isinstance(step, SetTimeouts):
            return self._set_timeouts(step.timeouts)
        if isinstance(step, StartSyncDaemon):
            return self._start_daemon(step.daemon)
        if isinstance(step, StopSyncDaemon):
            running = [daemon for daemon in self.daemons if daemon.state == step.state]
            self.daemons = [daemon for daemon in self.daemons if daemon.state != step.state]
            return 0 if running else errno.ESRCH
        key = step.key if isinstance(step, (DeleteService, ZeroCounters)) else step.service
        if key not in self.services:
            return errno.ESRCH
        if isinstance(step, DeleteService):
            del self.services[key], self.destinations[key]
            return 0
        if isinstance(step, ZeroCounters):
            self.stats.pop(key, None)
            return 0
        return self._change_destination(self.destinations[key], key, step)

    def _put_service(self, step: AddService | EditService) -> int:
        key = step.service.key
        if isinstance(step, AddService) and key in self.services:
            return errno.EEXIST
        if isinstance(step, EditService) and key not in self.services:
            return errno.ESRCH
        if step.service.scheduler not in SCHEDULERS:
            return errno.ENOENT
        if step.service.persistence_engine and step.service.persistence_engine not in ENGINES:
            return errno.ENOENT
        if key.family == "ipv6" and not 1 <= int(step.service.persistence_netmask or 128) <= 128:
            return errno.EINVAL
        if isinstance(step, AddService):
            # The kernel keeps services in a hash table: no order to rely on.
            self.destinations[key] = []
        self.services[key] = canonical_service(step.service)
        return 0

    def _set_timeouts(self, timeouts: Timeouts) -> int:
        # The kernel counts ticks, 250 a second on Debian, in an int.
        if not all(0 <= seconds <= uapi.INT_MAX // 250 for seconds in timeouts):
            return errno.EINVAL
        self.timeouts = Timeouts(*(seconds or old for seconds, old in zip(timeouts, self.timeouts, strict=True)))
        return 0

    def _start_daemon(self, daemon: SyncDaemon) -> int:
        """ip_vs_genl_new_daemon() and start_sync_thread()."""
        family = address_family(daemon.group)
        multicast = 224 <= daemon.group[0] <= 239 if family == "ipv4" else daemon.group[0] == 0xFF
        mixed = any(address_family(real.key.address) != key.family for key, listed in self.destinations.items() for real in listed)
        if not multicast or mixed:
            return errno.EINVAL
        interface = self.interfaces.get(daemon.interface)
        if interface is None:
            return errno.ENODEV
        self.joined[daemon.state] = interface.ifindex
        headers = 28 if family == "ipv4" else 48
        least = 1024 if daemon.state == "backup" else 1
        packet = max(1500, min(interface.mtu, 65535)) if daemon.state == "backup" else 1500
        length = daemon.maximum_length
        daemon = daemon._replace(
            maximum_length=min(max(length, least), 65535 - headers) if length else packet - headers,
            port=daemon.port or 8848,
            ttl=daemon.ttl or 1,
        )
        if any(other.state == daemon.state for other in self.daemons):
            return errno.EEXIST
        number = self.try_sync_daemon(daemon)
        if number:
            return number
        self.daemons = sorted([*self.daemons, daemon], key=lambda running: running.state, reverse=True)
        return 0

    def _change_destination(
        self, present: list[Destination], service: ServiceKey, step: AddDestination | EditDestination | DeleteDestination
    ) -> int:
        key = step.key if isinstance(step, DeleteDestination) else step.destination.key
        index = next((index for index, real in enumerate(present) if real.key == key), None)
        if isinstance(step, DeleteDestination):
            if index is None:
                return errno.ENOENT
            del present[index]
            return 0
        number = self._check_destination(step.destination, service)
        if isinstance(step, AddDestination):
            if number or index is not None:
                return number or errno.EEXIST
            present.insert(0, canonical_destination(step.destination))
            return 0
        if number or index is None:
            return number or errno.ENOENT
        present[index] = canonical_destination(step.destination)
        return 0

    def _check_destination(self, destination: Destination, service: ServiceKey) -> int:
        if address_family(destination.key.address) != service.family and (destination.forward_method != "tunnel" or self.daemons):
            return errno.EINVAL
        if destination.weight < 0 or destination.lower_threshold > destination.upper_threshold:
            return errno.ERANGE
        if destination.upper_threshold > uapi.INT_MAX:
            return errno.EINVAL
        if destination.forward_method == "tunnel" and destination.tunnel_type == "gue" and not destination.tunnel_port:
            return errno.EINVAL
        return 0

    def keys(self, service: ServiceKey) -> list[DestinationKey]:
        """Return the names of a service's destinations, in order."""
        return [real.key for real in self.destinations[service]]
