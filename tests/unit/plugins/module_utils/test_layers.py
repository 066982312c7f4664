# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package of plugins/module_utils may import which. docs/architecture.md explains the packages; this is the rule."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

PREFIX = "ansible_collections.lvs.director.plugins.module_utils."
SPEC = importlib.util.find_spec(PREFIX + "_runner")
assert SPEC is not None
assert SPEC.origin is not None
MODULE_UTILS = Path(SPEC.origin).parent

# From the bottom up: a package imports packages above its own line, and only those named on its line.
MAY_IMPORT = {
    "_model": "",
    "_netlink": "_model",
    "_kernel": "_model _netlink",
    "_plan": "_model",
    "_options": "_model _plan",
    "_persist": "_model _plan _options _kernel",
    "_apply": "_model _plan _options _kernel _persist",
    "_boot": "_model _plan _options _kernel _persist _apply",
    "_ipvsadm": "_model _plan _options",
    "_selftest": "_model _plan _options _kernel _apply",
    "_health": "_model",
    "_machine": "_model _kernel _persist _boot _health",
    "_sync": "_model _kernel",
    "_program": "_model _plan _options _kernel _persist _apply _boot _machine _sync _health",
    "_runner": "_model _options _kernel _persist _boot",
}
# The filters run on the controller, where there is no kernel to ask.
FILTERS_MAY_IMPORT = {"_model", "_options", "_ipvsadm"}


def imports(path: Path) -> set[str]:
    """Return the names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # "from package import module" names a module, "from package.module import name" does not.
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if f"{module}." == PREFIX else {module}
    return found


def package_of(path: Path) -> str:
    return path.relative_to(MODULE_UTILS).parts[0].removesuffix(".py")


def packages(path: Path) -> set[str]:
    """Return the packages that a file imports from."""
    return {name.removeprefix(PREFIX).partition(".")[0] for name in imports(path) if name.startswith(PREFIX)}


FILES = sorted(MODULE_UTILS.rglob("*.py"))


def test_every_package_has_its_line() -> None:
    assert {package_of(path) for path in FILES} == set(MAY_IMPORT)


def test_no_arrow_runs_up() -> None:
    below: set[str] = set()
    for package, allowed in MAY_IMPORT.items():
        assert set(allowed.split()) <= below, package
        below.add(package)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(MODULE_UTILS)))
def test_a_module_imports_only_what_its_package_may(path: Path) -> None:
    package = package_of(path)
    assert packages(path) - {package} <= set(MAY_IMPORT[package].split())


@pytest.mark.parametrize("package", sorted({path.parent for path in FILES} - {MODULE_UTILS}), ids=lambda path: path.name)
def test_no_circle_within_a_package(package: Path) -> None:
    prefix = f"{PREFIX}{package.name}."
    arrows = {}
    for path in package.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        found |= {
            f"{prefix}{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and f"{node.module}." == prefix
            for alias in node.names
        }
        arrows[path.stem] = {name.removeprefix(prefix).partition(".")[0] for name in found if name.startswith(prefix)}
    while arrows:
        leaves = {name for name, found in arrows.items() if not found & set(arrows)}
        assert leaves, f"these import each other: {sorted(arrows)}"
        arrows = {name: found for name, found in arrows.items() if name not in leaves}


def file_of(name: str) -> Path:
    return MODULE_UTILS.joinpath(*name.split(".")).with_suffix(".py")


def compiled_by_every_run(path: Path) -> set[str]:
    """Return the files of module_utils that a module imports before it reads its options."""
    found: set[str] = set()
    waiting = [path]
    while waiting:
        # Neither the imports inside functions nor those for types alone.
        for node in ast.parse(waiting.pop().read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PREFIX):
                name = (node.module or "").removeprefix(PREFIX)
                names = {name} if file_of(name).exists() else {f"{name}.{alias.name}" for alias in node.names}
                waiting += map(file_of, names - found)
                found |= names
    return found


# But the self-test, which always changes a table.
MODULES = sorted(path for path in (MODULE_UTILS.parent / "modules").glob("*.py") if path.stem != "ipvs_selftest")
# A target compiles all that a task imports, and most tasks find nothing to do.
FOR_FEW_TASKS = {
    *("_netlink.build", "_plan.diff", "_plan.order", "_plan.validate_forwarding", "_options.drain", "_options.scope"),
    *("_options.hints", "_options.words"),
    *("_apply.drain", "_apply.preflight", "_apply.transaction", "_persist.drained", "_persist.update", "_boot.fallback"),
    *("_kernel.contract", "_kernel.unloaded", "_persist.contract"),
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_task_compiles_only_what_it_needs(path: Path) -> None:
    compiled = compiled_by_every_run(path)
    assert not compiled & FOR_FEW_TASKS
    if "run_without_kernel" in path.read_text(encoding="utf-8"):
        assert not compiled & {"_kernel.client", "_netlink.socket", "_netlink.parse"}


def test_a_task_that_saves_nothing_new_does_not_compile_the_restore() -> None:
    assert not compiled_by_every_run(file_of("_persist.update")) & {"_persist.restorable", "_options.entries", "_options.table"}


def test_only_the_runner_knows_ansible() -> None:
    # But for its types: an option of ipvs_table is converted as AnsibleModule converts those of other modules.
    types = "ansible.module_utils.common"
    found = [path for path in FILES if any(name.startswith("ansible.") for name in imports(path) if name != types)]
    assert found == [MODULE_UTILS / "_runner.py"]
    assert [path for path in FILES if types in imports(path)] == [MODULE_UTILS / "_options" / "table.py"]


def test_only_netlink_knows_pyroute2() -> None:
    # It is imported by name, when a socket is opened.
    by_name = [path for path in FILES if 'import_module("pyroute2' in path.read_text(encoding="utf-8")]
    assert by_name == [MODULE_UTILS / "_netlink" / "socket.py"]
    assert not [path for path in FILES if any(name.startswith("pyroute2") for name in imports(path))]


def test_filters_know_no_kernel() -> None:
    for path in (MODULE_UTILS.parent / "filter").glob("*.py"):
        assert packages(path) <= FILTERS_MAY_IMPORT, path
