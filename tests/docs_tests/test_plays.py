# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks and tasks of the documentation, and the examples of modules, run with Ansible on a director with a kernel in memory."""

from __future__ import annotations

import ast
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.blocks import Block, blocks, pages
from docs.guides import saved
from docs.plays import Director, plays
from tools.checkout import COLLECTION

RUN = {"playbook", "tasks", "vars"}
PAGES = [page for page in pages() if any(block.kind in RUN for block in blocks(page))]
RULES = [block for page in pages() for block in blocks(page) if block.kind == "rules"]
MODULES = sorted((COLLECTION / "plugins" / "modules").glob("ipvs_*.py"))
FILTERS = sorted((COLLECTION / "plugins" / "filter").glob("*.py"))

# The services that a module's examples assume.
FTP: dict[str, Any] = {"protocol": "tcp", "address": "10.211.55.3", "port": 21}
THREE = [{"address": f"10.211.55.{last}", "forward_method": "masquerade"} for last in (252, 251, 250)]
BEFORE: dict[str, list[dict[str, Any]]] = {
    "ipvs_destination": [{**FTP, "destinations": THREE}, {"fwmark": 7, "family": "ipv6"}],
    "ipvs_table": [{**FTP, "destinations": [*THREE, {"address": "10.211.55.253", "forward_method": "masquerade"}]}],
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page(page: str, tmp_path: Path) -> None:
    director = Director(tmp_path)
    found = blocks(page)
    for name, text in saved().items():
        (tmp_path / name).write_text(text)
    message = director.run([play for block in found if block.kind in RUN for play in plays(block)], "--diff")
    for before, block in itertools.pairwise(found):
        if block.kind == "diff":
            assert before.kind == "tasks"
            assert block.text.rstrip() in said_of(before, message)
    # The files of one page do not overwrite those of another.
    assert {name: (tmp_path / name).read_text() for name in saved()} == saved()


def write_rules(folder: Path) -> None:
    """Write the rules of all pages, as their readers have them in a file."""
    for block in RULES:
        (folder / block.name).write_text(block.text)
        (folder / "ipvsadm.rules").write_text("".join(re.findall(r"^ipvsadm (-[AaEe] .*\n)", block.text, re.MULTILINE)))


def said_of(block: Block, message: str) -> str:
    """Return Ansible's output for a block of tasks."""
    _before, _title, rest = message.partition(f"PLAY [{block}]")
    play, _title, _next = rest.partition("\nPLAY ")
    return "\n".join(line.rstrip() for line in play.splitlines())


@pytest.mark.parametrize("file", [*MODULES, *FILTERS], ids=lambda file: file.stem)
def test_the_examples_of(file: Path, tmp_path: Path) -> None:
    examples = yaml.safe_load(text_of(file, "EXAMPLES"))
    before = [{"lvs.director.ipvs_service": service} for service in BEFORE.get(file.stem, [])]
    text = json.dumps([*before, *examples])
    write_rules(tmp_path)
    Director(tmp_path).run(plays(Block(file.name, 0, "tasks", "", text)))


def text_of(file: Path, name: str) -> str:
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            text: str = ast.literal_eval(node.value)
            return text
    raise AssertionError(f"{file} has no {name}")
