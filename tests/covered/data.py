# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements: where they are stored, and how they are merged."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage

from tools.checkout import BUILD, ROOT, files
from tools.platforms import platforms

CONFIG = Path(__file__).with_name("plugins.ini")
FOLDER = BUILD / "coverage"
# The unit tests write into it, and each guest's share is a folder of its own.
DATA = FOLDER / "data"


def begin() -> None:
    """Discard earlier measurements, and measure everything from here on."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    DATA.mkdir(parents=True)
    os.environ["COVERAGE_DATA"] = str(DATA)


def shares() -> dict[str, list[Path]]:
    """Return the files of each required source; there may be none."""
    folders = {"the unit tests": DATA, **{f"the scenario modules on {one['name']}": DATA / one["name"] for one in platforms("modules")}}
    return {who: sorted(folder.glob("ran.*")) for who, folder in folders.items()}


def problems(measured: dict[str, list[Path]], sources: list[Path]) -> Iterator[str]:
    """Yield the reasons why the measurements cannot be judged."""
    for who, ran in measured.items():
        if not ran:
            yield f"nothing was measured in {who}: see why it did not run to its end, or run make coverage"
    # Lines would be taken for others.
    oldest = min((path.stat().st_mtime for ran in measured.values() for path in ran), default=0.0)
    for source in sources:
        if source.stat().st_mtime > oldest:
            yield f"{source.relative_to(ROOT)} has changed since it was measured: run make coverage again"


def sources() -> list[Path]:
    """Return every file that is to be covered."""
    return [ROOT / name for name in files() if name.startswith("plugins/") and name.endswith(".py")]


def merged(ran: list[Path], wanted: list[Path], into: Path) -> dict[str, Any]:
    """Merge files of coverage.py and return its report as data; it is also written there, as JSON and HTML."""
    merging = coverage.Coverage(data_file=into / "merged", config_file=CONFIG)
    merging.combine([str(path) for path in ran], strict=True, keep=True)
    # A module that no test imports is in no file, but all its lines count.
    names = [str(path) for path in wanted]
    merging.get_data().touch_files(names)
    # Named, because Ansible puts files of its own into a module's archive.
    merging.html_report(directory=str(into / "html"), include=names)
    merging.json_report(outfile=str(into / "report.json"), include=names)
    report = json.loads((into / "report.json").read_text(encoding="utf-8"))
    assert isinstance(report, dict)
    return report
