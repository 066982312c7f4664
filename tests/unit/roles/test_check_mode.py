# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the role that are a single module, run with Ansible on this machine, with fake programs and files.

Check mode on the command line, or as a keyword of a play, role or task, changes nothing and gives the same result.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lvs.director.plugins.modules.ipvs_fwmark import fwmark_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_vip import vip_module_spec

from docs.plays import ROLES, Director

ROLE = ROLES["lvs.director.ipvs_director"]
# Each logs its arguments, and answers as on a new machine.
PROGRAMS = {
    "ip": """case "$*" in *show*) [ -s "$LOG.ip" ] && shown=', {"local": "10.211.55.77", "prefixlen": 32}'
echo '[{"ifname": "eth1", "addr_info": [{"local": "10.211.55.1", "prefixlen": 24}'"$shown"']}]' ;; *) cat >>"$LOG.ip" ;; esac""",
    "nft": """case "$*" in *list*) [ -s "$LOG.nft" ] || { echo "No such file or directory" >&2; exit 1; }
echo loaded ;; *) cat >>"$LOG.nft" ;; esac""",
    "unshare": "echo loaded",
    "systemctl": """case "$1" in show) [ -s "$LOG.systemctl" ] && state=active
for unit in 1 2; do echo "LoadState=loaded
ActiveState=$state
UnitFileState=${state:+enabled}
NeedDaemonReload=no
"; done ;; *) echo "$*" >>"$LOG.systemctl" ;; esac""",
}
VARIABLES = {
    "vip": {"ipvs_director_vips": [{"address": "10.211.55.77/32", "interface": "eth1"}]},
    # As people write them; Ansible converts the types.
    "fwmark": {"ipvs_director_fwmarks": [{"fwmark": "9", "addresses": "10.211.55.77", "protocol": "tcp", "ports": 443}]},
    "sysctl": {"ipvs_director_sysctls": {"net.ipv4.vs.sync_threshold": [4, 60]}},
}
PARAMETERS = {
    "net/ipv4/ip_forward": "0",
    "net/ipv4/conf/all/send_redirects": "1",
    "net/ipv4/vs/expire_nodest_conn": "0",
    "net/ipv4/vs/sync_threshold": "3\t50",
}


@pytest.fixture
def director(tmp_path: Path) -> Director:
    director = Director(tmp_path)
    (tmp_path / "bin").mkdir()
    for name, script in PROGRAMS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\nLOG={tmp_path}/log\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    for name, value in PARAMETERS.items():
        path = tmp_path / "files" / "sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value + "\n")
    return director


def everything(folder: Path) -> dict[str, str]:
    found = {str(path): path.read_text() for path in (folder / "files").rglob("*") if path.is_file()}
    return {**found, **{str(path): path.read_text() for path in folder.glob("log.*")}}


def play(part: str, level: str = "") -> dict[str, Any]:
    keyword = {"check_mode": True}
    module = f"lvs.director.ipvs_{part}"
    include: dict[str, Any] = {
        "ansible.builtin.include_role": {"name": "lvs.director.ipvs_director", "tasks_from": part, "rolespec_validate": False}
    }
    if level == "role":
        include["ansible.builtin.include_role"]["apply"] = keyword
    if level == "task":
        # The role's own task, with the keyword that a person would give it.
        (task,) = yaml.safe_load((ROLE / "tasks" / f"{part}.yml").read_text())
        variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
        names = {name: text for name, text in variables.items() if re.match("__ipvs_director_(sysctls|sync|vips)", name)}
        include = {module: task[module], **keyword, "vars": {**names, "ipvs_director_state": "present"}}
    return {
        "hosts": "directors",
        "gather_facts": False,
        "vars": VARIABLES[part],
        "tasks": [include],
        **(keyword if level == "play" else {}),
    }


def said(director: Director, *levels: str, options: tuple[str, ...] = ()) -> list[list[str]]:
    """Run every part at each level; return the diff of its task, and whether it changed anything."""
    output = director.run([play(part, level) for level in levels for part in VARIABLES], "--diff", *options).partition("PLAY RECAP")[0]
    shown = [text.rpartition("TASK [")[2].partition("\n")[2].strip() for text in output.split("PLAY [")[1:]]
    return [shown[start : start + len(VARIABLES)] for start in range(0, len(shown), len(VARIABLES))]


def test_check_mode_changes_nothing_however_it_is_set(director: Director) -> None:
    before = everything(director.folder)
    play_level, role_level, task_level = said(director, "play", "role", "task")
    assert everything(director.folder) == before
    (command_line,) = said(director, "", options=("--check",))
    assert everything(director.folder) == before
    done, again = said(director, "", "")
    assert play_level == role_level == task_level == command_line == done
    assert [text.rpartition("\n")[2] for text in done] == ["changed: [director]"] * len(VARIABLES)
    assert again == ["ok: [director]"] * len(VARIABLES)
    # Types are those of a module's options.
    texts = {Path(name).name: text for name, text in everything(director.folder).items()}
    assert texts["log.ip"] == "address add 10.211.55.77/32 dev eth1\n"
    assert "ip daddr { 10.211.55.77/32 } tcp dport { 443 } meta mark set 9" in texts["ipvs_director_fwmark.nft"]
    assert "net.ipv4.vs.sync_threshold = 4 60" in texts["zz-ipvs_director.conf"]
    assert json.loads(texts["sysctls.json"])["net/ipv4/vs/sync_threshold"] == ["3 50", "4 60"]


def shape(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: ({key: option.get(key) for key in ("type", "elements", "choices", "required")}, shape(option.get("options", {})))
        for name, option in options.items()
    }


@pytest.mark.parametrize(("variable", "spec"), [("vips", vip_module_spec()), ("fwmarks", fwmark_module_spec())])
def test_a_variable_of_the_role_is_an_option_of_the_module(variable: str, spec: dict[str, Any]) -> None:
    options = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    # VRRP's, and taken out for ipvs_vip.
    options["ipvs_director_vips"]["options"].pop("router_id")
    assert shape(options[f"ipvs_director_{variable}"]["options"]) == shape(spec["argument_spec"][variable]["options"])
