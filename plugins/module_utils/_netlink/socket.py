# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The connection to the kernel: pyroute2 opens the socket and resolves the family; messages are sent and collected here.

The only file that imports pyroute2. It uses ``GenericNetlinkSocket``'s constructor, ``bind``, ``fileno`` and ``close``, which are the
same from 0.7.2 to 0.9.x, and neither its message classes nor, from 0.9 on, its asyncio loop.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import importlib.util
import os
import platform
import socket
import struct
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsNotReadyError, IpvsProtocolError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import (
    IPVS_CMD_GET_INFO,
    IPVS_GENL_NAME,
    IPVS_GENL_VERSION,
    MESSAGE_HEADERS,
)

# Exists in a network namespace exactly while ip_vs is loaded.
PROC_TABLE = "/proc/net/ip_vs"

_NETLINK_GENERIC = 16
_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10

_NLM_F_REQUEST = 0x01
_NLM_F_MULTI = 0x02
_NLM_F_DUMP_INTR = 0x10  # in replies
_NLM_F_DUMP = 0x300

_NLMSG_NOOP = 1
_NLMSG_ERROR = 2
_NLMSG_DONE = 3

_NLMSGHDR = struct.Struct("=IHHII")
_MESSAGE = struct.Struct("=IHHIIBBH")  # a netlink header and a generic netlink header
_INT = struct.Struct("=i")
_DONE = struct.Struct("=IHHIIi")
_TIMEVAL = struct.Struct("@ll")

# The kernel answers at once, unless it waits for its own locks and grace periods.
_TIMEOUT = 60.0
# The largest message of a dump is 32 KiB.
_RECEIVE_BYTES = 1 << 16
# While the kernel works off a batch, refusals queue up in the socket's receive buffer: some 800 bytes each, of 208 KiB by default.
_BATCH = 256
# A dump restarts if the table changed in the meantime. After this many restarts, another program is changing it constantly.
_DUMP_ATTEMPTS = 20

Command = tuple[int, bytes]


class Run(NamedTuple):
    """Consecutive messages of the same length."""

    data: bytes
    length: int


# Ends a batch.
_MARK: Command = (IPVS_CMD_GET_INFO, b"")


class DumpInterrupted(Exception):
    """The table changed during the listing, which may lack entries or have some twice."""


def _generic_netlink_socket() -> Any:
    """Return pyroute2's GenericNetlinkSocket class.

    ``import pyroute2`` imports nearly all of the library. A package object without the library's own ``__init__`` allows to import
    the submodules alone, in a tenth of the time, at each task.
    """
    if "pyroute2" not in sys.modules:
        spec = importlib.util.find_spec("pyroute2")
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError("No module named 'pyroute2'", name="pyroute2")
        package = types.ModuleType("pyroute2")
        package.__spec__ = spec
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["pyroute2"] = package
        try:
            with _without_costly_imports():
                return importlib.import_module("pyroute2.netlink.generic").GenericNetlinkSocket
        except (ImportError, AttributeError):
            # The submodules of this version need what its __init__ does, or what _without_costly_imports() takes from them.
            for name in [name for name in sys.modules if name == "pyroute2" or name.startswith("pyroute2.")]:
                del sys.modules[name]
    return importlib.import_module("pyroute2.netlink.generic").GenericNetlinkSocket


@contextlib.contextmanager
def _without_costly_imports() -> Iterator[None]:
    """Keep pyroute2's settings from importing multiprocessing and from starting a process to learn what python3 was built for.

    Both take half of the import's time, and nothing here needs them.
    """
    names = ("Pipe", "Queue", "Process")
    stub = types.ModuleType("multiprocessing")
    for name in names:
        setattr(stub, name, None)
    spare = "multiprocessing" not in sys.modules
    architecture = platform.architecture
    platform.architecture = lambda *_arguments, **_options: ("", "")
    if spare:
        sys.modules["multiprocessing"] = stub
    try:
        yield
    finally:
        platform.architecture = architecture
        if spare:
            del sys.modules["multiprocessing"]


class _Listing:
    """What all listings with the same sequence number share."""

    def __init__(self, family: int, sequence: int, command: int) -> None:
        self.sequence = sequence
        self.end = b""  # the message that ends a listing, as received before
        self._family = family
        self._command = command
        self._headers: dict[int, bytes] = {}

    def question(self, payload: bytes) -> bytes:
        """Return the message that asks for the listing."""
        size = len(payload)
        header = self._headers.get(size)
        if header is None:
            length, flags = _MESSAGE.size + size, _NLM_F_REQUEST | _NLM_F_DUMP
            header = _MESSAGE.pack(length, self._family, flags, self.sequence, 0, self._command, IPVS_GENL_VERSION, 0)
            self._headers[size] = header
        return header + payload

    def message_length(self, data: bytes) -> int:
        """Return the length of each message of a datagram if all are of this listing and equally long, or 0."""
        header = data[: _NLMSGHDR.size]
        length, kind, flags, answered, _port = _NLMSGHDR.unpack(header.ljust(_NLMSGHDR.size, b"\0"))
        if (kind, flags, answered) != (self._family, _NLM_F_MULTI, self.sequence):
            return 0
        if length < MESSAGE_HEADERS or length % 4 or len(data) % length:
            return 0
        count = len(data) // length
        return length if _headers(length, count).unpack(data) == (header,) * count else 0


