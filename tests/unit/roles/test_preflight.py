# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role refuses before any change, run with Ansible."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_director as installed
import pytest
import yaml

ROLE = Path(next(iter(installed.__path__)))
TASKS = [
    *yaml.safe_load((ROLE / "tasks/main.yml").read_text(encoding="utf-8"))[:1],
    *yaml.safe_load((ROLE / "tasks/preflight.yml").read_text(encoding="utf-8")),
]


def refusals(tasks: list[dict[str, Any]], *conditions: str) -> Iterator[dict[str, Any]]:
    """Yield the tasks that refuse, with the conditions of the blocks around them."""
    for task in tasks:
        when = [*conditions, *([task["when"]] if "when" in task else [])]
        if "block" in task:
            yield from refusals(task["block"], *when)
        elif "ansible.builtin.assert" in task or "lvs.director.ipvs_role_variables" in task:
            yield {**task, "when": when}


REFUSALS = list(refusals(TASKS))

MACHINE = {"root": True, "may_load_modules": True, "kernel": "6.1.0-56-amd64", "has_ip_vs": True, "missing_schedulers": []}
GOOD: dict[str, Any] = {
    "__ipvs_director_supported": True,
    "__ipvs_director_kernels": "6[.]1[.]0-[0-9]+-amd64$",
    "__ipvs_director_kernel_example": "6.1.0-1-amd64",
    "__ipvs_director_machine": MACHINE,
    "ipvs_director_state": "present",
    "ipvs_director_fallback_scheduler": "fo",
    "ipvs_director_purge": False,
    "__ipvs_director_sysctls": {},
}
ABSENT = {"ipvs_director_state": "absent"}
# host: (the deviation, the expected message)
HOSTS: dict[str, tuple[dict[str, Any], str]] = {
    "good": ({}, ""),
    "refusing": ({"ipvs_director_fallback_scheduler": ""}, ""),
    "platform": ({"__ipvs_director_supported": False}, "supports Debian 12 and 13, Ubuntu 22.04 and 24.04, and Enterprise Linux 9 and 10"),
    "itself": ({"ipvs_director_fallback_scheduler": "test"}, "ipvs_director_fallback_scheduler is test, but it is used where"),
    "user": ({"__ipvs_director_machine": {**MACHINE, "root": False}}, 'needs root: set "become: true" in the play.'),
    "container": ({"__ipvs_director_machine": {**MACHINE, "may_load_modules": False}}, "Run the role on the container's host"),
    "own_kernel": ({"__ipvs_director_machine": {**MACHINE, "kernel": "6.1.9"}}, "6.1.9, is not named as Debian names its kernels (6.1.0-"),
    "without_ip_vs": ({"__ipvs_director_machine": {**MACHINE, "has_ip_vs": False}}, "6.1.0-56-amd64, has no module ip_vs. If"),
    # 13.16
    "no_fallback": (
        {"ipvs_director_fallback_scheduler": "fooo", "__ipvs_director_machine": {**MACHINE, "missing_schedulers": ["fooo"]}},
        "ipvs_director_fallback_scheduler is fooo, but the running kernel, 6.1.0-56-amd64, has no module ip_vs_fooo",
    ),
    # 13.24
    "misspelt": ({"ipvs_director_service": []}, "has no variable ipvs_director_service (did you mean ipvs_director_services?)"),
    "several": (
        {"ipvs_director_xyz": 1, "ipvs_director_sate": "absent"},
        "no variable ipvs_director_sate (did you mean ipvs_director_state?); no ipvs_director_xyz",
    ),
    "misspelt_absent": ({**ABSENT, "ipvs_director_vip": []}, "(did you mean ipvs_director_vips?)"),
    "own_names": ({"ipvs_director": 1, "__ipvs_director_x": 1, "ipvs_directors_x": 1, "ipvs_director_selftest": {}}, ""),
    "purge": ({"ipvs_director_purge": True}, "ipvs_director_purge is set, but ipvs_director_services is not"),
    "purge_text": ({"ipvs_director_purge": "yes"}, "ipvs_director_purge is set, but ipvs_director_services is not"),
    "purge_all": ({"ipvs_director_purge": True, "ipvs_director_services": []}, ""),
    # 13.4
    "no_purge": ({"ipvs_director_purge": "false"}, ""),
    # Issue 14, fact 2.1: the active director would refuse everything.
    "backup_only": (
        {"ipvs_director_sync": {"interface": "eth2"}, "__ipvs_director_sysctls": {"net.ipv4.vs.backup_only": 1}},
        "With ipvs_director_sync, every director runs both sync daemons, and the active one would then refuse all connections.",
    ),
    "backup_only_alone": ({"__ipvs_director_sysctls": {"net.ipv4.vs.backup_only": 1}}, ""),
    "sync": ({"ipvs_director_sync": {"interface": "eth2"}, "__ipvs_director_sysctls": {"net.ipv4.vs.backup_only": 0}}, ""),
    # 13.23
    "absent": (
        {
            **ABSENT,
            "__ipvs_director_supported": False,
            "ipvs_director_fallback_scheduler": "test",
            "ipvs_director_purge": True,
            "__ipvs_director_machine": {**MACHINE, "may_load_modules": False, "kernel": "6.1.9", "has_ip_vs": False},
        },
        "",
    ),
    "absent_user": ({**ABSENT, "__ipvs_director_machine": {**MACHINE, "root": False}}, "needs root"),
}
PLAY = [
    {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.set_fact": {"distribution": "Debian", "distribution_version": "12.12", "cacheable": True}},
            {
                "block": REFUSALS,
                "rescue": [{"ansible.builtin.set_fact": {"said": "{{ ansible_failed_result.msg }}"}}],
            },
            {
                "ansible.builtin.copy": {
                    "content": "{{ said | default('') }}", "dest": "{{ folder }}/{{ inventory_hostname }}", "mode": "0600"
                }
            },
        ],
    }
]  # fmt: skip


