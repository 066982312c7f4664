# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users get the tested artefact: it has all it needs, nothing else, and works on its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from importlib import import_module
from pathlib import Path

import pytest

from tools import artefact
from tools.checkout import BUILD, COLLECTION, ROOT, files

# CHANGELOG.md is there once a release is prepared.
SHIPPED = {
    *("CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "COPYING", "LICENSES"),
    *("README.md", "REUSE.toml", "SECURITY.md", "TESTING.md"),
    *("changelogs", "docs", "examples", "files", "meta", "playbooks", "plugins", "roles"),
}
# written by the build
ADDED = {"FILES.json", "MANIFEST.json"}
NEEDED = {
    "README.md",
    "COPYING",
    "LICENSES/GPL-2.0-or-later.txt",
    "LICENSES/GPL-3.0-or-later.txt",
    "changelogs/changelog.yaml",
    "changelogs/config.yaml",
    "files/kmod/ip_vs_test/Kbuild",
    "files/kmod/ip_vs_test/Makefile",
    "files/kmod/ip_vs_test/dkms.conf",
    "files/kmod/ip_vs_test/ip_vs_test.c",
    "files/monitoring/alerts.yml",
    "files/monitoring/alerts_test.yml",
    "files/monitoring/dashboard.json",
    "meta/runtime.yml",
    "playbooks/selftest.yml",
    "plugins/modules/ipvs_destination.py",
    "plugins/modules/ipvs_info.py",
    "plugins/modules/ipvs_selftest.py",
    "plugins/modules/ipvs_service.py",
    "roles/ipvs_director/README.md",
    "roles/ipvs_director/defaults/main.yml",
    "roles/ipvs_director/meta/argument_specs.yml",
    "roles/ipvs_director/tasks/main.yml",
}
# Made by tools, builds and people in a checkout in use; each must stay out.
JUNK = [
    ".ansible/collections/x.yml",
    ".cache/installed/x.py",
    ".coverage",
    ".hypothesis/x",
    ".mypy_cache/x.json",
    ".pytest_cache/x",
    ".ruff_cache/x",
    ".venv/bin/x.py",
    "build/logs/x.log",
    "changelogs/.plugin-cache.yaml",
    "files/kmod/ip_vs_test/.ip_vs_test.ko.cmd",
    "files/kmod/ip_vs_test/Module.symvers",
    "files/kmod/ip_vs_test/ip_vs_test.ko",
    "files/kmod/ip_vs_test/ip_vs_test.mod",
    "files/kmod/ip_vs_test/ip_vs_test.mod.c",
    "files/kmod/ip_vs_test/ip_vs_test.o",
    "files/kmod/ip_vs_test/modules.order",
    "importer_result.json",
    "plugins/module_utils/__pycache__/x.pyc",
]


def names_in(path: Path) -> set[str]:
    with tarfile.open(path) as tar:
        return {member.name for member in tar if member.isfile()}


@pytest.fixture(scope="module")
def built() -> Path:
    return BUILD / artefact.file_name()


def test_artefact_has_what_users_need(built: Path) -> None:
    assert sorted(NEEDED - names_in(built)) == []


def test_artefact_has_exactly_the_files_to_ship(built: Path) -> None:
    meant = {name for name in files() if name.split("/")[0] in SHIPPED}
    assert names_in(built) - ADDED == meant


def test_readme_links_resolve(built: Path) -> None:
    """Galaxy shows the README beside none of the other files, so its links are absolute: they lead into the repository, which has them."""
    shipped = names_in(built)
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith("https://")] == []
    own = re.compile(rf"{re.escape(str(artefact.galaxy()['repository']))}/(?:blob|raw)/main/(.*)")
    named = [match[1] for match in map(own.fullmatch, links) if match]
    assert named
    assert [link for link in named if not any(name == link or name.startswith(f"{link}/") for name in shipped)] == []


def test_work_files_in_the_checkout_are_not_shipped(tmp_path: Path, built: Path) -> None:
    for name in files():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    for name in JUNK:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("junk")
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", tmp_path / "build", tmp_path], check=True, cwd=tmp_path)
    assert names_in(tmp_path / "build" / artefact.file_name()) == names_in(built)


def test_unit_tests_import_the_installed_artefact() -> None:
    module = import_module("ansible_collections.lvs.director.plugins.module_utils._model")
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(COLLECTION)


def test_installed_collection_is_up_to_date() -> None:
    stale = [name for name in files() if (COLLECTION / name).is_file() and (COLLECTION / name).read_bytes() != (ROOT / name).read_bytes()]
    assert stale == []


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Path:
    """A home with nothing but the collection, installed from its file where no server answers."""
    home = tmp_path_factory.mktemp("elsewhere")
    shutil.copy2(built, home)
    run(home, "ansible-galaxy", "collection", "install", f"./{built.name}", "-p", "collections")
    return home


def run(home: Path, *command: str, status: int = 0) -> str:
    environment = {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"),
        # Nobody listens there: connections are refused at once.
        "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:9",
    }
    ended = subprocess.run(command, cwd=home, env=environment, check=False, capture_output=True, text=True)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("module", ["ipvs_destination", "ipvs_info", "ipvs_service"])
def test_modules_are_found(elsewhere: Path, module: str) -> None:
    name = f"lvs.director.{module}"
    assert json.loads(run(elsewhere, "ansible-doc", "--json", name))[name]["doc"]["short_description"]


def test_a_module_runs(elsewhere: Path) -> None:
    contradiction = "fwmark=1 port=80 address=192.0.2.1"
    output = run(elsewhere, "ansible", "localhost", "-m", "lvs.director.ipvs_service", "-a", contradiction, status=2)
    # The module itself refuses it, with its own message.
    assert "fwmark" in output
    assert "Traceback" not in output


def test_the_role_is_found_with_its_options(elsewhere: Path) -> None:
    name = "lvs.director.ipvs_director"
    output = json.loads(run(elsewhere, "ansible-doc", "--json", "--type", "role", name))
    assert output[name]["entry_points"]["main"]["options"]["ipvs_director_services"]
    play = elsewhere / "play.yml"
    play.write_text(f"- hosts: localhost\n  roles:\n    - role: {name}\n")
    run(elsewhere, "ansible-playbook", "--syntax-check", "play.yml")


def test_the_selftest_says_that_there_are_no_directors(elsewhere: Path) -> None:
    """The playbook is found by its name, and an inventory without directors is no success."""
    output = run(elsewhere, "ansible-playbook", "lvs.director.selftest", status=2)
    assert "The inventory has no hosts directors, so nothing was checked." in output
    listed = run(elsewhere, "ansible-playbook", "lvs.director.selftest", "-i", "one,", "-e", "selftest_hosts=one", "--list-hosts")
    assert re.search(r"Check that directors fail over[\s\S]*hosts \(1\):\s+one\b", listed)


def test_kernel_module_source_is_complete(elsewhere: Path) -> None:
    source = elsewhere / "collections/ansible_collections/lvs/director/files/kmod/ip_vs_test"
    original = ROOT / "files/kmod/ip_vs_test"
    kept = [name for name in files() if name.startswith("files/kmod/ip_vs_test/")]
    assert {Path(name).name: (source / Path(name).name).read_bytes() for name in kept} == {
        Path(name).name: (original / Path(name).name).read_bytes() for name in kept
    }
