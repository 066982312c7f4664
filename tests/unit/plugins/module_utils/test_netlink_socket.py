# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection of replies: batches, errors, listings that are interrupted or lost, and rubbish; never a hang.

The socket is scripted here; real ones are in the contract tests.
"""

from __future__ import annotations

import errno
import os
import platform
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsProtocolError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._netlink import socket as netlink
from hypothesis import given
from hypothesis import strategies as st

NLMSG_ERROR, NLMSG_DONE, FAMILY = 2, 3, 30


def message(kind: int, sequence: int, payload: bytes, flags: int = 0) -> bytes:
    data = struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload
    return data + b"\0" * (-len(data) % 4)


def acknowledgement(sequence: int, number: int = 0) -> bytes:
    return message(NLMSG_ERROR, sequence, struct.pack("=i", -number) + b"\0" * 16)


def entry(sequence: int, text: bytes, flags: int = 0) -> bytes:
    return message(FAMILY, sequence, struct.pack("=BBH", 1, 1, 0) + text, flags)


def done(sequence: int, number: int = 0, flags: int = 0) -> bytes:
    return message(NLMSG_DONE, sequence, struct.pack("=i", -number), flags)


Answer = Callable[[int, list[int]], list[bytes | Exception]]


class ScriptedSocket:
    """Replies with ``answer``'s result for the number of the send and its sequence numbers."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.sends: list[list[int]] = []
        self.flags: list[int] = []
        self.queue: list[bytes | Exception] = []

    def send(self, data: bytes) -> None:
        messages = list(netlink._messages(memoryview(data)))
        self.flags += [flags for _kind, flags, _sequence, _message in messages]
        sequences = [sequence for _kind, _flags, sequence, _message in messages]
        self.sends.append(sequences)
        self.queue += self.answer(len(self.sends), sequences)

    def recv_into(self, buffer: bytearray, _size: int, flags: int) -> int:
        assert flags == socket.MSG_TRUNC
        if not self.queue:
            raise BlockingIOError
        item = self.queue.pop(0)
        if isinstance(item, Exception):
            raise item
        room = min(len(item), len(buffer))
        buffer[:room] = item[:room]
        return len(item)

    def recv(self, _size: int, flags: int) -> bytes:
        assert flags == socket.MSG_DONTWAIT
        if not self.queue:
            raise BlockingIOError
        item = self.queue.pop(0)
        return item if isinstance(item, bytes) else b""


def connect(answer: Answer) -> tuple[netlink.NetlinkSocket, ScriptedSocket]:
    scripted = ScriptedSocket(answer)
    made = netlink.NetlinkSocket.__new__(netlink.NetlinkSocket)
    made._socket = scripted  # type: ignore[assignment]
    made._family = FAMILY
    made._sequence = 0
    made._buffer = bytearray(1 << 16)
    made._received = memoryview(made._buffer)
    return made, scripted


def texts(found: list[netlink.Run]) -> list[bytes]:
    return [bytes(run[begin + 20 : begin + length]) for run, length in found for begin in range(0, len(run), length)]


def test_a_listing() -> None:
    made, _scripted = connect(lambda _send, seq: [entry(seq[0], b"aaaa") + entry(seq[0], b"bbbb"), done(seq[0])])
    assert texts(made.dump(4)) == [b"aaaa", b"bbbb"]


