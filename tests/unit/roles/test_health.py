# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One list of services for the table and for the checks: what the role gives to each module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from docs.plays import ROLES

from .test_preflight import play

ROLE = ROLES["lvs.director.ipvs_director"]
VARIABLES = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))
(TABLE,) = yaml.safe_load((ROLE / "tasks" / "table.yml").read_text(encoding="utf-8"))
(CHECKS,) = yaml.safe_load((ROLE / "tasks" / "health.yml").read_text(encoding="utf-8"))
(REFUSED,) = yaml.safe_load((ROLE / "tasks" / "health_check.yml").read_text(encoding="utf-8"))
WEB: dict[str, Any] = {"protocol": "tcp", "address": "192.0.2.1", "port": 80, "destinations": [{"address": "10.0.0.1", "weight": 5}]}
CHECKED: dict[str, Any] = {
    **WEB,
    "checks": [{"type": "tcp"}],
    "min_available": "50%",
    "on_failure": "hold",
    "recover_after": 10,
    "destinations": [{**WEB["destinations"][0], "checks": [], "sorry": True}],
}
HOSTS: dict[str, dict[str, Any]] = {
    "undefined": {},
    "without": {"ipvs_director_services": [WEB]},
    "with": {"ipvs_director_services": [WEB, CHECKED], "ipvs_director_checks": {"interval": 1}},
    "of-one": {"ipvs_director_services": [{**WEB, "destinations": [{"address": "10.0.0.1", "checks": [{"type": "tcp"}]}]}]},
    "by-vrrp": {"ipvs_director_vrrp": {}},
}
RESULT = {
    "checked": "{{ __ipvs_director_checked | bool }}",
    "keepalived": "{{ 'keepalived' in __ipvs_director_all_packages }}",
    "table": TABLE["lvs.director.ipvs_table"]["services"],
}


def test_one_list_serves_the_table_and_the_checks(tmp_path: Path) -> None:
    variables = {name: VARIABLES[name] for name in ("__ipvs_director_checked", "__ipvs_director_all_packages")}
    machine = {"wants_signed_modules": False, "saved_schedulers": []}
    others = {
        "__ipvs_director_repositories": [],
        "__ipvs_director_packages": [],
        "__ipvs_director_wants_scheduler": False,
        "__ipvs_director_machine": machine,
    }
    write = {
        "ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": "{{ folder }}/{{ inventory_hostname }}.json", "mode": "0600"},
        "vars": {"result": RESULT},
    }
    one = {"hosts": "all", "connection": "local", "gather_facts": False, "vars": {**variables, **others}, "tasks": [write]}
    play(tmp_path, [one], HOSTS)
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.json") if path.stem in HOSTS}
    assert {name: (values["checked"], values["keepalived"]) for name, values in found.items()} == {
        "undefined": (False, False),
        "without": (False, False),
        "with": (True, True),
        "of-one": (True, True),
        "by-vrrp": (False, True),
    }
    assert found["with"]["table"] == [WEB, WEB]
    assert found["without"]["table"] == [WEB]
    assert found["undefined"]["table"] == []


def test_the_checks_get_the_whole_list() -> None:
    assert CHECKS["lvs.director.ipvs_health"] == {"services": "{{ ipvs_director_services }}", "defaults": "{{ ipvs_director_checks }}"}


def test_checks_come_after_the_table_and_go_before_it() -> None:
    names = [task.get("ansible.builtin.import_tasks") for task in yaml.safe_load((ROLE / "tasks" / "main.yml").read_text(encoding="utf-8"))]
    assert names.index("packages.yml") + 1 == names.index("health_check.yml")
    assert names.index("table.yml") < names.index("vip.yml") < names.index("health.yml") < names.index("health_absent.yml")
    removal = [next(iter(set(task) & {"lvs.director.ipvs_health", "lvs.director.ipvs_boot"}), "") for task in _removal()]
    assert [name for name in removal if name] == ["lvs.director.ipvs_health", "lvs.director.ipvs_boot"]


def test_wrong_checks_are_refused_before_anything_changes() -> None:
    """Else the table would be the new one, and the checks those of before."""
    assert REFUSED["check_mode"] is True
    assert REFUSED["lvs.director.ipvs_health"] == CHECKS["lvs.director.ipvs_health"]


def _removal() -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = yaml.safe_load((ROLE / "tasks" / "remove.yml").read_text(encoding="utf-8"))
    return tasks
