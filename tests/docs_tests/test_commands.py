# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of the documentation is run by a test.

Where Ansible runs (``$``) and on a director (``#``): the scenario ``guides`` types all of them. Whatever works without machines is
tested here: ansible-galaxy runs for real, into an empty home directory; ansible-playbook runs with --syntax-check on the inventory and
playbooks of the pages. In a checkout (no prompt): the command is a part of ``make test``, or ELSEWHERE explains it.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.blocks import blocks, pages
from docs.guides import CONTROLLER, DIRECTOR, lines, saved
from docs.plays import Director
from tools import artefact
from tools.checkout import BUILD, ROOT
from tools.run_tests import CHECKS

# Commands in a checkout that are no part of `make test`, and where their effect is tested.
ELSEWHERE = {
    "make demo": "the scenario overload takes the same steps on the same machines, test_printed.py reads what is printed",
    "make test": "this is it",
    "make installed": "every target that needs it, and tests/tools_tests/test_artefact.py",
    "make && sudo insmod ip_vs_test.ko": "DKMS, in the scenario bare; `make kmod` compiles it",
    "sudo ipvsadm -A -t 10.211.55.3:21 -s test": "the scenario modules, with every scheduler that it finds",
    "sudo ipvsadm -a -t 10.211.55.3:21 -r 10.211.55.253:21 -m -x 4 -y 1": "the scenario modules, option by option",
    "ANSIBLE_COLLECTIONS_PATH=.cache/installed ANSIBLE_HOME=.cache/ansible PYTHONPATH=tests .venv/bin/molecule converge -s modules": (
        "`make scenarios` runs molecule in this environment"
    ),
}

LINES = sorted({line for page in pages() for block in blocks(page) if block.kind == "commands" for line in lines(block)})
OF_ANSIBLE = [line.removeprefix(CONTROLLER) for line in LINES if line.startswith(CONTROLLER + "ansible-")]
IN_CHECKOUT = [line for line in LINES if not line.startswith((CONTROLLER, DIRECTOR))]


@pytest.fixture
def reader(tmp_path: Path) -> Director:
    """A reader who has saved all files of the pages."""
    for name, text in saved().items():
        (tmp_path / name).write_text(text)
    shutil.copy(BUILD / artefact.file_name(), tmp_path)
    return Director(tmp_path)


@pytest.mark.parametrize("line", OF_ANSIBLE)
def test_where_ansible_runs(line: str, reader: Director) -> None:
    words = shlex.split(line)
    meta = artefact.galaxy()
    if words[-1] == f"{meta['namespace']}.{meta['name']}":
        # Galaxy is not asked; its answer would be this file.
        words[-1] = artefact.file_name()
    if words[0] == "ansible-galaxy":
        reader.command(*words, ANSIBLE_COLLECTIONS_PATH=str(reader.folder / "collections"), PYTHONPATH="")
        assert (reader.folder / "collections/ansible_collections/lvs/director/MANIFEST.json").exists()
    else:
        assert words[0] == "ansible-playbook"
        reader.command(*words, "--syntax-check")


def test_the_inventory_has_directors(reader: Director) -> None:
    assert '"director"' in reader.command("ansible-inventory", "-i", "inventory.yml", "--list", "--limit", "directors")


@pytest.mark.parametrize("line", [line for line in IN_CHECKOUT if line not in ELSEWHERE])
def test_in_a_checkout(line: str) -> None:
    words = shlex.split(line)
    assert words[0] == "make"
    assert words[1] in CHECKS
    subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    for named in (word.partition("=")[2] for word in words[2:]):
        assert (ROOT / named).exists()


def test_only_existing_commands_are_excused() -> None:
    assert [line for line in ELSEWHERE if line not in LINES] == []


def test_named_targets_exist() -> None:
    """A `make docs` within a sentence counts, too."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {name for page in pages() for name in re.findall(r"`make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"))}
    assert named
    assert named <= targets


@pytest.mark.parametrize("line", ["ansible-doc lvs.director.ipvs_service", "ansible-doc -t role lvs.director.ipvs_director"])
def test_documentation_by_ansible_doc(line: str, reader: Director) -> None:
    assert any(line in (ROOT / page).read_text(encoding="utf-8") for page in pages())
    assert re.search("^(OPTIONS|ENTRY POINT)", reader.command(*shlex.split(line)), re.MULTILINE)
