# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the pages, one after the other: each builds on those before it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.blocks import Block, blocks
from docs.described import broken, listed, services, services_of_diff
from docs.guides import DIRECTOR, Step, steps
from docs.reader import Reader
from lab import Lab

testinfra_hosts = ["ansible://director"]

CONTROLLER = Path(os.environ["GUIDES_CONTROLLER"]) if os.environ.get("GUIDES_CONTROLLER") else None
STEPS = [step for step in steps() if CONTROLLER is None or not step.makes_controller]
(README_PLAYBOOK,) = (step for step in STEPS if step.block.page == "README.md" and step.block.kind == "playbook")

# A page assumes only a director. Services left by the page before it would show up in its diffs.
EMPTY = """
- lvs.director.ipvs_table:
    services: []
    purge: true
    scope: [{addresses: 0.0.0.0/0}, {addresses: "::/0"}, {fwmarks: 1-4294967295}]
"""
# ipvsadm would load the module.
TABLE = "if [ -e /proc/net/ip_vs ]; then ipvsadm -L -n --nosort --thresholds; fi"


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    lab = Lab(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "lab"))
    with tempfile.TemporaryDirectory(prefix="guides-") as folder:
        yield Reader(Path(folder), lab, CONTROLLER)


def take(step: Step, reader: Reader, host: Any) -> str:
    if step.line.startswith(DIRECTOR):
        return str(host.check_output(step.line.removeprefix(DIRECTOR)))
    return reader.types(step.line.removeprefix("$ ")) if step.line else reader.plays(step.block)


def described(step: Step) -> list[dict[str, Any]]:
    """Return the services that are in the table after a step."""
    words = step.line.split()
    run = [block for block in blocks(step.block.page) if block.kind == "playbook" and block.name in words] if words else [step.block]
    return [one for block in run for one in services(yaml.safe_load(block.text))] + services_of_diff(step.diff)


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_step(step: Step, reader: Reader, host: Any) -> None:
    if step.opens and step.block.page != "README.md":
        reader.plays(Block(step.block.page, 0, "tasks", "", EMPTY))
    before = listed(host.check_output(TABLE))
    said = take(step, reader, host)
    assert step.diff.rstrip() in said
    after = listed(host.check_output(TABLE))
    if "--check" in step.line or step.line.startswith(DIRECTOR):
        assert after == before
    else:
        assert [why for why in (broken(after, one) for one in described(step)) if why] == []
    if step is README_PLAYBOOK:
        assert re.search(r"^director +: .* changed=0 .* failed=0 ", reader.plays(step.block), re.MULTILINE)


def test_the_readers_ansible_and_collection_were_used(reader: Reader) -> None:
    programs = CONTROLLER or reader.home / "ansible" / "bin"
    assert reader.types("command -v ansible-playbook") == str(programs / "ansible-playbook")
    listed_in = reader.types("ansible-galaxy collection list lvs.director")
    assert re.findall(r"^# (.*)$", listed_in, re.MULTILINE) == [f"{reader.home}/.ansible/collections/ansible_collections"]


def test_removed_things_are_gone(host: Any) -> None:
    assert not host.file("/proc/net/ip_vs").exists
    assert "10.211.55.3" not in host.check_output("ip -4 address")
    assert host.check_output("dkms status") == ""
    assert not host.file("/var/lib/lvs.director").exists
    assert host.run("systemctl cat ipvs-director").rc != 0
