# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of it together: the network, real servers that answer, a director that marks packets, and the measurements."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel

from .measure import FWMARKS, MARKED_PORTS, PORT, Measure
from .network import REAL_SERVERS, VIPS, clear, inside, network
from .programs import Programs
from .servers import serve


@contextlib.contextmanager
def laboratory(programs: Programs) -> Iterator[Measure]:
    """Set it up for the duration of the block, after removing the remains of earlier runs."""
    clear()
    with network():
        for name, addresses in REAL_SERVERS.items():
            programs.real_server(name)
            serve(name, [*VIPS.values(), *addresses.values()], [PORT, *MARKED_PORTS])
        programs.mark(FWMARKS, MARKED_PORTS)
        with inside("director"):
            kernel = NetlinkKernel()
        yield Measure(kernel)