@lru_cache(maxsize=256)
def _headers(length: int, count: int) -> struct.Struct:
    """Return what unpacks the headers of that many messages of that length."""
    return struct.Struct(f"16s{length - 16}x" * count)


class NetlinkSocket:
    """A socket to the kernel's IPVS family.

    :raises ImportError: pyroute2 is missing.
    :raises IpvsUnavailableError: the kernel has no IPVS (now).
    """

    def __init__(self) -> None:
        socket_class = _generic_netlink_socket()
        # Resolving the family makes the kernel load ip_vs, which modules must not do.
        if not os.path.exists(PROC_TABLE):
            raise IpvsNotReadyError(
                f"IPVS is not available: {PROC_TABLE} does not exist, so the kernel module ip_vs is not loaded. "
                "Load it (modprobe ip_vs, or the role lvs.director.ipvs_director)"
            )
        owner = socket_class()
        try:
            owner.bind(IPVS_GENL_NAME, None)
            self._family = int(owner.prid)
            self._socket = socket.fromfd(owner.fileno(), socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC)
            # Any process may send to a netlink socket; one connected to the kernel receives from nobody else.
            self._socket.connect((0, 0))
        except Exception as exc:
            owner.close()
            if getattr(exc, "code", None) == errno.ENOENT:
                raise IpvsUnavailableError(
                    "IPVS is not available: the kernel does not know the generic netlink family IPVS, although ip_vs seems to be loaded"
                ) from exc
            raise IpvsUnavailableError(f"Cannot open a netlink socket to the kernel's IPVS: {exc}") from exc
        self._owner = owner
        self._sequence = 0
        self._buffer = bytearray(_RECEIVE_BYTES)
        self._received = memoryview(self._buffer)
        # The kernel's own timeout: Python's costs a poll() before each call.
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(int(_TIMEOUT), 0))
        # Refusals without a copy of the request.
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        self._owner.close()

    def request(self, command: int, payload: bytes = b"") -> bytes:
        """Send a command that has one reply, and return that, headers included.

        :raises OSError: the kernel's error.
        """
        sequence = self._send([(command, payload)])
        for kind, message in self._replies(sequence, sequence):
            if kind == _NLMSG_ERROR:
                _raise_error(message)
            else:
                return bytes(message)
        raise IpvsProtocolError(f"the kernel ended its reply to command {command} before it began")

    def dump(self, command: int, payload: bytes = b"") -> list[Run]:
        """Return the messages of a dump, including headers. Restarts if the table changed in the meantime.

        :raises OSError: the kernel's error.
        :raises IpvsProtocolError: it changed each time.
        """
        return next(self.dump_each(command, (payload,)))

    def dump_each(self, command: int, payloads: Iterable[bytes]) -> Iterator[list[Run]]:
        """Yield what ``dump`` returns, for each payload.

        A listing takes three system calls, and each service has one. All share a sequence number: the headers of all messages, and the
        message that ends a listing, are then the same bytes, and one comparison checks them.
        """
        listing = _Listing(self._family, self._new_sequence(), command)
        for payload in payloads:
            for _attempt in range(_DUMP_ATTEMPTS):
                try:
                    runs = self._dump_once(listing, payload)
                    break
                except DumpInterrupted:
                    pass
                except OSError as exc:
                    if exc.errno != errno.ENOBUFS:
                        raise
                # Messages left over from this attempt have another number.
                listing = _Listing(self._family, self._new_sequence(), command)
            else:
                raise IpvsProtocolError(f"listing the table was interrupted {_DUMP_ATTEMPTS} times in a row: something keeps changing it")
            yield runs

    def _new_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def _dump_once(self, listing: _Listing, payload: bytes) -> list[Run]:
        self._socket.send(listing.question(payload))
        found: list[Run] = []
        interrupted = 0
        while True:
            data = bytes(self._receive())
            # Most listings are one datagram of messages of one length, and one with the end.
            if data == listing.end and not interrupted:
                return found
            length = listing.message_length(data)
            if length:
                found.append(Run(data, length))
                continue
            for kind, flags, answered, message in _messages(memoryview(data)):
                if answered != listing.sequence or kind == _NLMSG_NOOP:
                    continue
                interrupted |= flags & _NLM_F_DUMP_INTR
                if kind == _NLMSG_ERROR:
                    _raise_error(message)
                elif kind != _NLMSG_DONE:
                    found.append(Run(bytes(message), len(message)))
                    continue
                elif len(message) >= _NLMSGHDR.size + _INT.size:
                    _raise_error(message)
                if interrupted:
                    raise DumpInterrupted
                if len(message) == len(data) and flags == _NLM_F_MULTI:
                    listing.end = data
                return found

    def change(self, commands: Iterable[Command]) -> list[int]:
        """Send commands that change something in their order, a batch of them in each datagram.

        Return the error number of each, or 0. The kernel goes on after a command that it refuses, to the end of the batch. Batches after
        that are not sent, and have no numbers in the result.

        No command asks for an acknowledgement. The kernel answers those that it refuses, and the question that ends the batch: its answer
        says that all commands before it are done. (An acknowledgement does not: the kernel sends none for an interrupted command.)
        """
        results: list[int] = []
        remaining = iter(commands)
        while batch := list(islice(remaining, _BATCH)):
            mark = self._send([*batch, _MARK])
            codes = [0] * len(batch)
            first = mark - len(batch)
            for kind, message in self._replies(first, mark):
                if self._reply_sequence == mark:
                    break
                if kind != _NLMSG_ERROR:
                    raise IpvsProtocolError(f"a message of type {kind} where the kernel should refuse a command")
                codes[self._reply_sequence - first] = -_error_code(message)
            results += codes
            if any(codes):
                break
        return results

    def _send(self, commands: Sequence[Command]) -> int:
        """Send commands in one go and return the sequence number of the last one."""
        first, size, family, pack = self._sequence + 1, _MESSAGE.size, self._family, _MESSAGE.pack
        parts = [
            pack(size + len(payload), family, _NLM_F_REQUEST, sequence, 0, command, IPVS_GENL_VERSION, 0) + payload
            for sequence, (command, payload) in enumerate(commands, first)
        ]
        self._sequence += len(parts)
        self._socket.send(b"".join(parts))
        return self._sequence

    def _replies(self, first: int, last: int) -> Iterator[tuple[int, memoryview]]:
        """Yield type and text of the messages with these sequence numbers, without end; skip leftovers of earlier requests."""
        while True:
            data = self._receive()
            for kind, _flags, sequence, message in _messages(data):
                if not first <= sequence <= last or kind == _NLMSG_NOOP:
                    continue
                self._reply_sequence = sequence
                yield kind, message

    def _receive(self) -> memoryview:
        """Return the next datagram. It is valid until the next call."""
        try:
            # With MSG_TRUNC the kernel returns the length of the datagram, even if the buffer is smaller.
            size = self._socket.recv_into(self._buffer, 0, socket.MSG_TRUNC)
        except BlockingIOError as exc:
            raise IpvsProtocolError(f"the kernel did not answer within {_TIMEOUT:.0f} seconds") from exc
        except OSError as exc:
            if exc.errno == errno.ENOBUFS:
                # The receive buffer was full, and answers are lost. The rest is useless, and takes up space.
                self._drain()
            raise
        if size > _RECEIVE_BYTES:
            raise IpvsProtocolError(f"a reply of the kernel is longer than {_RECEIVE_BYTES} bytes")
        return self._received[:size]

    def _drain(self) -> None:
        """Discard queued messages."""
        while True:
            try:
                self._socket.recv(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError as exc:
                if exc.errno != errno.ENOBUFS:
                    raise


def _messages(data: memoryview) -> Iterator[tuple[int, int, int, memoryview]]:
    """Yield type, flags, sequence number and the whole of each netlink message.

    :raises IpvsProtocolError: a length does not fit.
    """
    offset = 0
    while offset < len(data):
        left = len(data) - offset
        if left < _NLMSGHDR.size:
            raise IpvsProtocolError(f"the kernel's reply ends in {left} bytes that are no message")
        length, kind, flags, sequence, _port = _NLMSGHDR.unpack_from(data, offset)
        if not _NLMSGHDR.size <= length <= left:
            raise IpvsProtocolError(f"a netlink message claims {length} bytes where {left} are left")
        yield kind, flags, sequence, data[offset : offset + length]
        offset += (length + 3) & ~3


def _error_code(message: memoryview) -> int:
    if len(message) < _NLMSGHDR.size + _INT.size:
        raise IpvsProtocolError("the kernel's error message is cut off")
    return int(_INT.unpack_from(message, _NLMSGHDR.size)[0])


def _raise_error(message: memoryview) -> None:
    code = -_error_code(message)
    if code:
        raise OSError(code, os.strerror(code))
