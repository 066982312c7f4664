# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show a recorded run as `make demo` shows a real one, without machines.

PYTHONPATH=.cache/installed:tests python3 -m experiment.replay [build/overload.json]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Record

from experiment.live import PAUSE, Live, fits
from experiment.recorded import loaded
from experiment.screen import Display, Screen
from experiment.service import services

RECORDED = Path(__file__).parents[2] / "docs" / "overload.json"
CONTROL = "fo"


def replay(shown: Display, records: Sequence[Record], pause: float = 0.0) -> None:
    """Show the steps. Where the client waited for an answer, pause for so many seconds."""
    for number, record in enumerate(records, 1):
        shown.begin(number, record.step)
        for connection in record.connections:
            time.sleep(pause)
            shown.connected(connection)
        time.sleep(pause)
        shown.outcome(number, record, record.broken, CONTROL)


def main(file: Path = RECORDED, pause: float = PAUSE) -> None:
    service = services()["test"]
    records = loaded(file.read_text(encoding="utf-8"), service)
    with Live(service, sys.stdout, pause) if fits(sys.stdout) else Screen() as shown:
        replay(shown, records, pause / 4)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else RECORDED)
