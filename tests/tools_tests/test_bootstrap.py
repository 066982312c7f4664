# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.checkout import ROOT

SCRIPT = "tests/tools/bootstrap.sh"


def test_does_nothing_if_everything_is_installed() -> None:
    ended = subprocess.run([ROOT / SCRIPT], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ended.stdout + ended.stderr == ""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout on a machine that lacks one package; commands that would change the machine only say so."""
    for name in (SCRIPT, "tests/requirements.txt", "tests/constraints.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / "tests/packages.txt").write_text("# a comment\n\nthere         is there\nmissing       what it is for\n")
    return tmp_path


def run(bare: Path, *lists: str, **commands: str) -> subprocess.CompletedProcess[str]:
    tools = bare / "bin"
    tools.mkdir()
    for name, does in {"dpkg-query": '[ "$4" = there ] && echo installed', "apt-get": 'echo "apt-get $*"', **commands}.items():
        (tools / name).write_text(f"#!/bin/sh\n{does}\n")
        (tools / name).chmod(0o755)
    for name in ("grep", "cat", "cut", "sha256sum", "dirname", "env", "sed", "tr", "rm", "mkdir", "tail"):
        (tools / name).symlink_to(shutil.which(name) or name)
    # .venv counts as complete, so only packages matter
    wanted = subprocess.run(
        ["sh", "-c", "cat tests/requirements.txt tests/constraints.txt | sha256sum | cut -d ' ' -f 1"],
        cwd=bare,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    python = subprocess.run(["/usr/bin/python3", "-V"], check=True, capture_output=True, text=True).stdout.strip().replace(" ", "-")
    (bare / ".venv").mkdir()
    (bare / ".venv/made-from").write_text(f"{wanted}-{python}\n")
    return subprocess.run(
        [bare / SCRIPT, *lists],
        env={**os.environ, "PATH": str(tools)},
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_root_installs_missing_packages_and_explains_first(bare: Path) -> None:
    ended = run(bare, id="echo 0")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("bootstrap: installing Debian packages")
    assert lines[1].split(maxsplit=1) == ["missing", "what it is for"]
    assert len(lines) == 2
    update, install = (bare / ".cache/apt.log").read_text().splitlines()
    assert update.endswith(" update")
    assert install.endswith(" install --no-install-recommends missing")


def test_a_target_may_need_more(bare: Path) -> None:
    (bare / "tests/packages-more.txt").write_text("more          what else\nthere         is there\n")
    ended = run(bare, "tests/packages-more.txt", id="echo 0")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].split(maxsplit=1) == ["more", "what else"]
    assert (bare / ".cache/apt.log").read_text().endswith(" install --no-install-recommends more\n")


def test_a_user_installs_through_sudo(bare: Path) -> None:
    ended = run(bare, id="echo 1000", sudo='echo "sudo: $*"')
    assert ended.returncode == 0, ended.stderr
    for line in (bare / ".cache/apt.log").read_text().splitlines():
        assert line.startswith("sudo: env DEBIAN_FRONTEND=noninteractive apt-get")


def test_a_user_without_sudo_is_told_what_root_must_do(bare: Path) -> None:
    ended = run(bare, id="echo 1000")
    assert ended.returncode == 1
    assert "apt-get install --no-install-recommends missing" in ended.stderr


def test_an_apt_failure_is_reported(bare: Path) -> None:
    ended = run(bare, id="echo 0", **{"apt-get": 'echo "E: $*"; [ "${*#*update}" != "$*" ] || exit 100'})
    assert ended.returncode == 1
    assert "could not install: missing" in ended.stderr
    assert "install --no-install-recommends missing\n" in ended.stderr
