# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A released version is built from its commit; a clone without the commit is an error."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tools import earlier, release
from tools.checkout import ROOT


@pytest.mark.parametrize("version", earlier.COMMITS)
def test_the_earlier_version_is_the_released_one(version: str, tmp_path: Path) -> None:
    earlier.install(version, tmp_path / "installed")
    manifest = json.loads((tmp_path / "installed/ansible_collections/lvs/director/MANIFEST.json").read_text(encoding="utf-8"))
    assert manifest["collection_info"]["version"] == version


def test_a_shallow_clone_reports_the_missing_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = ["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(tmp_path / "clone")]
    subprocess.run(clone, check=True, timeout=60)
    monkeypatch.setattr(release, "ROOT", tmp_path / "clone")
    with pytest.raises(SystemExit, match=r"^release: this clone has no commit [0-9a-f]{40}: .*git fetch --unshallow"):
        release.checked_out(tmp_path / "sources", earlier.COMMITS["0.1.0"])