def play(folder: Path, plays: list[dict[str, Any]], hosts: dict[str, dict[str, Any]], *options: str) -> str:
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts, "vars": {"folder": str(folder)}}}))
    environment = {**os.environ, "ANSIBLE_GATHERING": "explicit", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}
    command = ["ansible-playbook", "--inventory", str(folder / "hosts.yml"), "--forks", "4", str(folder / "play.yml"), *options]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preflight")
    play(folder, PLAY, {name: {**GOOD, **otherwise} for name, (otherwise, _message) in HOSTS.items()})
    return folder


@pytest.mark.parametrize("name", HOSTS)
def test_preflight_messages(name: str, said: Path) -> None:
    found, expected = (said / name).read_text(encoding="utf-8"), HOSTS[name][1]
    assert expected in found
    assert bool(expected) == bool(found)


def test_every_refusal_has_a_case(said: Path) -> None:
    texts = [task["ansible.builtin.assert"]["fail_msg"] for task in REFUSALS if "ansible.builtin.assert" in task]
    assert len(texts) == 9
    found = [path.read_text(encoding="utf-8") for path in said.iterdir() if path.name in HOSTS]
    for text in texts:
        words = re.compile(".*".join(re.escape(part) for part in re.split(r"{{.*?}}", text)), re.DOTALL)
        assert [each for each in found if words.fullmatch(each)], text


@pytest.mark.parametrize("how", ["-e ipvs_director_servics=[]", "play", "role", "include"])
def test_a_misspelt_variable_is_found_in_every_source(how: str, tmp_path: Path) -> None:
    """13.24, by the role itself, which connects to no machine for that."""
    name = {"ipvs_director_servics": []}
    role = {"role": "lvs.director.ipvs_director"}
    include = {"ansible.builtin.include_role": {"name": "lvs.director.ipvs_director"}}
    plays: dict[str, Any] = {
        "play": {"roles": [role], "vars": name},
        "role": {"roles": [{**role, **name}]},
        "include": {"tasks": [{**include, "vars": name}]},
    }
    one = {"hosts": "all", "gather_facts": False, **plays.get(how, {"roles": [role]})}
    host = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_ssh_args": "-o ConnectTimeout=1"}
    with pytest.raises(AssertionError) as failed:
        play(tmp_path, [one], {"far": host}, *(how.split() if how.startswith("-") else []))
    # A role's parameters are the only variables that Ansible itself compares with its argument specification.
    words = "ipvs_director_servics. Supported parameters include" if how == "role" else "did you mean ipvs_director_services?"
    assert words in str(failed.value)
    assert "UNREACHABLE" not in str(failed.value)
