# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw docs/overload.svg from docs/overload.json: `python3 -m tools.overload_picture`, with .cache/installed in PYTHONPATH.

`make demo` leaves the data of its run in build/overload.json.
"""

from __future__ import annotations

from pathlib import Path

from experiment.picture import draw
from experiment.recorded import loaded
from experiment.service import services
from tools.checkout import ROOT

DATA = ROOT / "docs" / "overload.json"
PICTURE = ROOT / "docs" / "overload.svg"


def draw_all(picture: Path = PICTURE) -> None:
    """Draw the recorded run."""
    service = services()["test"]
    draw(service, loaded(DATA.read_text(encoding="utf-8"), service), picture)


if __name__ == "__main__":
    draw_all()
