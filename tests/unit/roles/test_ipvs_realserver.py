# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role hands its variables on to the module, and installs nftables only for an MTU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_realserver as installed
import jinja2
import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._options.table import TABLE_SERVICE_SPEC
from ansible_collections.lvs.director.plugins.modules.ipvs_realserver import realserver_module_spec

from docs.plays import Director

ROLE = Path(next(iter(installed.__path__)))
SPEC = realserver_module_spec()["argument_spec"]
TASKS = yaml.safe_load((ROLE / "tasks/main.yml").read_text(encoding="utf-8"))
GUE = {"tunnel_type": "gue", "address": "192.0.2.11", "tunnel_port": 6080}


def specification() -> dict[str, Any]:
    content = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    options: dict[str, Any] = content["argument_specs"]["main"]["options"]
    return options


def shape(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (option["type"], option.get("elements"), option.get("choices"), option.get("required"), shape(option.get("options", {})))
        for name, option in options.items()
    }


def test_documented_defaults_are_the_defaults() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    assert {name: option["default"] for name, option in specification().items()} == defaults


def test_a_variable_is_an_option_of_the_module() -> None:
    assert shape({name.removeprefix("ipvs_realserver_"): option for name, option in specification().items()}) == shape(SPEC)
    given = next(task["lvs.director.ipvs_realserver"] for task in TASKS if "lvs.director.ipvs_realserver" in task)
    assert given == {name: f"{{{{ ipvs_realserver_{name} }}}}" for name in SPEC}


def test_tunnel_options_are_named_like_those_of_a_destination() -> None:
    destination = TABLE_SERVICE_SPEC["destinations"]["options"]
    for name, option in SPEC["tunnels"]["options"].items():
        if name != "mtu":
            assert (option["type"], option.get("choices")) == (destination[name]["type"], destination[name].get("choices"))


@pytest.mark.parametrize(
    ("variables", "installs"),
    [
        ({"tunnels": [{**GUE, "mtu": 1400}]}, True),
        ({"tunnels": [{**GUE, "mtu": None}, {**GUE, "mtu": "1400"}]}, True),
        ({"tunnels": []}, False),
        ({"tunnels": [GUE]}, False),
        ({"tunnels": [{**GUE, "mtu": None}]}, False),
        ({"tunnels": [{**GUE, "mtu": 0}]}, False),
        ({"tunnels": [{**GUE, "mtu": 1400}], "vips": []}, False),
        # The module reports these faults.
        ({"tunnels": [{**GUE, "mtu": 1400}], "vips": None}, False),
        ({"tunnels": [{**GUE, "mtu": 1400}], "vips": 5}, True),
        ({"tunnels": [{**GUE, "mtu": 1400}], "state": "absent"}, False),
    ],
)
def test_nftables_is_installed_for_an_mtu(variables: dict[str, Any], installs: bool) -> None:
    (task,) = (task for task in TASKS if "ansible.builtin.package" in task)
    given = {f"ipvs_realserver_{name}": value for name, value in {"state": "present", "vips": ["198.51.100.3"], **variables}.items()}
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.tests["truthy"] = bool
    assert all(environment.compile_expression(condition, undefined_to_none=False)(**given) for condition in task["when"]) is installs


def test_a_misspelt_variable_is_refused(tmp_path: Path) -> None:
    """Ansible would ignore it, and the role would remove all addresses."""
    play = {
        "hosts": "realservers",
        "gather_facts": False,
        "vars": {"ipvs_realserver_vip": ["198.51.100.3"]},
        "tasks": [{"ansible.builtin.include_role": {"name": "lvs.director.ipvs_realserver"}}],
    }
    with pytest.raises(AssertionError, match=r"no variable ipvs_realserver_vip \(did you mean ipvs_realserver_vips\?\)"):
        Director(tmp_path).run([play])
