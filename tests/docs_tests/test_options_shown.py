# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module appears in the module's own examples, which test_plays.py runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.checkout import COLLECTION

MODULES = sorted((COLLECTION / "plugins" / "modules").glob("ipvs_*.py"))
FRAGMENTS = COLLECTION / "plugins" / "doc_fragments"

Option = tuple[str, ...]


def text_of(file: Path, name: str) -> Any:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{file} has no {name}")


def options(documented: dict[str, Any], above: Option = ()) -> Iterator[Option]:
    for name, option in documented.items():
        yield (*above, name)
        yield from options(option.get("suboptions", {}), (*above, name))


def options_of(module: Path) -> list[Option]:
    """Return the options of a module, and those that it takes from fragments."""
    documentation = text_of(module, "DOCUMENTATION")
    found = list(options(documentation.get("options", {})))
    for name in documentation.get("extends_documentation_fragment", []):
        fragment, _dot, part = name.removeprefix("lvs.director.").partition(".")
        found += options(text_of(FRAGMENTS / f"{fragment}.py", part.upper() or "DOCUMENTATION").get("options", {}))
    return found


def shown(value: Any, above: Option = ()) -> Iterator[Option]:
    """Return the options in the arguments of a task."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield (*above, name)
            yield from shown(part, (*above, name))
    elif isinstance(value, list):
        for part in value:
            yield from shown(part, above)


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.stem)
def test_every_option_is_in_an_example(module: Path) -> None:
    tasks = text_of(module, "EXAMPLES")
    given = {path for task in tasks for path in shown(task.get(f"lvs.director.{module.stem}") or {})}
    missing = ", ".join(".".join(path) for path in options_of(module) if path not in given)
    assert missing == "", "show each of these in an example of the module"


def test_options_of_fragments_are_found() -> None:
    (service,) = (module for module in MODULES if module.stem == "ipvs_service")
    assert {("protocol",), ("fwmark",), ("destinations", "tunnel_port")} <= set(options_of(service))
