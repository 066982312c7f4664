# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import fcntl
import time
from pathlib import Path

import pytest

from lab import cache
from lab.attempts import attempts
from lab.errors import LabError
from lab.progress import Progress


def test_attempts_end_with_the_last_error() -> None:
    begun = time.monotonic()
    with pytest.raises(LabError, match=r"^the switch did not listen within 0 s$"):
        for _attempt in attempts(0.2, "the switch did not listen", pause=0.05):
            pass
    assert 0.2 <= time.monotonic() - begun < 10


def test_the_first_attempt_is_immediate() -> None:
    for _attempt in attempts(60, "it did not happen", pause=60):
        break


def test_a_lock_that_is_not_released_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LOCK_PATIENCE", 0.3)
    with open(tmp_path / "lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (pytest.raises(LabError, match="images/k: another process builds it, and has not ended within 0 s"),
              cache.lock(tmp_path / "lock", Progress(), "images/k", "another process builds it")):
            raise AssertionError("the lock was taken")
