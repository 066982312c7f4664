# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom. A layer knows only those below it."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

PREFIX = "ansible_collections.lvs.director.plugins.module_utils."
SPEC = importlib.util.find_spec(PREFIX + "_model")
assert SPEC is not None
assert SPEC.origin is not None
MODULE_UTILS = Path(SPEC.origin).parent

ALLOWED: dict[str, set[str]] = {
    "_uapi": set(),
    "_errors": set(),
    "_model": {"_uapi"},
    "_steps": {"_model"},
    "_lock": {"_errors"},
    "_shapes": {"_errors"},
    "_attributes": {"_shapes", "_errors"},
    "_wire": {"_shapes", "_uapi", "_model", "_errors"},
    "_wire_changes": {"_wire", "_attributes", "_shapes", "_uapi", "_model"},
    "_wire_settings": {"_wire", "_attributes", "_uapi", "_model", "_errors"},
    "_commands": {"_wire_settings", "_wire_changes", "_wire", "_steps", "_uapi", "_model"},
    "_modprobe": set(),
    "_netlink": {"_uapi", "_errors"},
    "_interface": {"_model"},
    "_proc": {"_errors"},
    "_state_file": set(),
    "_saved_file": {"_state_file", "_errors"},
    "_kernel": {
        "_commands",
        "_modprobe",
        "_saved_file",
        "_interface",
        "_lock",
        "_netlink",
        "_wire_settings",
        "_wire",
        "_uapi",
        "_model",
        "_steps",
        "_errors",
    },
    "_refusals": {"_steps", "_errors"},
    "_desired": {"_model"},
    "_rules": {"_desired", "_model", "_uapi", "_errors"},
    "_plan": {"_desired", "_rules", "_steps", "_model", "_errors"},
    "_plan_table": {"_plan", "_desired", "_steps", "_model"},
    "_preflight": {"_refusals", "_kernel", "_plan", "_plan_table", "_steps", "_errors"},
    "_timeouts": {"_steps", "_model"},
    "_sync_daemon": {"_desired", "_steps", "_model", "_uapi", "_errors"},
    "_connections": {"_desired", "_model", "_uapi", "_errors"},
    "_results": {"_model", "_uapi"},
    "_connection_results": {"_connections", "_model"},
    "_diff": {"_plan_table", "_model", "_uapi"},
    "_planned_save": set(),
    "_saved": {"_planned_save", "_results", "_model", "_errors"},
    "_saving": {"_planned_save", "_saved_file", "_kernel", "_errors"},
    "_saving_table": {"_planned_save", "_saved", "_entries", "_plan_table", "_plan", "_desired", "_kernel", "_model"},
    "_changes": {"_refusals", "_kernel", "_plan_table", "_plan", "_results", "_model", "_errors"},
    "_engine": {
        "_saving_table",
        "_saving",
        "_planned_save",
        "_changes",
        "_preflight",
        "_kernel",
        "_plan_table",
        "_desired",
        "_model",
    },
    "_settings": {
        "_planned_save",
        "_saving",
        "_saved",
        "_refusals",
        "_kernel",
        "_timeouts",
        "_sync_daemon",
        "_desired",
        "_results",
        "_steps",
        "_model",
        "_errors",
    },
    "_drained": {"_state_file", "_model", "_errors"},
    "_one_destination": {"_drained", "_engine", "_desired", "_kernel", "_model"},
    "_drain": {"_one_destination", "_drained", "_engine", "_desired", "_kernel", "_model", "_errors"},
    "_argspec": {"_desired", "_model", "_uapi", "_errors"},
    "_argspec_table": {"_argspec", "_desired", "_model", "_uapi", "_errors"},
    "_argspec_settings": {"_argspec", "_desired", "_model", "_uapi", "_errors"},
    "_held_back": {"_errors"},
    "_scheduler_swap": {"_saved_file", "_state_file", "_engine", "_desired", "_kernel", "_model", "_errors"},
    "_restore": {
        "_scheduler_swap",
        "_held_back",
        "_modprobe",
        "_argspec_settings",
        "_argspec_table",
        "_saved_file",
        "_saved",
        "_desired",
        "_engine",
        "_settings",
        "_kernel",
        "_model",
        "_errors",
    },
    "_argspec_connections": {"_argspec", "_desired", "_uapi", "_errors"},
    "_runner": {"_kernel", "_errors"},
    "_report": {"_engine", "_diff", "_results", "_model"},
    "_run_service": {"_runner", "_report", "_argspec", "_engine", "_kernel"},
    "_run_destination": {"_runner", "_report", "_argspec", "_drain", "_one_destination", "_results", "_desired", "_kernel", "_model"},
    "_run_table": {"_runner", "_report", "_argspec_table", "_engine", "_results", "_kernel"},
    "_run_info": {"_runner", "_argspec", "_results", "_kernel"},
    "_run_timeouts": {"_runner", "_argspec_settings", "_settings", "_kernel"},
    "_run_sync_daemon": {"_runner", "_argspec_settings", "_settings", "_results", "_kernel"},
    "_run_connection_info": {"_runner", "_argspec_connections", "_connections", "_connection_results", "_proc"},
    "_experiment_client": set(),
    "_experiment_server": set(),
    "_experiment_service": set(),
    "_experiment_table": {"_experiment_service"},
    "_experiment_steps": {"_experiment_service"},
    "_experiment_promise": {"_experiment_table", "_experiment_service"},
    "_experiment_walk": {"_experiment_promise", "_experiment_steps", "_experiment_table", "_experiment_service", "_errors"},
    "_experiment_pair": {"_experiment_walk", "_experiment_steps", "_experiment_service"},
    "_experiment_text": {"_experiment_walk", "_experiment_steps"},
    "_argspec_selftest": {"_argspec", "_errors"},
    "_selftest_apart": {"_errors"},
    "_selftest_modules": {"_modprobe"},
    "_selftest_services": {"_experiment_service", "_model"},
    "_selftest_director": {
        "_selftest_services",
        "_experiment_table",
        "_experiment_service",
        "_entries",
        "_argspec",
        "_engine",
        "_kernel",
        "_model",
        "_errors",
    },
    "_selftest_results": {"_experiment_pair", "_experiment_text", "_experiment_walk", "_experiment_table"},
    "_selftest_steps": {
        "_selftest_director",
        "_selftest_results",
        "_selftest_services",
        "_experiment_client",
        "_experiment_server",
        "_experiment_pair",
        "_experiment_walk",
    },
    "_selftest_production": {"_selftest_services", "_connections", "_desired", "_changes", "_kernel", "_model"},
    "_selftest_report": {"_selftest_production", "_selftest_services"},
    "_run_selftest": {
        "_runner",
        "_argspec_selftest",
        "_selftest_apart",
        "_selftest_modules",
        "_selftest_production",
        "_selftest_report",
        "_selftest_services",
        "_selftest_steps",
        "_refusals",
        "_kernel",
        "_proc",
        "_errors",
    },
    "_entries": {"_argspec", "_plan", "_model", "_errors"},
    "_ipvsadm_options": set(),
    "_ipvsadm_render": {"_ipvsadm_options", "_model", "_uapi"},
    "_ipvsadm_words": {"_ipvsadm_options", "_errors"},
    "_ipvsadm_rule": {"_ipvsadm_words", "_ipvsadm_options", "_model", "_uapi", "_errors"},
    "_ipvsadm_parse": {
        "_ipvsadm_rule",
        "_ipvsadm_words",
        "_ipvsadm_options",
        "_entries",
        "_argspec",
        "_plan",
        "_model",
        "_errors",
    },
}


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
    assert {path.stem for path in MODULE_UTILS.glob("*.py")} == set(ALLOWED)


@pytest.mark.parametrize("name", ALLOWED)
def test_imports_go_down(name: str) -> None:
    found = {one.removeprefix(PREFIX) for one in imports(MODULE_UTILS / f"{name}.py") if one.startswith(PREFIX)}
    assert found <= ALLOWED[name]


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
