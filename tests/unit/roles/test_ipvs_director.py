# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's documentation of its variables is true: the defaults, and the options it passes to the module."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_director as installed
import jinja2
import yaml
from ansible_collections.lvs.director.plugins.module_utils._options.selftest import selftest_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.table import (
    SCOPE_SPEC,
    TABLE_SERVICE_SPEC,
    table_module_spec,
)
from ansible_collections.lvs.director.plugins.module_utils._persist import files as _files
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, to_text

ROLE = Path(next(iter(installed.__path__)))
Options = dict[str, dict[str, Any]]


def specification(entry_point: str = "main") -> Options:
    options: Options = read("meta/argument_specs.yml")["argument_specs"][entry_point]["options"]
    return options


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROLE / name).read_text(encoding="utf-8"))
    return content


def shape(options: Options) -> dict[str, Any]:
    """Names, types and allowed words, at every level. Defaults and required options are the module's alone."""
    return {
        name: (
            option.get("type", "str"),
            option.get("elements"),
            sorted(option.get("choices", [])),
            shape(option.get("options", {})),
        )
        for name, option in options.items()
    }


def test_documented_defaults_are_the_defaults() -> None:
    options = {**specification(), **specification("selftest")}
    assert {name: option["default"] for name, option in options.items() if "default" in option} == read("defaults/main.yml")
    # Without a default it can be told from an empty list, with which everything is purged.
    assert [name for name, option in options.items() if "default" not in option] == ["ipvs_director_services"]


def test_the_selftest_is_the_modules() -> None:
    options = {name.removeprefix("ipvs_director_selftest_"): option for name, option in specification("selftest").items()}
    spec = selftest_module_spec()["argument_spec"]
    assert {name: (option["type"], option["default"]) for name, option in options.items()} == {
        name: (option["type"], option["default"]) for name, option in spec.items()
    }
    (block,) = yaml.safe_load((ROLE / "tasks/selftest.yml").read_text(encoding="utf-8"))
    given = block["block"][0]["lvs.director.ipvs_selftest"]
    assert given == {name: f"{{{{ ipvs_director_selftest_{name} }}}}" for name in spec}


def test_a_service_of_the_role_is_a_service_of_the_module() -> None:
    assert shape(specification()["ipvs_director_services"]["options"]) == shape(TABLE_SERVICE_SPEC)
    assert shape(specification()["ipvs_director_scope"]["options"]) == shape(SCOPE_SPEC)


def test_the_role_hands_every_option_on() -> None:
    tasks = yaml.safe_load((ROLE / "tasks/table.yml").read_text(encoding="utf-8"))
    # Counters are for a person to zero, not for a deployment.
    assert tasks[0]["lvs.director.ipvs_table"].keys() == table_module_spec()["argument_spec"].keys() - {"zero_counters"}


def test_an_empty_file_to_save_to_is_one() -> None:
    variables = read("vars/main.yml")
    assert variables["__ipvs_director_nothing_saved"] == to_text(Saved())
    assert variables["__ipvs_director_saved"] == _files.TABLE


def test_the_program_that_restores_needs_nothing_but_itself(tmp_path: Path) -> None:
    """Rendered as Ansible would, it imports all that it needs, on a machine without the collection and without Ansible."""
    packages = "_model _netlink _kernel _plan _options _persist _apply _boot _machine".split()
    sources = [path for name in packages for path in sorted(ROLE.glob(f"../../plugins/module_utils/{name}/[a-z]*.py"))]
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, autoescape=False, undefined=jinja2.StrictUndefined)
    environment.filters.update(to_json=json.dumps, basename=os.path.basename, dirname=os.path.dirname, splitext=os.path.splitext)
    template = environment.from_string((ROLE / "templates/restore.py.j2").read_text(encoding="utf-8"))

    def lookup(_plugin: str, name: Path | str, *, rstrip: bool) -> str:
        assert not rstrip
        return (ROLE / "files" / name).read_text(encoding="utf-8")

    program = tmp_path / "restore"
    program.write_text(template.render(ansible_managed="x", lookup=lookup, __ipvs_director_restore_sources=sources), encoding="ascii")
    ended = subprocess.run([sys.executable, "-I", program, "--help"], check=False, capture_output=True, text=True, cwd="/")
    assert ended.returncode == 0, ended.stderr
    assert "{table,network,clear-table,clear-network,swap}" in ended.stdout
