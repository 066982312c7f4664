# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's documentation of its variables is true: the defaults, and the options it passes to the module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_director as installed
import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._options.health import DEFAULTS_SPEC, health_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.selftest import selftest_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.table import (
    table_module_spec,
)

ROLE = Path(next(iter(installed.__path__)))
Options = dict[str, dict[str, Any]]


def specification(entry_point: str = "main") -> Options:
    options: Options = read("meta/argument_specs.yml")["argument_specs"][entry_point]["options"]
    return options


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROLE / name).read_text(encoding="utf-8"))
    return content


def test_documented_defaults_are_the_defaults() -> None:
    options = {**specification(), **specification("selftest"), **specification("handover")}
    assert {name: option["default"] for name, option in options.items() if "default" in option} == read("defaults/main.yml")
    # Without a default, undefined differs from an empty list, which purges everything, and from a director of a group.
    assert [name for name, option in options.items() if "default" not in option] == [
        "ipvs_director_services",
        "ipvs_director_vrrp",
        "ipvs_director_sync",
    ]


def test_the_selftest_options_are_those_of_the_module() -> None:
    options = {name.removeprefix("ipvs_director_selftest_"): option for name, option in specification("selftest").items()}
    spec = selftest_module_spec()["argument_spec"]
    assert {name: (option["type"], option["default"]) for name, option in options.items()} == {
        name: (option["type"], option["default"]) for name, option in spec.items()
    }
    (block,) = yaml.safe_load((ROLE / "tasks/selftest.yml").read_text(encoding="utf-8"))
    given = block["block"][0]["lvs.director.ipvs_selftest"]
    assert given == {name: f"{{{{ ipvs_director_selftest_{name} }}}}" for name in spec}


@pytest.mark.parametrize("name", ["services", "scope"])
def test_what_is_for_the_table_is_judged_by_its_own_module(name: str) -> None:
    """Ansible would refuse a wrong value of a nested option with all of meta/argument_specs.yml, and without its place."""
    option = specification()[f"ipvs_director_{name}"]
    assert option["type"] == "raw"
    assert "options" not in option
    assert f"O(lvs.director.ipvs_table#module:{name})" in option["description"][0]


def test_the_times_of_the_checks_are_those_of_the_module() -> None:
    options = specification()["ipvs_director_checks"]["options"]
    assert {name: option["type"] for name, option in options.items()} == {name: rule["type"] for name, rule in DEFAULTS_SPEC.items()}


def test_the_role_passes_on_every_option() -> None:
    (health,) = yaml.safe_load((ROLE / "tasks/health.yml").read_text(encoding="utf-8"))
    assert health["lvs.director.ipvs_health"].keys() == health_module_spec()["argument_spec"].keys() - {"state"}
    tasks = yaml.safe_load((ROLE / "tasks/table.yml").read_text(encoding="utf-8"))
    # Counters are for a person to zero, not for a deployment.
    assert tasks[0]["lvs.director.ipvs_table"].keys() == table_module_spec()["argument_spec"].keys() - {"zero_counters"}
    # And judges all of them first.
    preflight = yaml.safe_load((ROLE / "tasks/preflight.yml").read_text(encoding="utf-8"))
    judged = [task["lvs.director.ipvs_role_variables"] for task in preflight[0]["block"] if "lvs.director.ipvs_role_variables" in task]
    assert [task[name] for task in judged for name in ("table", "health") if name in task] == [
        {**tasks[0]["lvs.director.ipvs_table"], "services": "{{ ipvs_director_services | lvs.director.without_checks }}"},
        health["lvs.director.ipvs_health"],
    ]
