# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""The kernel's listings of connections in /proc, line by line."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

# Exist in a network namespace exactly while ip_vs is loaded. Anybody may read them.
CONNECTIONS = "/proc/net/ip_vs_conn"
CONNECTIONS_WITH_ORIGIN = "/proc/net/ip_vs_conn_sync"


def listing(path: str) -> Iterator[bytes]:
    """Yield the lines of a listing while they are read: one page of the kernel's is in memory, however long it is.

    :raises IpvsUnavailableError: it is not there, or cannot be read.
    """
    try:
        with open(path, "rb") as lines:
            yield from lines
    except FileNotFoundError as exc:
        raise IpvsUnavailableError(
            f"IPVS is not available: {path} does not exist, so the kernel module ip_vs is not loaded. "
            "Load it (modprobe ip_vs, or the role lvs.director.ipvs_director)"
        ) from exc
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot read {path}: {os.strerror(exc.errno or 0)}") from exc
