# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom, as docs/architecture.md has it: a file knows only those that stand above it there."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from tools.checkout import ROOT

PREFIX = "ansible_collections.lvs.director.plugins.module_utils."
SPEC = importlib.util.find_spec(PREFIX + "_model")
assert SPEC is not None
assert SPEC.origin is not None
MODULE_UTILS = Path(SPEC.origin).parent

PAGE = ROOT / "docs" / "architecture.md"
LINE = re.compile(r"^\| `(?P<name>_\w+)` \| .+ \| (?P<imports>nothing|`[^|]+`) \|$", re.MULTILINE)

# The page's tables, from the first line to the last: what each file may import.
LISTED = [(found["name"], re.findall(r"`(\w+)`", found["imports"])) for found in LINE.finditer(PAGE.read_text(encoding="utf-8"))]
ALLOWED: dict[str, set[str]] = {name: set(names) for name, names in LISTED}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # "from package import _module" names a module, "from package._module import name" does not.
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == PREFIX[:-1] else {module}
    return found


def test_every_file_has_its_place() -> None:
    assert sorted(path.stem for path in MODULE_UTILS.glob("*.py")) == sorted(name for name, _imports in LISTED)


def test_a_file_stands_below_all_that_it_imports() -> None:
    names = [name for name, _imports in LISTED]
    assert [name for place, (name, found) in enumerate(LISTED) if not set(found) <= set(names[:place])] == []


@pytest.mark.parametrize("name", ALLOWED)
def test_it_imports_what_its_line_says(name: str) -> None:
    found = {one.removeprefix(PREFIX) for one in imports(MODULE_UTILS / f"{name}.py") if one.startswith(PREFIX)}
    assert found == ALLOWED[name]


def test_only_the_runner_knows_ansible() -> None:
    for path in MODULE_UTILS.glob("*.py"):
        if path.stem != "_runner":
            assert not [one for one in imports(path) if one.startswith("ansible.")], path


def test_only_netlink_knows_pyroute2() -> None:
    for path in MODULE_UTILS.glob("*.py"):
        # _netlink imports it by name, when a socket is opened.
        by_name = "import_module" in path.read_text()
        assert by_name == (path.stem == "_netlink"), path
        assert not [one for one in imports(path) if one.startswith("pyroute2")], path


def test_modules_know_only_what_they_run() -> None:
    for path in (MODULE_UTILS.parent / "modules").glob("*.py"):
        assert imports(path) == {"__future__", f"{PREFIX}_run_{path.stem.removeprefix('ipvs_')}"}, path


def test_what_a_module_runs_is_its_own() -> None:
    """A task compiles on its target all that it imports: no module pays for what only others need."""
    for path in MODULE_UTILS.glob("_run_*.py"):
        assert not [one for one in imports(path) if one.startswith(PREFIX + "_run_")], path


def test_filters_know_no_kernel() -> None:
    below = {"_entries", "_ipvsadm_parse", "_ipvsadm_render", "_results", "_model", "_errors"}
    for path in (MODULE_UTILS.parent / "filter").glob("*.py"):
        assert {one.removeprefix(PREFIX) for one in imports(path) if one.startswith(PREFIX)} <= below, path
