# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's own judgement of the socket's replies. Everything else is tried on real kernels (tests/contract)."""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Iterable, Iterator

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel import client as kernel
from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    IpvsConflictError,
    IpvsProtocolError,
    IpvsRejectedError,
    IpvsUnavailableError,
)
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddService
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationCounters,
    DestinationKey,
    Service,
    ServiceKey,
)
from ansible_collections.lvs.director.plugins.module_utils._netlink.socket import Run

from contract.strategies import real_address

from .test_netlink_parse import as_sent_by_kernel, destination_reply, message

KEY = ServiceKey("ipv4", "tcp", ipaddress.ip_address("192.0.2.1").packed, 80)
SERVICE = Service(KEY)


def listing(*numbers: int) -> Run:
    """One datagram of a listing of destinations."""
    replies = [
        message(destination_reply(Destination(DestinationKey(real_address("ipv4", one), 80)), DestinationCounters()), 2) for one in numbers
    ]
    return Run(b"".join(replies), len(replies[0]))


class ScriptedSocket:
    """Answers with one listing of destinations after the other, and the last one for ever."""

    def __init__(self, *listings: list[Run]) -> None:
        self.listings = list(listings)
        self.error: OSError | None = None

    def request(self, _command: int, _payload: bytes = b"") -> bytes:
        if self.error:
            raise self.error
        return message(as_sent_by_kernel(SERVICE))

    def dump(self, _command: int, _payload: bytes) -> list[Run]:
        if self.error:
            raise self.error
        return self.listings.pop(0) if len(self.listings) > 1 else self.listings[0]

    def dump_each(self, command: int, payloads: Iterable[bytes]) -> Iterator[list[Run]]:
        return (self.dump(command, payload) for payload in payloads)

    def change(self, _commands: object) -> list[int]:
        raise OSError(errno.ENOBUFS, "No buffer space available")


def connect(*listings: list[Run]) -> tuple[kernel.NetlinkKernel, ScriptedSocket]:
    made = kernel.NetlinkKernel.__new__(kernel.NetlinkKernel)
    scripted = ScriptedSocket(*listings)
    made._socket = scripted  # type: ignore[assignment]
    return made, scripted


@pytest.mark.parametrize("counters", [True, False])
def test_a_listing_with_a_repeated_entry_is_repeated(counters: bool) -> None:
    # A destination was added at the head between the two datagrams: the second repeats the last one of the first.
    torn = [listing(1, 2, 3), listing(3, 4)]
    whole = [listing(9, 1, 2), listing(3, 4)]
    made, _scripted = connect(torn, torn, whole)
    observed = made.read_service(KEY, counters=counters)
    assert observed is not None
    assert [one.key.address[-1] for one in observed.entry.destinations] == [9, 1, 2, 3, 4]
    made, scripted = connect(torn)
    with pytest.raises(IpvsConflictError, match=r"the destinations of service tcp .*: they change faster than they can be read"):
        made.read_service(KEY, counters=counters)
    assert len(scripted.listings) == 1


def test_lost_answers_have_their_own_error() -> None:
    made, _scripted = connect([])
    with pytest.raises(IpvsProtocolError, match="the kernel's answers to 1 changes were lost"):
        made.apply([AddService(SERVICE)])


def test_imports_for_reading() -> None:
    made, scripted = connect([])
    scripted.error = OSError(errno.EPERM, "Operation not permitted")
    for read in (lambda: made.read_service(KEY), made.read_table, made.read_sync_daemons):
        with pytest.raises(IpvsUnavailableError, match=r"permission denied\. CAP_NET_ADMIN is needed"):
            read()
    scripted.error = OSError(errno.ENOMEM, "Cannot allocate memory")
    with pytest.raises(IpvsRejectedError, match=r"Cannot read the services: Cannot allocate memory \(ENOMEM\)"):
        made.read_table()
    scripted.error = OSError(errno.ESRCH, "No such process")
    assert made.read_service(KEY) is None


class Half(ScriptedSocket):
    """Lists the services, and then fails."""

    def dump(self, command: int, payload: bytes) -> list[Run]:
        if command == uapi.IPVS_CMD_GET_SERVICE:
            data = message(as_sent_by_kernel(SERVICE))
            return [Run(data, len(data))]
        raise OSError(errno.ENOMEM, "Cannot allocate memory")


def test_a_read_error_names_its_subject() -> None:
    made, scripted = connect([])
    made._socket = Half()  # type: ignore[assignment]
    with pytest.raises(IpvsRejectedError, match=r"^Cannot read the destinations of service tcp 192\.0\.2\.1:80: Cannot allocate memory \("):
        list(made.read_table(counters=False))
    made._socket = scripted  # type: ignore[assignment]
    scripted.error = OSError(errno.EPERM, "Operation not permitted")
    with pytest.raises(IpvsUnavailableError, match=r"^Cannot read version and table size: permission denied\. CAP_NET_ADMIN is needed"):
        made.read_info()
    with pytest.raises(IpvsUnavailableError, match=r"^Cannot read the timeouts: permission denied\. CAP_NET_ADMIN is needed"):
        made.read_timeouts()
