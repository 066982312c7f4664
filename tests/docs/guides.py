# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a reader who follows the README and the guides: each block and command, in the order of the pages.

The scenario ``guides`` carries them out on machines.
"""

from __future__ import annotations

from typing import NamedTuple

import yaml

from docs.blocks import Block, blocks, pages
from tools.checkout import ROOT

RUN = {"playbook", "tasks", "vars"}
READ = {"inventory"}
# Files that playbooks and commands read, and the expected output of the task before.
USED = {"inventory", "playbook", "rules"}
COMPARED = {"diff"}
TYPED = {"commands"}
NOT_ON_MACHINES = {
    "keepalived": "another program's configuration: the scenario modules loads it, and compares it with the next block",
    "services": "they are compared with keepalived's, in the scenario modules",
    "printed": "of the demo, and of a director with more services than the README's: test_printed.py has it printed",
}

# Commands that are not typed there, by what they contain.
ELSEWHERE = {
    "ansible-galaxy collection install lvs.director": "it asks Galaxy, which no test does; the file is installed by the next command",
    "lvs.director.drain": "it needs services with that real server: test_drain_playbooks.py",
    "lvs.director.undrain": "it needs services with that real server: test_drain_playbooks.py",
    "lvs.director.handover": "it needs two directors: the scenario pair",
    "lvs.director.upgrade_pair": "it needs two directors: the scenario pair",
}

# Prompts: where Ansible runs, and on a director as root. A line with neither belongs in a checkout, unless it runs Ansible.
CONTROLLER, DIRECTOR = "$ ", "# "


class Step(NamedTuple):
    """A block that is run, or one of its commands."""

    block: Block
    line: str = ""
    diff: str = ""
    """The expected output, if a block shows it."""
    opens: bool = False
    """Whether it is the first one of its page."""

    def __str__(self) -> str:
        """Name it for the test results."""
        return f"{self.block} {self.line}".strip()

    @property
    def makes_controller(self) -> bool:
        """Whether it makes the environment that Ansible runs in, and does not need another one."""
        return self.line.startswith(CONTROLLER) and not self.line.startswith(CONTROLLER + "ansible-")


def lines(block: Block) -> list[str]:
    """Return the commands of a block, each with its prompt, without its comment."""
    found = [line.partition("  #")[0].strip() for line in block.text.splitlines()]
    return [CONTROLLER + line if line.startswith("ansible-") else line for line in found]


def reading_order() -> list[str]:
    """Return the pages in reading order: README, the guides in the site's order, the others; last the page that removes everything."""
    site = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))
    first = ["README.md", *(f"docs/docsite/rst/{name}.rst" for section in site["sections"] for name in section["toctree"])]
    return sorted([*first, *(page for page in pages() if page not in first)], key=takes_away)


def takes_away(page: str) -> bool:
    return any(block.kind in RUN and "_state: absent" in block.text for block in blocks(page))


def is_elsewhere(line: str) -> bool:
    words = line.split()
    return any(set(named.split()) <= set(words) for named in ELSEWHERE)


def of_a_pair(block: Block) -> bool:
    """Return whether a block needs two directors, with interfaces that the scenario's machines do not have: the scenario pair has them."""
    return block.page.endswith("/guide_pair.rst") or "ipvs_director_vrrp" in block.text


def steps() -> list[Step]:
    """Return all steps. A playbook that some command names is run by that command."""
    found: list[Step] = []
    commands = " ".join(line for page in pages() for block in blocks(page) if block.kind in TYPED for line in lines(block)).split()
    for page in reading_order():
        of_page: list[Step] = []
        for block in blocks(page):
            if block.kind in TYPED:
                of_page += [
                    Step(block, line) for line in lines(block) if line.startswith((CONTROLLER, DIRECTOR)) and not is_elsewhere(line)
                ]
            elif block.kind in RUN and block.name not in commands and not of_a_pair(block):
                of_page.append(Step(block))
            elif block.kind in READ:
                of_page.append(Step(block, f"{CONTROLLER}ansible-inventory -i {block.name} --list"))
            elif block.kind in COMPARED:
                of_page[-1] = of_page[-1]._replace(diff=block.text)
        found += [step._replace(opens=number == 0) for number, step in enumerate(of_page)]
    return found


def saved() -> dict[str, str]:
    """Return the files that the pages have the reader save, by name."""
    return {block.name: block.text for page in pages() for block in blocks(page) if block.kind in USED and block.name}
