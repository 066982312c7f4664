# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared fixtures for tests of the lab and of the users of its cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.progress import Progress


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the user's cache."""
    directory = tmp_path / "cache"
    monkeypatch.setenv("LVS_DIRECTOR_CACHE", str(directory))
    return directory


@pytest.fixture
def progress() -> Progress:
    return Progress()
