# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role derives for each director of a group: the same whichever directors are in the play."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.plays import ROLES

from .test_preflight import play

ROLE = ROLES["lvs.director.ipvs_director"]
# The first one gathers what is missing. The second one needs keepalived: the scenario `pair` runs it.
GATHER, VRRP = yaml.safe_load((ROLE / "tasks" / "vrrp.yml").read_text(encoding="utf-8"))
ROLE_VARS = {
    name: text
    for name, text in yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8")).items()
    if name.startswith(("__ipvs_director_sy", "__ipvs_director_unknown", "__ipvs_director_vips"))
}
SHARED: dict[str, Any] = {
    "ipvs_director_vips": [
        {"address": "10.211.55.3/32", "interface": "eth1"},
        {"address": "10.211.55.4/32", "interface": "eth1", "router_id": 52},
    ],
    "ipvs_director_vrrp": {"router_id": 51, "interface": "lo", "address": "{{ own }}", "peers": "{{ groups['all'] }}"},
    "ipvs_director_sysctls": {"net.ipv4.vs.sync_refresh_period": 20},
}
HOSTS: dict[str, dict[str, Any]] = {f"director-{number}": {"own": f"10.211.55.1{number}", **SHARED} for number in (1, 2)}
RESULT = {
    "instances": VRRP["lvs.director.ipvs_vrrp"]["instances"],
    "sysctls": "{{ __ipvs_director_sysctls }}",
    "vips": "{{ __ipvs_director_vips }}",
}
WRITE = {
    "ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": "{{ folder }}/{{ inventory_hostname }}.json", "mode": "0600"},
    "vars": {"result": RESULT},
}


def derived(folder: Path, hosts: dict[str, dict[str, Any]], *options: str, **keywords: Any) -> dict[str, Any]:
    """Run the role's first task and return what each director in the play derives."""
    variables = {**ROLE_VARS, **keywords.pop("vars", {})}
    one = {"hosts": "all", "connection": "local", "gather_facts": False, "vars": variables, "tasks": [GATHER, WRITE], **keywords}
    play(folder, [one], hosts, *options)
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("director-*.json")}


def test_a_part_of_the_group_gets_what_all_of_it_gets(tmp_path: Path) -> None:
    every = derived(tmp_path, HOSTS)
    short = {
        name: [(each["router_id"], each["address"], each["peers"], each["priority"]) for each in values["instances"]]
        for name, values in every.items()
    }
    assert short == {
        "director-1": [(51, "10.211.55.11", ["10.211.55.12"], 100), (52, "10.211.55.11", ["10.211.55.12"], 90)],
        "director-2": [(51, "10.211.55.12", ["10.211.55.11"], 90), (52, "10.211.55.12", ["10.211.55.11"], 100)],
    }
    for path in tmp_path.glob("director-*.json"):
        path.unlink()
    assert derived(tmp_path, HOSTS, "--limit", "director-2") == {"director-2": every["director-2"]}
    assert derived(tmp_path, HOSTS, serial=1) == every


def test_a_single_director_passes_over_the_tasks_of_a_pair(tmp_path: Path) -> None:
    """Ansible templates a loop before it looks at a condition that was imported."""
    tasks = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text(encoding="utf-8"))
    (imported,) = [task for task in tasks if task.get("ansible.builtin.import_tasks") == "vrrp.yml"]
    alone = {**imported, "ansible.builtin.import_tasks": str(ROLE / "tasks" / "vrrp.yml")}
    variables = {**ROLE_VARS, "ipvs_director_state": "present"}
    play(tmp_path, [{"hosts": "all", "connection": "local", "gather_facts": False, "vars": variables, "tasks": [alone]}], {"one": {}})


def test_facts_are_gathered_of_a_director_that_is_not_in_the_play(tmp_path: Path) -> None:
    """Variables of a play are not those of another host, so its address comes from its facts: here of this machine's lo."""
    hosts = {name: {"ansible_connection": "local"} for name in HOSTS}
    variables = {**SHARED, "own": "10.211.55.11"}
    (found,) = derived(tmp_path, hosts, "--limit", "director-1", vars=variables)["director-1"]["instances"][:1]
    assert (found["address"], found["peers"]) == ("10.211.55.11", ["127.0.0.1"])


def test_a_director_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    far = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_args": "-o ConnectTimeout=1"}
    with pytest.raises(AssertionError) as failed:
        derived(tmp_path, {"director-1": {}, "director-2": far}, "--limit", "director-1", vars={**SHARED, "own": "10.211.55.11"})
    assert "the IPv4 address of director-2 is not known" in str(failed.value)
    assert "Set ipvs_director_vrrp.address in the inventory, or list the address itself" in str(failed.value)


def test_sync_sets_what_makes_a_standby_know_everything(tmp_path: Path) -> None:
    hosts = {
        "director-1": {**HOSTS["director-1"], "ipvs_director_sync": {"interface": "eth2", "sync_ports": 4}},
        "director-2": HOSTS["director-2"],
    }
    with_sync, without = (values for _name, values in sorted(derived(tmp_path, hosts).items()))
    prefix = "net.ipv4.vs."
    assert {name.removeprefix(prefix): value for name, value in with_sync["sysctls"].items() if name.startswith(prefix)} == {
        "expire_nodest_conn": 0,
        "sync_threshold": [0, 0],
        "sync_refresh_period": 20,  # the user's own
        "sync_retries": 1,
        "backup_only": 0,
        "sync_ports": 4,
    }
    assert [name for name in without["sysctls"] if "sync" in name] == [f"{prefix}sync_refresh_period"]
    assert without["vips"] == [{"address": f"10.211.55.{last}/32", "interface": "eth1"} for last in (3, 4)]
