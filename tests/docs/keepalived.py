# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's configurations in the guide *From keepalived*, each with the tasks that do the same.

``python3 -m docs.keepalived`` prints them as JSON, for the guests of the scenario ``modules``.
"""

from __future__ import annotations

import itertools
import json
import sys
from typing import Any, NamedTuple

import yaml

from docs.blocks import Block, blocks

PAGE = "docs/docsite/rst/guide_from_keepalived.rst"
_PREFIX = "lvs.director."


class Pair(NamedTuple):
    """A configuration, and the tasks that do the same."""

    where: str
    config: str
    tasks: list[tuple[str, dict[str, Any]]]
    """Modules, without the collection's name, and their options."""


def pairs() -> list[Pair]:
    """Return the pairs of the guide, in its order."""
    found = itertools.pairwise(blocks(PAGE))
    return [Pair(str(before), before.text, tasks_of(after)) for before, after in found if before.kind == "keepalived"]


def tasks_of(block: Block) -> list[tuple[str, dict[str, Any]]]:
    content: Any = yaml.safe_load(block.text)
    if block.kind == "services":
        return [("ipvs_table", {"services": content})]
    if (block.kind, block.name) != ("tasks", "keepalived"):
        raise ValueError(f"{block} comes after a configuration of keepalived, and is neither services nor tasks")
    return [(name.removeprefix(_PREFIX), values) for task in content for name, values in task.items() if name.startswith(_PREFIX)]


if __name__ == "__main__":
    json.dump(pairs(), sys.stdout)
