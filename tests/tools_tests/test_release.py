# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release: its refusals and preparations, and the same bytes from the same commit every time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from tools import artefact, release, reproducible
from tools.checkout import ROOT, files

FRAGMENT = "---\nminor_changes:\n  - ipvs_table - a change that users see.\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own, with a history of one commit and something to release."""
    clone = tmp_path / "clone"
    for name in files():
        target = clone / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    (clone / "changelogs" / "fragments").mkdir(exist_ok=True)
    (clone / "changelogs" / "fragments" / "new.yml").write_text(FRAGMENT)
    (clone / ".cache").mkdir()
    for variable in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{variable}_NAME", "Nobody")
        monkeypatch.setenv(f"{variable}_EMAIL", "nobody@example.org")
    git(clone, "init", "--quiet")
    commit(clone)
    for module in (release, artefact):
        monkeypatch.setattr(module, "ROOT", clone)
    monkeypatch.setattr(release, "BUILD", clone / "build")
    monkeypatch.setattr(release, "CACHE", clone / ".cache")
    # The site is tested elsewhere; here it only has to be in the upload.
    monkeypatch.setattr(release.docs, "build", lambda site: (site.mkdir(), (site / "index.html").write_text("<p>")))
    return clone


def git(clone: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=clone, check=True, stdout=subprocess.DEVNULL)


def commit(clone: Path) -> None:
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "a commit")


def make_release(monkeypatch: pytest.MonkeyPatch, version: str) -> int:
    monkeypatch.setattr(sys, "argv", ["release", version])
    return release.main()


@pytest.mark.parametrize("version", ["", "1.0", "v1.0.0", "1.0.0-rc1", "01.0.0"])
def test_an_invalid_version_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    assert make_release(monkeypatch, version) == 2


def test_uncommitted_changes_are_not_released(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "README.md").write_text("another one")
    assert make_release(monkeypatch, "9.0.0") == 1
    assert not (checkout / "build").exists()


def test_a_release_is_prepared_and_then_built(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_release(monkeypatch, "9.0.0") == 0
    assert "a change that users see" in (checkout / "CHANGELOG.md").read_text()
    assert not list((checkout / "changelogs" / "fragments").glob("*.yml"))
    assert {path.name for path in (checkout / "changelogs").iterdir() if path.is_file()} == {"changelog.yaml", "config.yaml"}
    assert make_release(monkeypatch, "9.0.0") == 1, "it is not committed yet"
    commit(checkout)
    capsys.readouterr()
    assert make_release(monkeypatch, "9.0.0") == 0
    folder = checkout / "build" / "release" / "9.0.0"
    assert {path.name for path in folder.iterdir()} == {"CHANGELOG.md", "SHA256SUMS", "docs-9.0.0.tar.gz", "lvs-director-9.0.0.tar.gz"}
    assert "ansible-galaxy collection publish build/release/9.0.0/lvs-director-9.0.0.tar.gz" in capsys.readouterr().out
    with tarfile.open(folder / "lvs-director-9.0.0.tar.gz") as archive:
        assert "CHANGELOG.md" in archive.getnames()
    sums = (folder / "SHA256SUMS").read_text()
    assert make_release(monkeypatch, "9.0.0") == 0
    assert (folder / "SHA256SUMS").read_text() == sums


def test_the_changelog_lists_everything_new(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new module, filter or role is found by its version_added; a playbook is named by a fragment."""
    kinds = {"plugins/modules": "*.py", "plugins/filter": "*.py", "playbooks": "*.yml", "roles": "*/meta/argument_specs.yml"}
    content = [path for kind, pattern in kinds.items() for path in (ROOT / kind).glob(pattern)]
    output = (re.findall(r"^ *version_added: (\S+)$", path.read_text(), re.MULTILINE) for path in content)
    version = max((one for versions in output for one in versions), key=lambda one: [int(number) for number in one.split(".")])
    if version not in release.released():
        assert make_release(monkeypatch, version) == 0
    listed = set(re.findall(r"^\* lvs\.director\.(\w+) - ", (checkout / "CHANGELOG.md").read_text().replace("\\", ""), re.MULTILINE))
    assert listed == {path.relative_to(ROOT).parts[1] if path.parts[-2] == "meta" else path.stem for path in content}


def test_without_a_fragment_there_is_nothing_to_release(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (checkout / "changelogs" / "fragments").glob("*.yml"):
        path.unlink()
    commit(checkout)
    with pytest.raises(SystemExit, match="nothing to release"):
        make_release(monkeypatch, "9.0.0")


def test_only_times_and_order_may_differ(tmp_path: Path) -> None:
    """Two directories with the same files in another order and of other times, and a third one with another word."""
    made = []
    for number, (order, word) in enumerate(((1, "word"), (-1, "word"), (1, "other"))):
        source = tmp_path / str(number)
        source.mkdir()
        (source / "galaxy.yml").write_text(
            yaml.safe_dump({"namespace": "a", "name": "b", "version": "1.0.0", "readme": "README.md", "authors": ["A"]})
        )
        for name in [*[f"file{each}" for each in range(30)][::order], "README.md"]:
            (source / name).write_text(word if name == "file7" else name)
            os.utime(source / name, (number, number))
        artefact.quietly("ansible-galaxy", "collection", "build", "--output-path", tmp_path, "--force", source)
        made.append(reproducible.rewritten(tmp_path / "a-b-1.0.0.tar.gz", 1_700_000_000))
    assert made[0] == made[1] != made[2]
    (tmp_path / "a-b-1.0.0.tar.gz").write_bytes(made[0])
    with tarfile.open(tmp_path / "a-b-1.0.0.tar.gz") as archive:
        assert archive.getnames()[:2] == ["MANIFEST.json", "FILES.json"]
    # Once installed, each file still has the checksum of the manifest.
    artefact.install(tmp_path / "a-b-1.0.0.tar.gz", tmp_path / "installed")
    artefact.quietly("ansible-galaxy", "collection", "verify", "--offline", "-p", tmp_path / "installed", "a.b")
