# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""With a collection of two files, which coverage.py measures as it measures ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from covered import data
from covered.data import CONFIG, merged, problems
from covered.judge import File, Share, files_of

DECIDES = """\
def decide(number):
    if number > 3:
        return "large"
    if number < 0:
        return "negative"
    return "small"
"""
NEVER = """\
def never():
    if True:
        return 1
"""


class Collection:
    """A checkout, its installed copy, and the coverage data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plugins = folder / "plugins"
        self.plugins.mkdir()
        (self.plugins / "decides.py").write_text(DECIDES)
        (self.plugins / "never.py").write_text(NEVER)
        shutil.copytree(self.plugins, folder / "installed/ansible_collections/lvs/director/plugins")
        self.archive = shutil.make_archive(str(folder / "payload"), "zip", folder / "installed")

    def run(self, code: str, *, path: str) -> None:
        """Measure a program that calls ``decide``, which it finds on this path."""
        code = "from ansible_collections.lvs.director.plugins.decides import decide\n" + code
        environment = {**os.environ, "PYTHONPATH": path, "COVERAGE_DATA": str(self.folder)}
        environment.pop("COVERAGE_PROCESS_CONFIG", None)
        (self.folder / "program.py").write_text(code)
        command = [sys.executable, "-m", "coverage", "run", f"--rcfile={CONFIG}", "program.py"]
        subprocess.run(command, env=environment, cwd=self.folder, check=True)

    def files(self) -> dict[str, File]:
        report = merged(sorted(self.folder.glob("ran.*")), sorted(self.plugins.iterdir()), self.folder)
        return {file.name: file for file in files_of(report)}


@pytest.fixture
def collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collection:
    monkeypatch.chdir(tmp_path)
    return Collection(tmp_path)


def test_a_line_run_in_any_process_is_covered(collection: Collection) -> None:
    """Installed and from a module's archive, both counted for the checkout's file."""
    collection.run("decide(4)", path="installed")
    assert collection.files()["plugins/decides.py"].lines == Share(3, 6)
    collection.run("decide(1)", path=collection.archive)
    assert collection.files()["plugins/decides.py"] == File("plugins/decides.py", Share(5, 6), Share(3, 4), "5")


@pytest.mark.parametrize(
    "code",
    [
        "import os\nif not os.fork():\n    decide(4)\n    os._exit(0)\nos.wait()",
        "import multiprocessing\nmultiprocessing.get_context('fork').Process(target=decide, args=[4]).start()",
        "import subprocess, sys\nif sys.argv[1:]:\n    decide(4)\nelse:\n    subprocess.run([sys.executable, __file__, '1'], check=True)",
        "import subprocess, sys, time\nif sys.argv[1:]:\n    decide(4)\n    print(flush=True)\n    time.sleep(60)\n"
        "with subprocess.Popen([sys.executable, __file__, '1'], stdout=-1) as child:\n    child.stdout.readline()\n    child.terminate()",
    ],
    ids=["fork", "multiprocessing", "subprocess", "terminated"],
)
def test_a_line_run_in_another_process_is_covered(code: str, collection: Collection) -> None:
    collection.run(code, path="installed")
    assert collection.files()["plugins/decides.py"].missing == "4-6"


def test_a_file_never_imported_counts_with_all_lines(collection: Collection) -> None:
    collection.run("decide(4)", path="installed")
    assert collection.files()["plugins/never.py"] == File("plugins/never.py", Share(0, 3), Share(0, 0), "1-3")


def test_files_only_in_an_archive_do_not_count(collection: Collection) -> None:
    """Ansible makes packages of its folders."""
    (collection.folder / "installed/ansible_collections/lvs/director/plugins/__init__.py").write_text("added = 1\n")
    collection.run("decide(4)", path="installed")
    assert list(collection.files()) == ["plugins/decides.py", "plugins/never.py"]


def test_earlier_merged_data_do_not_count(collection: Collection) -> None:
    collection.run("decide(4)", path="installed")
    collection.files()
    for path in collection.folder.glob("ran.*"):
        path.unlink()
    collection.run("decide(1)", path="installed")
    assert collection.files()["plugins/decides.py"].missing == "3, 5"


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Path]]:
    monkeypatch.setattr(data, "ROOT", tmp_path)
    ran = tmp_path / "ran.1"
    ran.touch()
    os.utime(ran, (1000, 1000))
    return {"the unit tests": [ran]}


def source(folder: Path, changed: int) -> Path:
    path = folder / "source.py"
    path.touch()
    os.utime(path, (changed, changed))
    return path


def test_complete_measurements_pass(tmp_path: Path, measured: dict[str, list[Path]]) -> None:
    assert list(problems(measured, [source(tmp_path, 900)])) == []


def test_missing_contributors_are_named(tmp_path: Path, measured: dict[str, list[Path]]) -> None:
    [problem] = problems({**measured, "the scenario modules on debian12": []}, [source(tmp_path, 900)])
    assert problem.startswith("nothing was measured in the scenario modules on debian12: ")


def test_a_source_that_changed_meanwhile_is_named(tmp_path: Path, measured: dict[str, list[Path]]) -> None:
    [problem] = problems(measured, [source(tmp_path, 1100)])
    assert problem.startswith("source.py has changed since it was measured")


def test_unit_tests_and_every_machine_of_the_scenario_contribute() -> None:
    assert list(data.shares()) == ["the unit tests", "the scenario modules on debian12", "the scenario modules on debian13"]


def test_every_plugin_counts() -> None:
    names = [path.relative_to(data.ROOT).as_posix() for path in data.sources()]
    assert "plugins/modules/ipvs_table.py" in names
    assert len(names) == len(list((data.ROOT / "plugins").rglob("*.py")))