@given(
    datagrams=st.lists(st.lists(st.sampled_from([b"aaaa", b"bbbb", b"longer..", b"odd"]), min_size=1, max_size=6), max_size=6),
    multi=st.booleans(),
    strange=st.booleans(),
)
def test_messages_of_equal_length_stay_together(datagrams: list[list[bytes]], multi: bool, strange: bool) -> None:
    def answer(_send: int, seq: list[int]) -> list[bytes | Exception]:
        other = [entry(seq[0] + 1, b"aaaa", 2)] if strange else []
        flags = 2 if multi else 0
        return [b"".join([*(entry(seq[0], text, flags) for text in one), *other]) for one in datagrams] + [done(seq[0], flags=2)]

    made, _scripted = connect(answer)
    found = made.dump(4)
    assert texts(found) == [text for one in datagrams for text in one]
    if multi and not strange:
        alike = [one for one in datagrams if len({len(text) for text in one}) == 1 and len(one[0]) % 4 == 0]
        assert [len(run) // length for run, length in found if len(run) > length] == [len(one) for one in alike if len(one) > 1]


def test_an_interrupted_listing_is_repeated() -> None:
    def answer(send: int, seq: list[int]) -> list[bytes | Exception]:
        flags = 0x10 if send < 3 else 0
        return [entry(seq[0], b"old!" if flags else b"new!", flags), done(seq[0])]

    made, scripted = connect(answer)
    assert texts(made.dump(4)) == [b"new!"]
    assert len(scripted.sends) == 3


def test_a_constantly_interrupted_listing_fails() -> None:
    made, scripted = connect(lambda _send, seq: [done(seq[0], flags=0x10)])
    with pytest.raises(IpvsProtocolError, match="interrupted 20 times in a row"):
        made.dump(4)
    assert len(scripted.sends) == 20


def test_a_listing_with_lost_replies_is_repeated() -> None:
    def answer(send: int, seq: list[int]) -> list[bytes | Exception]:
        if send == 1:
            return [entry(seq[0], b"lost"), OSError(errno.ENOBUFS, "no space"), entry(seq[0], b"rest"), done(seq[0])]
        return [entry(seq[0], b"good"), done(seq[0])]

    made, scripted = connect(answer)
    assert texts(made.dump(4)) == [b"good"]
    assert not scripted.queue


def test_leftover_answers_are_discarded() -> None:
    def answer(_send: int, seq: list[int]) -> list[bytes | Exception]:
        return [OSError(errno.ENOBUFS, "no space"), *(refusal(one, errno.EEXIST) for one in seq)]

    made, scripted = connect(answer)
    with pytest.raises(OSError, match="no space"):
        made.change([(5, b"")] * 9)
    assert not scripted.queue


def test_an_error_ends_a_listing() -> None:
    for answer in (acknowledgement, done):
        made, _scripted = connect(lambda _send, seq, answer=answer: [answer(seq[0], errno.EPERM)])  # type: ignore[misc]
        with pytest.raises(PermissionError):
            made.dump(4)


def test_a_request() -> None:
    made, _scripted = connect(lambda _send, seq: [entry(seq[0], b"text")])
    assert bytes(made.request(15))[20:] == b"text"
    made, _scripted = connect(lambda _send, seq: [acknowledgement(seq[0], errno.ESRCH)])
    with pytest.raises(ProcessLookupError):
        made.request(4)


def test_answers_to_earlier_requests_are_skipped() -> None:
    made, _scripted = connect(lambda _send, seq: [entry(seq[0] + 77, b"what"), entry(seq[0], b"text")])
    assert bytes(made.request(15))[20:] == b"text"


def refusal(sequence: int, number: int) -> bytes:
    return acknowledgement(sequence, number)


def test_changes_go_in_batches_that_end_with_a_question() -> None:
    # The kernel replies to refused commands and to queries. A command that succeeds has no reply.
    made, scripted = connect(lambda _send, seq: [entry(seq[-1], b"info")])
    assert made.change([(5, b"")] * 600) == [0] * 600
    assert [len(one) for one in scripted.sends] == [257, 257, 89]
    assert set(scripted.flags) == {0x01}


def test_nothing_is_sent_after_a_refusal() -> None:
    def answer(_send: int, seq: list[int]) -> list[bytes | Exception]:
        return [refusal(seq[99], errno.EEXIST), refusal(seq[199], errno.ENOENT), refusal(seq[255], errno.ESRCH), entry(seq[-1], b"")]

    made, scripted = connect(answer)
    numbers = made.change([(5, b"")] * 600)
    assert len(numbers) == 256
    assert {index: number for index, number in enumerate(numbers) if number} == {99: errno.EEXIST, 199: errno.ENOENT, 255: errno.ESRCH}
    assert len(scripted.sends) == 1


def test_without_privileges_reading_fails_too() -> None:
    made, _scripted = connect(lambda _send, seq: [refusal(one, errno.EPERM) for one in seq])
    assert made.change([(5, b""), (5, b"")]) == [errno.EPERM, errno.EPERM]


def test_a_change_is_answered_only_if_refused() -> None:
    made, _scripted = connect(lambda _send, seq: [entry(seq[0], b"what")])
    with pytest.raises(IpvsProtocolError, match=f"a message of type {FAMILY} where the kernel should refuse a command"):
        made.change([(5, b"")])


def test_silence_is_an_error() -> None:
    made, _scripted = connect(lambda _send, _seq: [])
    for action in (lambda: made.dump(4), lambda: made.request(4), lambda: made.change([(5, b"")])):
        with pytest.raises(IpvsProtocolError, match="did not answer within 60 seconds"):
            action()


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b"\0" * 8, "the kernel's reply ends in 8 bytes that are no message"),
        (struct.pack("=IHHII", 0, FAMILY, 0, 1, 0), "a netlink message claims 0 bytes where 16 are left"),
        (struct.pack("=IHHII", 20, FAMILY, 0, 1, 0), "a netlink message claims 20 bytes where 16 are left"),
        (message(NLMSG_ERROR, 1, b"\0\0"), "the kernel's error message is cut off"),
    ],
)
def test_an_invalid_reply_is_named(reply: bytes, message: str) -> None:
    for action in ("dump", "request"):
        made, _scripted = connect(lambda _send, _seq: [reply])
        with pytest.raises(IpvsProtocolError, match=message):
            getattr(made, action)(4)
    made, _scripted = connect(lambda _send, _seq: [reply])
    with pytest.raises(IpvsProtocolError, match=message):
        made.change([(5, b"")])


