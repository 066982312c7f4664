# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Client for the kernel's IPVS: reads and changes it, in values of the model.

``contract.IpvsKernel`` is the interface for the layers above. Imports that only some tasks need are local: a target compiles every
module that a task imports.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._kernel.lock import lock
from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    NO_PERMISSION,
    IpvsConflictError,
    IpvsError,
    IpvsProtocolError,
    IpvsRejectedError,
    IpvsUnavailableError,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    Entry,
    Observed,
    Service,
    ServiceKey,
    Stats,
)
from ansible_collections.lvs.director.plugins.module_utils._netlink import parse as wire
from ansible_collections.lvs.director.plugins.module_utils._netlink.socket import Command, NetlinkSocket, Run

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._model.settings import Info, SyncDaemon, Timeouts
    from ansible_collections.lvs.director.plugins.module_utils._model.steps import Refusal, Step

# Read up to this many services one by one; for more, list the whole table.
_FEW = 8
_LISTING_ATTEMPTS = 20
_UNPACKED_AT_ONCE = 64  # services; larger batches only need more memory
_NO_STATS = Stats()


class NetlinkKernel:
    """The kernel of this machine, in the network namespace of this process.

    :raises ImportError: pyroute2 is missing.
    :raises IpvsUnavailableError: ``ip_vs`` is not loaded.
    """

    def __init__(self) -> None:
        self._socket = NetlinkSocket()
        self._modules: dict[str, bool] = {}

    def lock(self, *, exclusive: bool) -> AbstractContextManager[None]:
        return lock(exclusive=exclusive)

    def close(self) -> None:
        self._socket.close()

    def read_service(self, key: ServiceKey, *, counters: bool = True) -> Optional[Observed]:
        try:
            reply = self._socket.request(uapi.IPVS_CMD_GET_SERVICE, wire.pack_command(key))
        except OSError as exc:
            if exc.errno == errno.ESRCH:
                return None
            raise _reading_failed(f"service {key}", exc) from exc
        if counters:
            ((service, stats),) = wire.unpack_counted_services(reply, len(reply))
            return self._observe_counted(service, stats)
        (service,) = wire.unpack_services(reply, len(reply))
        return next(self._observe_all([service]))

    def read_table(self, *, counters: bool = True, only: Optional[Collection[ServiceKey]] = None) -> Iterable[Observed]:
        if only is not None and len(only) <= _FEW:
            return [found for found in (self.read_service(key, counters=counters) for key in only) if found]
        command, subject = (uapi.IPVS_CMD_GET_SERVICE, b""), "the services"
        # Other services may have thousands of destinations.
        names = None if only is None else frozenset(only)
        if counters:
            counted = self._list(subject, command, wire.unpack_counted_services, lambda pair: pair[0].key)
            return [self._observe_counted(service, stats) for service, stats in counted if names is None or service.key in names]
        services = self._list(subject, command, wire.unpack_services, lambda service: service.key)
        return self._observe_all(services if names is None else [service for service in services if service.key in names])

    def read_info(self) -> Info:
        from ansible_collections.lvs.director.plugins.module_utils._netlink.settings import unpack_info  # noqa: PLC0415 (compiled only where it is used)

        return unpack_info(self._request("version and table size", uapi.IPVS_CMD_GET_INFO))

    def read_timeouts(self) -> Timeouts:
        from ansible_collections.lvs.director.plugins.module_utils._netlink.settings import unpack_timeouts  # noqa: PLC0415 (compiled only where it is used)

        return unpack_timeouts(self._request("the timeouts", uapi.IPVS_CMD_GET_CONFIG))

    def read_sync_daemons(self) -> list[SyncDaemon]:
        from ansible_collections.lvs.director.plugins.module_utils._netlink.settings import unpack_sync_daemons  # noqa: PLC0415 (compiled only where it is used)

        return self._list("the sync daemons", (uapi.IPVS_CMD_GET_DAEMON, b""), unpack_sync_daemons, lambda daemon: daemon.state)

    def read_mtu(self, interface: str) -> Optional[int]:
        from ansible_collections.lvs.director.plugins.module_utils._kernel.interface import read_mtu  # noqa: PLC0415 (compiled only where it is used)

        return read_mtu(interface)

    def read_index(self, interface: str) -> Optional[int]:
        from ansible_collections.lvs.director.plugins.module_utils._kernel.interface import read_index  # noqa: PLC0415 (compiled only where it is used)

        return read_index(interface)

    def has_joined(self, daemon: SyncDaemon) -> bool:
        from ansible_collections.lvs.director.plugins.module_utils._kernel.interface import has_joined  # noqa: PLC0415 (compiled only where it is used)

        return has_joined(daemon)

    def try_sync_daemon(self, daemon: SyncDaemon) -> int:
        from ansible_collections.lvs.director.plugins.module_utils._kernel.interface import try_sockets  # noqa: PLC0415 (compiled only where it is used)

        return try_sockets(daemon)

    def has_module(self, kind: str, name: str) -> bool:
        from ansible_collections.lvs.director.plugins.module_utils._kernel.modules import could_load  # noqa: PLC0415 (compiled only where it is used)

        module = f"{kind}_{name}"
        if module not in self._modules:
            self._modules[module] = could_load(module)
        return self._modules[module]

    def apply(self, steps: Sequence[Step]) -> Optional[Refusal]:
        from ansible_collections.lvs.director.plugins.module_utils._model.steps import Refusal  # noqa: PLC0415 (compiled only where it is used)
        from ansible_collections.lvs.director.plugins.module_utils._netlink.build import commands  # noqa: PLC0415 (compiled only where it is used)

        try:
            numbers = self._socket.change(commands(steps))
        except OSError as exc:
            raise IpvsProtocolError(f"the kernel's answers to {len(steps)} changes were lost ({os.strerror(exc.errno or 0)})") from exc
        for step, number in zip(steps, numbers):
            if number:
                return Refusal(step, number)
        return None

    def _observe_all(self, services: Sequence[Service]) -> Iterator[Observed]:
        """Read the destinations of services, without counters."""
        listings = self._socket.dump_each(uapi.IPVS_CMD_GET_DEST, (wire.pack_command(service.key) for service in services))
        for begin in range(0, len(services), _UNPACKED_AT_ONCE):
            some = services[begin : begin + _UNPACKED_AT_ONCE]
            listed: list[list[Run]] = []
            try:
                listed.extend(islice(listings, len(some)))
            except OSError as exc:
                raise _reading_failed(f"the destinations of service {some[len(listed)].key}", exc) from exc
            yield from self._unpack_listings(some, listed)

    def _unpack_listings(self, services: Sequence[Service], listings: Sequence[list[Run]]) -> list[Observed]:
        """Combine services with the listings of their destinations."""
        lengths = {run.length for runs in listings for run in runs}
        if len(lengths) > 1 or max(map(len, listings)) > 1:
            return [_uncounted(service, self._listed_destinations(service, runs)) for service, runs in zip(services, listings)]
        # The common case: one datagram per service, and messages of equal length. Decode all at once.
        joined = b"".join([run.data for runs in listings for run in runs])
        length = max(lengths, default=1)
        found = wire.unpack_destinations(joined, length) if joined else []
        observed = []
        end = 0
        for service, runs in zip(services, listings):
            begin, end = end, end + (len(runs[0].data) // length if runs else 0)
            observed.append(_uncounted(service, tuple(found[begin:end])))
        return observed

    def _listed_destinations(self, service: Service, runs: list[Run]) -> tuple[Destination, ...]:
        """Return the destinations of a listing of several datagrams; repeat it if the table changed in between."""
        key = service.key
        found = [destination for run in runs for destination in wire.unpack_destinations(*run)]
        if len(runs) > 1 and len({destination.key for destination in found}) < len(found):
            found = self._list(
                key, (uapi.IPVS_CMD_GET_DEST, wire.pack_command(key)), wire.unpack_destinations, lambda destination: destination.key
            )
        return tuple(found)

    def _observe_counted(self, service: Service, stats: Stats) -> Observed:
        key = service.key
        command = uapi.IPVS_CMD_GET_DEST, wire.pack_command(key)
        pairs = self._list(key, command, wire.unpack_counted_destinations, lambda pair: pair[0].key)
        entry = Entry(service, tuple(destination for destination, _counters in pairs))
        return Observed(entry, stats, {destination.key: counters for destination, counters in pairs})

    def _list(
        self, subject: str | ServiceKey, command: Command, unpack: Callable[[bytes, int], list[Any]], name: Callable[[Any], Any]
    ) -> list[Any]:
        """Return the entries of a listing: ``subject``, or the destinations of that service."""
        for _attempt in range(_LISTING_ATTEMPTS):
            try:
                runs = self._socket.dump(*command)
            except OSError as exc:
                raise _reading_failed(subject if isinstance(subject, str) else f"the destinations of service {subject}", exc) from exc
            if len(runs) == 1:
                return unpack(*runs[0])
            found = [entry for run in runs for entry in unpack(*run)]
            # Unlike other netlink families, IPVS does not mark a dump during which the table changed. After an addition, the
            # dump resumes too early and repeats an entry.
            if len({name(entry) for entry in found}) == len(found):
                return found
        raise IpvsConflictError(
            f"Cannot read {subject if isinstance(subject, str) else f'the destinations of service {subject}'}: they change faster than "
            "they can be read. Something else is changing the table"
        )

    def _request(self, subject: str, command: int) -> bytes:
        try:
            return self._socket.request(command)
        except OSError as exc:
            raise _reading_failed(subject, exc) from exc


def _uncounted(service: Service, destinations: tuple[Destination, ...]) -> Observed:
    entry: Entry = tuple.__new__(Entry, (service, destinations))
    observed: Observed = tuple.__new__(Observed, (entry, _NO_STATS, {}))
    return observed


def _reading_failed(subject: str, exc: OSError) -> IpvsError:
    number = exc.errno or 0
    if number in (errno.EPERM, errno.EACCES):
        return IpvsUnavailableError(f"Cannot read {subject}: permission denied. {NO_PERMISSION}")
    return IpvsRejectedError(f"Cannot read {subject}: {os.strerror(number)} ({errno.errorcode.get(number, number)})")
