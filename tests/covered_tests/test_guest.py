# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from covered import guest


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tarfile.TarFile:
    library = tmp_path / "library"
    (library / "coverage").mkdir(parents=True)
    for name in ("a1_coverage.pth", "coverage/__init__.py", "coverage/tracer.so", "coverage/notes.txt"):
        (library / name).write_text(name)
    monkeypatch.setattr(guest, "library", lambda python: library)
    guest.pack(tmp_path / "guest.tar")
    return tarfile.open(tmp_path / "guest.tar")


def test_every_guest_python_gets_the_library_and_measures(packed: tarfile.TarFile) -> None:
    for python in ("3.11", "3.13"):
        place = f"usr/local/lib/python{python}/dist-packages/"
        names = [name.removeprefix(place) for name in packed.getnames() if name.startswith(place)]
        assert sorted(names) == ["a0_measure_all.pth", "a1_coverage.pth", "coverage/__init__.py", "coverage/tracer.so"]


def test_the_measured_files_exist(packed: tarfile.TarFile) -> None:
    asked: dict[str, str] = {}
    line = guest.ASKED.replace("import os; os.environ.update", "update")
    exec(line, {"update": asked.update})
    assert packed.getmember(asked["COVERAGE_PROCESS_START"].lstrip("/")).size == guest.CONFIG.stat().st_size
    # other users' processes are measured, too
    assert packed.getmember(asked["COVERAGE_DATA"].lstrip("/")).mode == 0o1777
