# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure everything, and print it as JSON.

python3 -m forwarding FOLDER [NAME...]

In the folder are the roles' programs, realserver.py and fwmark.py. Names are those of ways of forwarding.
"""

from __future__ import annotations

import json
import platform
import sys
import time

from ansible_collections.lvs.director.plugins.module_utils._kernel import NetlinkKernel

from .combinations import KINDS, PROTOCOLS, WAYS
from .measure import FWMARKS, MARKED_PORTS, PORT, Measure
from .network import REAL_SERVERS, VIPS, clear, inside, network
from .programs import become, mark
from .servers import serve


def main() -> int:
    folder, *only = sys.argv[1:]
    clear()
    results = []
    with network():
        for name, addresses in REAL_SERVERS.items():
            become(f"{folder}/realserver.py", name)
            serve(name, [*VIPS.values(), *addresses.values()], [PORT, *MARKED_PORTS])
        mark(f"{folder}/fwmark.py", FWMARKS, MARKED_PORTS)
        with inside("director"):
            kernel = NetlinkKernel()
        measure = Measure(kernel)
        for way in WAYS:
            if only and way.name not in only:
                continue
            for protocol in PROTOCOLS:
                for kind in KINDS:
                    started = time.monotonic()
                    outcome = measure.outcome(way, protocol, kind)
                    took = time.monotonic() - started
                    print(f"{way.name} {way.virtual} {way.real} {protocol} {kind.name}: {outcome} ({took:.2f} s)", file=sys.stderr, flush=True)
                    results.append({"way": way, "protocol": protocol, "kind": kind, "outcome": outcome})
    json.dump({"kernel": platform.release(), "results": results}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
