# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Run a function in a process and a network namespace of its own.

The namespace has no name and no file: when its process ends, for whatever reason, the kernel removes the namespace with everything in
it. When the waiting parent ends, even by SIGKILL, the kernel kills the child.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import time
import traceback
from collections.abc import Callable
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsExperimentError, IpvsUnavailableError

NAMESPACE = "/proc/self/ns/net"

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_IFREQ = struct.Struct("=16sH22x")
_CHUNK = 1 << 16

Answer = dict[str, Any]


def run_in_namespace(work: Callable[[], Answer], limit: float) -> Answer:
    """Run a function in a process and a network namespace of its own, and return its answer.

    :param work: runs with no interface but loopback, and returns an answer that can be JSON.
    :param limit: seconds until the process is killed.
    :raises IpvsError: the function raised it, or could not be run.
    """
    parent, outside = os.getpid(), os.stat(NAMESPACE).st_ino
    source, sink = os.pipe()
    child = os.fork()
    if not child:
        os.close(source)
        _run_child(work, sink, parent, outside)
    os.close(sink)
    try:
        received = _read(source, limit)
    finally:
        os.close(source)
        os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
    if received is None:
        raise IpvsExperimentError(f"The self-test took more than {limit:.0f} seconds, and was ended")
    if not received:
        raise IpvsExperimentError(
            f"The self-test's process was ended by signal {os.WTERMSIG(status)} from outside (dmesg says whether memory ran out)"
        )
    answer: Answer = json.loads(received)
    if "failed" in answer:
        raise IpvsExperimentError(answer["failed"])
    if "crashed" in answer:
        raise RuntimeError(answer["crashed"])
    return answer


def _read(source: int, limit: float) -> Optional[bytes]:
    """Read until the pipe is closed; return None if that takes longer than the limit."""
    received, end = b"", time.monotonic() + limit
    while select.select([source], [], [], max(0.0, end - time.monotonic()))[0]:
        chunk = os.read(source, _CHUNK)
        if not chunk:
            return received
        received += chunk
    return None


def _run_child(work: Callable[[], Answer], sink: int, parent: int, outside: int) -> None:
    """Run the function and send its answer, in the child process. Never returns."""
    answer: Answer = {}
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        # A module's output is its result: this process must not print to it.
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        _leave(libc, outside)
        answer = work()
    except IpvsError as exc:
        answer = {"failed": str(exc)}
    except BaseException:
        answer = {"crashed": traceback.format_exc()}
        raise
    finally:
        with open(sink, "wb") as pipe:
            pipe.write(json.dumps(answer).encode())
        # Not sys.exit: the parent's exit handlers must not run here.
        os._exit(0)


def _leave(libc: ctypes.CDLL, outside: int) -> None:
    """Enter a new network namespace, and bring its loopback up: IPVS needs a route to every destination."""
    if libc.unshare(_CLONE_NEWNET):
        number = ctypes.get_errno()
        reason = {
            errno.EPERM: "CAP_SYS_ADMIN is needed: run the task as root (become: true), and not in a container",
            errno.ENOSPC: "there are as many as the sysctl user.max_net_namespaces allows",
            errno.EINVAL: "this kernel has none (CONFIG_NET_NS)",
        }.get(number, os.strerror(number))
        raise IpvsUnavailableError(f"Cannot make a network namespace for the self-test: {reason} ({errno.errorcode.get(number, number)})")
    # Make sure, because the following must never happen in the machine's own namespace.
    if os.stat(NAMESPACE).st_ino == outside:
        raise IpvsExperimentError("The self-test is not in a network namespace of its own, although the kernel said so. Nothing was done")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", _IFF_UP))
