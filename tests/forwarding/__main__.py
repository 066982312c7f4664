# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure everything, and print it as JSON: `python3 -m forwarding [NAME...]`.

Names are those of ways of forwarding; without one, all.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from pathlib import Path

from .combinations import KINDS, PROTOCOLS, WAYS
from .laboratory import laboratory
from .programs import Programs


def main() -> int:
    only = sys.argv[1:]
    results = []
    with laboratory(Programs(Path("/tmp/forwarding"))) as measure:
        for way in WAYS:
            if only and way.name not in only:
                continue
            for protocol in PROTOCOLS:
                for kind in KINDS:
                    started = time.monotonic()
                    outcome = measure.outcome(way, protocol, kind)
                    said = f"{way.name} {way.virtual} {way.real} {protocol} {kind.name}: {outcome}"
                    print(f"{said} ({time.monotonic() - started:.2f} s)", file=sys.stderr, flush=True)
                    results.append({"way": way, "protocol": protocol, "kind": kind, "outcome": outcome})
    json.dump({"kernel": platform.release(), "results": results}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
