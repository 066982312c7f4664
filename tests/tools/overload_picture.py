# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw docs/overload.svg and docs/demo.svg from docs/overload.json.

PYTHONPATH=.cache/installed:tests python3 -m tools.overload_picture

`make demo` leaves the data of its run in build/overload.json.
"""

from __future__ import annotations

from pathlib import Path

from experiment.animation import animated
from experiment.picture import draw
from experiment.recorded import loaded
from experiment.service import services
from tools.checkout import ROOT

DATA = ROOT / "docs" / "overload.json"
PICTURE = ROOT / "docs" / "overload.svg"
ANIMATION = ROOT / "docs" / "demo.svg"


def draw_all(folder: Path = DATA.parent) -> None:
    """Draw the recorded run: as one picture, and step by step."""
    service = services()["test"]
    records = loaded(DATA.read_text(encoding="utf-8"), service)
    draw(service, records, folder / PICTURE.name)
    (folder / ANIMATION.name).write_text(animated(service, records), encoding="utf-8")


if __name__ == "__main__":
    draw_all()
