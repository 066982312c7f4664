# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Persistent files: their paths, contents and atomic replacement.

``contract.Store`` is the interface for the layers above. If the table's file exists, every run keeps it in sync with the kernel;
the module ``ipvs_boot`` creates it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import NOT_ROOT, IpvsUnavailableError

DIRECTORY = "/var/lib/lvs.director"
VOLATILE_DIRECTORY = "/run/lvs.director"
# The table that is restored at boot, in the format of ``format``.
TABLE = f"{DIRECTORY}/table.json"
# Names of the services that were restored with the fallback scheduler because their own was missing.
FALLBACK = f"{VOLATILE_DIRECTORY}/fallback"
# Empty files with a module's name after this; their times are those at which the modules last ran.
LAST_RUN = "last-run-"
# Not in Python's socket module.
_SO_NETNS_COOKIE = 71


class MachineStore:
    """The files of this machine, in the network namespace of this process."""

    def read_table(self) -> Optional[str]:
        if other_namespace() is not None:
            return None
        try:
            with open(TABLE, encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except PermissionError as exc:
            raise IpvsUnavailableError(f"Cannot read {TABLE}: {exc.strerror}. {NOT_ROOT}") from exc
        except (OSError, ValueError) as exc:
            raise damaged(exc) from exc

    @contextlib.contextmanager
    def replace_table(self, text: str) -> Iterator[None]:
        try:
            with replacement(TABLE, text):
                yield
        except OSError as exc:
            raise IpvsUnavailableError(f"Cannot write {TABLE}, from which the table is restored at boot: {exc}") from exc

    def read_fallback(self) -> frozenset[str]:
        try:
            with open(FALLBACK, encoding="ascii") as file:
                return frozenset(file.read().splitlines())
        except FileNotFoundError:
            return frozenset()
        except PermissionError as exc:
            raise IpvsUnavailableError(f"Cannot read {FALLBACK}: {exc.strerror}. {NOT_ROOT}") from exc
        except (OSError, ValueError) as exc:
            raise IpvsUnavailableError(f"Cannot read {FALLBACK}: {exc}") from exc

    def write_fallback(self, names: frozenset[str]) -> None:
        if not names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(FALLBACK)
            return
        with replacement(FALLBACK, "".join(f"{name}\n" for name in sorted(names))):
            pass

    def record_run(self, module: str) -> None:
        if other_namespace() is not None or not os.path.exists(TABLE):
            return
        path = os.path.join(os.path.dirname(TABLE), LAST_RUN + module)
        with contextlib.suppress(OSError), open(path, "wb"):  # only metrics need it
            os.utime(path)

    def read_runs(self) -> dict[str, float]:
        found = {}
        for path in last_run_paths(TABLE):
            with contextlib.suppress(FileNotFoundError):  # it is being removed
                found[os.path.basename(path)[len(LAST_RUN) :]] = os.stat(path).st_mtime
        return found

    def read_daemon_index(self, state: str) -> Optional[int]:
        try:
            with open(daemon_index_path(state), encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None  # used only to notice a change

    def write_daemon_index(self, state: str, index: Optional[int]) -> None:
        path = daemon_index_path(state)
        try:
            if index is None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            else:
                with replacement(path, f"{index}\n"):
                    pass
        except OSError as exc:
            raise IpvsUnavailableError(f"Cannot write {path}: {exc}") from exc


def last_run_paths(table: str) -> list[str]:
    """Return the files beside the saved table whose times are those at which modules last ran."""
    directory = os.path.dirname(table)
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [os.path.join(directory, name) for name in names if name.startswith(LAST_RUN)]


def damaged(reason: object) -> IpvsUnavailableError:
    """Return the error for an unreadable saved table."""
    return IpvsUnavailableError(
        f"Cannot read {TABLE}, from which the table is restored at boot: {reason}. Nothing was changed. Mend the file; or "
        "remove it, run the role lvs.director.ipvs_director, which makes a new one, and the other tasks of this collection "
        "that changed this machine"
    )


def quiescent_path() -> str:
    """Return the file of quiescent destinations in the network namespace of this process."""
    return _path("quiescent")


def former_quiescent_path() -> str:
    """Return the same of earlier versions."""
    return _path("drained")


def has_quiescent() -> bool:
    """Return whether there is such a file."""
    return os.path.exists(quiescent_path()) or os.path.exists(former_quiescent_path())


def _path(name: str) -> str:
    namespace = other_namespace()
    return f"{DIRECTORY}/{name}.json" if namespace is None else f"{VOLATILE_DIRECTORY}/{name}-{namespace}.json"


def daemon_index_path(state: str) -> str:
    """Return the file of the index of a sync daemon's interface, in the network namespace of this process."""
    namespace = other_namespace()
    return f"{VOLATILE_DIRECTORY}/sync-{state}{f'-{namespace}' if namespace else ''}"


def other_namespace() -> Optional[str]:
    """Return a name for this process's network namespace, None in the machine's own.

    Other namespaces and their tables do not survive a reboot. The kernel gives each a unique cookie. Before Linux 5.14 there is
    no cookie; the inode number is used instead, which a later namespace may get again.
    """
    own = os.stat("/proc/self/ns/net").st_ino
    try:
        first = os.stat("/proc/1/ns/net").st_ino
    except OSError:
        first = own
    if own == first:
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as any_socket:
            return f"cookie-{int.from_bytes(any_socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8), sys.byteorder)}"
    except OSError:
        return str(own)


@contextlib.contextmanager
def replacement(path: str, text: str, mode: int = 0o600) -> Iterator[None]:
    """Write a file's new content to disk, and put it in place if the block succeeds.

    Errors occur before the block; only the rename is left for its end. Readers see either the old or the new content.

    :raises OSError: it cannot be written.
    """
    directory = os.path.dirname(path)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    number, fresh = tempfile.mkstemp(dir=directory, prefix=f".{os.path.basename(path)}-")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            os.fchmod(number, mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise
    place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)
