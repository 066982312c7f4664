# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's documentation of its variables is true: the defaults, and the options it passes to the module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_director as installed
import yaml
from ansible_collections.lvs.director.plugins.module_utils._model.health import TYPES
from ansible_collections.lvs.director.plugins.module_utils._options.health import (
    CHECK_SPECS,
    DEFAULTS_SPEC,
    DESTINATION_HEALTH_SPEC,
    SERVICE_SPEC,
    health_module_spec,
)
from ansible_collections.lvs.director.plugins.module_utils._options.selftest import selftest_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.table import (
    SCOPE_SPEC,
    TABLE_SERVICE_SPEC,
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


def test_a_service_of_the_role_is_a_service_of_the_module() -> None:
    # The filter without_checks leaves out what ipvs_table does not know.
    services = specification()["ipvs_director_services"]["options"]
    assert shape(TABLE_SERVICE_SPEC) == shape(
        {
            **{name: option for name, option in services.items() if name not in SERVICE_SPEC},
            "destinations": {
                **services["destinations"],
                "options": {n: each for n, each in services["destinations"]["options"].items() if n not in DESTINATION_HEALTH_SPEC},
            },
        }
    )
    assert shape(specification()["ipvs_director_scope"]["options"]) == shape(SCOPE_SPEC)


def test_the_checks_of_the_role_are_those_of_the_module() -> None:
    services = specification()["ipvs_director_services"]["options"]
    destinations = services["destinations"]["options"]
    every_check: Options = {
        "type": {"type": "str", "choices": list(TYPES)},
        **{k: v for spec in CHECK_SPECS.values() for k, v in spec.items()},
    }
    for options, spec in ((services, SERVICE_SPEC), (destinations, DESTINATION_HEALTH_SPEC)):
        expected = {name: {**rule, "options": every_check} if name == "checks" else rule for name, rule in spec.items()}
        assert shape({name: options[name] for name in expected}) == shape(expected)
    assert shape(specification()["ipvs_director_checks"]["options"]) == shape(DEFAULTS_SPEC)


def test_the_role_passes_on_every_option() -> None:
    (health,) = yaml.safe_load((ROLE / "tasks/health.yml").read_text(encoding="utf-8"))
    assert health["lvs.director.ipvs_health"].keys() == health_module_spec()["argument_spec"].keys() - {"state"}
    tasks = yaml.safe_load((ROLE / "tasks/table.yml").read_text(encoding="utf-8"))
    # Counters are for a person to zero, not for a deployment.
    assert tasks[0]["lvs.director.ipvs_table"].keys() == table_module_spec()["argument_spec"].keys() - {"zero_counters"}
