# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written completely or not at all, and only root can read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._persist.files import replacement


def test_the_file_exists_after_the_block(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    with replacement(str(path), "first\n"):
        assert not path.exists()
    with replacement(str(path), "second\n"):
        assert path.read_text() == "first\n"
    assert path.read_text() == "second\n"
    assert [(one.name, one.stat().st_mode & 0o777) for one in path.parent.iterdir()] == [("state.json", 0o600)]
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_error_in_the_block_is_raised_and_leaves_the_file_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("first\n")
    with pytest.raises(ZeroDivisionError), replacement(str(path), "second\n"):
        raise ZeroDivisionError
    assert path.read_text() == "first\n"
    assert list(tmp_path.iterdir()) == [path]
