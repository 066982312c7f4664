# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment, with scripts in place of pip's packages."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from controllers import environments
from controllers.versions import VERSIONS
from lab import cache
from lab.errors import LabError
from lab.progress import Progress

# As pip writes them: with the Python of their virtual environment in the first line.
SCRIPT = "#!{python}\nsaid {name}\n"
PYTHON = '#!/bin/sh\necho "$(basename "$0") $(tail -n 1 "$1") with $2, first on PATH $(command -v ansible-playbook)"\n'


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Nothing is installed; the commands are listed."""
    listed: list[tuple[str, ...]] = []

    def run(_name: str, directory: Path, *command: str) -> None:
        listed.append(command)
        programs = directory / "venv" / "bin"
        programs.mkdir(parents=True, exist_ok=True)
        for name in environments.PROGRAMS:
            text = PYTHON if name == "python3" else SCRIPT.format(python=programs / "python3", name=name)
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)

    monkeypatch.setattr(environments, "_run", run)
    return listed


def test_programs_run_from_the_final_directory(progress: Progress) -> None:
    """It is made in a folder of another name; the scripts in it name that one, and would find no Python there."""
    folder = environments.environment(VERSIONS["2.19"], "2.19.14", progress)
    assert folder.parent.parent == cache.root() / "controllers"
    assert {path.name for path in folder.iterdir()} == set(environments.PROGRAMS)
    said = subprocess.run([folder / "ansible-galaxy", "an argument"], check=True, capture_output=True, text=True, cwd="/").stdout
    venv = folder.parent / "venv" / "bin"
    assert said == f"python3 said ansible-galaxy with an argument, first on PATH {venv / 'ansible-playbook'}\n"


def test_it_has_the_requested_ansible_and_the_other_tests_packages(progress: Progress) -> None:
    folder = environments.environment(VERSIONS["2.19"], "2.19.14", progress).parent
    [ansible, *others] = (folder / "requirements.txt").read_text().split()
    assert ansible == "ansible-core==2.19.14"
    assert [line.split("==")[0] for line in others] == ["hypothesis", "pyroute2", "pytest"]
    assert "Jinja2==" in (folder / "constraints.txt").read_text()


def test_an_environment_is_built_once_per_release(progress: Progress, commands: list[tuple[str, ...]]) -> None:
    folders = [environments.environment(VERSIONS["2.19"], release, progress) for release in ("2.19.13", "2.19.13", "2.19.14")]
    assert folders[0] == folders[1] != folders[2]
    assert len(commands) == 2 * 2


def test_another_debian_s_programs_lie_over_the_host_s_and_nothing_stays_mounted(
    progress: Progress, commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environments.sources, "lines", lambda codename: [f"deb a-mirror {codename} main"])
    monkeypatch.setattr(environments.sources, "proxies", list)
    monkeypatch.setattr(environments.apt, "solution", lambda *_: ["Inst python3"])

    def make(directory: Path, *_: object) -> Path:
        # A directory with one more file, in place of another Debian.
        (directory / "root").mkdir()
        (directory / "root" / "usr").symlink_to("/usr")
        return directory / "root"

    monkeypatch.setattr(environments.tree, "make", make)
    folder = environments.environment(VERSIONS["2.20"], "2.20.10", progress)
    assert all(command[0] == "unshare" for command in commands)
    mine = Path("/proc/self/mounts").read_text()
    (folder.parent / "venv" / "bin" / "ansible").write_text('#!/bin/sh\nexec cat "$@"\n')
    inside = subprocess.run([folder / "ansible", "/proc/self/mounts"], check=True, capture_output=True, text=True).stdout
    assert len([line for line in inside.splitlines() if line.split()[1] == "/usr"]) == 1 + mine.count(" /usr ")
    assert Path("/proc/self/mounts").read_text() == mine


def test_a_failed_installation_quotes_the_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(LabError, match=r"ansible-core 2 cannot be installed: sh -c .* ended with status 3;[\s\S]* no space$"):
        environments._run("ansible-core 2", tmp_path, "sh", "-c", "echo no space; exit 3")