@given(data=st.lists(st.binary(max_size=64), max_size=5), header=st.booleans())
def test_garbage_never_hangs(data: list[bytes], header: bool) -> None:
    def answer(_send: int, seq: list[int]) -> list[bytes | Exception]:
        return [message(NLMSG_ERROR if header else FAMILY, seq[0], one) if header else one for one in data]

    made, _scripted = connect(answer)
    for action in (lambda: made.dump(4), lambda: made.request(4), lambda: made.change([(5, b"")])):
        try:
            action()
        except (IpvsProtocolError, OSError):
            continue


def test_ip_vs_is_not_loaded_by_asking(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(netlink, "PROC_TABLE", str(tmp_path / "missing"))
    with pytest.raises(IpvsUnavailableError, match="ip_vs is not loaded"):
        netlink.NetlinkSocket()


def test_a_kernel_without_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    # This machine has generic netlink, but no family of that name.
    monkeypatch.setattr(netlink, "PROC_TABLE", "/")
    monkeypatch.setattr(netlink, "IPVS_GENL_NAME", "NOSUCHFAMILY")
    with pytest.raises(IpvsUnavailableError, match="does not know the generic netlink family IPVS"):
        netlink.NetlinkSocket()


def test_a_socket_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoMore:
        """pyroute2's socket, where there are as many open files as there may be."""

        closed = 0

        def bind(self, _name: str, _messages: None) -> None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        def close(self) -> None:
            NoMore.closed += 1

    monkeypatch.setattr(netlink, "PROC_TABLE", "/")
    monkeypatch.setattr(netlink, "_generic_netlink_socket", lambda: NoMore)
    with pytest.raises(IpvsUnavailableError, match=r"Cannot open a netlink socket to the kernel's IPVS: .*Too many open files"):
        netlink.NetlinkSocket()
    assert NoMore.closed == 1


SCRIPT = """
import sys
sys.path[:0] = {path!r}
from ansible_collections.lvs.director.plugins.module_utils._netlink import socket as _netlink
print(_netlink._generic_netlink_socket().__name__, len([name for name in sys.modules if name.startswith("pyroute2")]))
import multiprocessing, platform
print(multiprocessing.Process.__name__, platform.architecture()[0])
"""


def run_script(path: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", SCRIPT.format(path=path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_little_of_pyroute2_is_imported() -> None:
    ran = run_script(sys.path)
    assert ran.stdout.split()[0] == "GenericNetlinkSocket"
    assert int(ran.stdout.split()[1]) < 60
    assert ran.stdout.split()[2:] == ["Process", platform.architecture()[0]], "what was kept from pyroute2 is kept from others too"


def test_a_pyroute2_that_needs_all_its_imports(tmp_path: Any) -> None:
    package = tmp_path / "pyroute2"
    (package / "netlink").mkdir(parents=True)
    (package / "__init__.py").write_text("NEEDED = 1\n")
    (package / "netlink" / "__init__.py").write_text("")
    (package / "netlink" / "generic.py").write_text("from pyroute2 import NEEDED\nclass GenericNetlinkSocket: pass\n")
    ran = run_script([str(tmp_path), *sys.path])
    assert ran.stdout.split()[0] == "GenericNetlinkSocket", ran.stderr


def test_missing_pyroute2_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "pyroute2" or name.startswith("pyroute2.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(netlink.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"^No module named 'pyroute2'$") as missing:
        netlink._generic_netlink_socket()
    assert missing.value.name == "pyroute2"


def test_a_reply_that_is_cut_off_is_refused() -> None:
    made, _scripted = connect(lambda send, seq: [entry(seq[0], b"a" * (netlink._RECEIVE_BYTES - 20 + 4 * (send - 1)))])
    assert len(made.request(1)) == netlink._RECEIVE_BYTES
    with pytest.raises(IpvsProtocolError, match=f"a reply of the kernel is longer than {netlink._RECEIVE_BYTES} bytes"):
        made.request(1)
