# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable of a role has an effect, is documented, and is used by a test.

Playbooks of the documentation are tests, too: see tests/docs/__init__.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from docs.blocks import blocks, pages
from tools.checkout import ROOT, files

ROLES = sorted((ROOT / "roles").iterdir())
GIVEN = "\n".join(
    [
        *(
            (ROOT / name).read_text(encoding="utf-8", errors="replace")
            for name in files()
            if re.match(r"(molecule|examples|tests/(experiment|forwarding))/", name)
        ),
        *(block.text for page in pages() for block in blocks(page) if block.kind in ("playbook", "vars")),
    ]
)
VARIABLES = [
    (role, entry_point, name)
    for role in ROLES
    for entry_point, spec in yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"].items()
    for name in spec["options"]
]


def text_of(role: Path, *folders: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in sorted((role / folder).glob("*")))


@pytest.mark.parametrize(("role", "entry_point", "name"), VARIABLES, ids=[name for _role, _entry_point, name in VARIABLES])
def test_a_variable(role: Path, entry_point: str, name: str) -> None:
    word = re.compile(rf"\b{name}\b")
    assert word.search(text_of(role, "tasks", "templates", "vars")), "nothing uses it"
    assert word.search((role / "README.md").read_text(encoding="utf-8")), "the role's README does not know it"
    assert word.search(GIVEN), "no test gives it"
