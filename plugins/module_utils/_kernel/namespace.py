# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Act inside of another network namespace. A socket stays in the namespace in which it was opened."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

_CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """Be in a named network namespace during the block.

    :raises IpvsUnavailableError: there is none of that name.
    """
    try:
        own, other = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC), -1
        try:
            other = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
            _setns(other)
            try:
                yield
            finally:
                _setns(own)
        finally:
            os.close(own)
            if other >= 0:
                os.close(other)
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot enter the network namespace {name}: {exc.strerror}") from exc


def _setns(file: int) -> None:
    # os.setns came with Python 3.12.
    if ctypes.CDLL(None, use_errno=True).setns(file, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
