# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's refusals before it touches anything, as Ansible itself prints them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_director as installed
import pytest
import yaml

TASKS = yaml.safe_load((Path(next(iter(installed.__path__))) / "tasks/preflight.yml").read_text(encoding="utf-8"))
ASSERTIONS = [task for task in TASKS if "ansible.builtin.assert" in task]

MACHINE = {"root": True, "may_load_modules": True, "kernel": "6.1.0-56-amd64", "has_ip_vs": True}
GOOD: dict[str, Any] = {
    "__ipvs_director_supported": True,
    "__ipvs_director_kernels": "6[.]1[.]0-[0-9]+-amd64$",
    "__ipvs_director_kernel_example": "6.1.0-1-amd64",
    "__ipvs_director_machine": MACHINE,
    "ipvs_director_fallback_scheduler": "fo",
}
# host: (the fault, the message)
HOSTS: dict[str, tuple[dict[str, Any], str]] = {
    "good": ({}, ""),
    "refusing": ({"ipvs_director_fallback_scheduler": ""}, ""),
    "platform": ({"__ipvs_director_supported": False}, "supports Debian 12 and 13, Ubuntu 22.04 and 24.04, and Enterprise Linux 9 and 10"),
    "itself": ({"ipvs_director_fallback_scheduler": "test"}, "ipvs_director_fallback_scheduler is test: what services have"),
    "user": ({"__ipvs_director_machine": {**MACHINE, "root": False}}, 'needs root. Say "become true" in the play.'),
    "container": ({"__ipvs_director_machine": {**MACHINE, "may_load_modules": False}}, "Run the role on the container's host"),
    "own_kernel": ({"__ipvs_director_machine": {**MACHINE, "kernel": "6.1.9"}}, "6.1.9, is not named as Debian names its kernels (6.1.0-"),
    "without_ip_vs": ({"__ipvs_director_machine": {**MACHINE, "has_ip_vs": False}}, "6.1.0-56-amd64, has no module ip_vs"),
}
PLAY = [
    {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.set_fact": {"distribution": "Debian", "distribution_version": "12.12", "cacheable": True}},
            {
                "block": ASSERTIONS,
                "rescue": [{"ansible.builtin.set_fact": {"said": "{{ ansible_failed_result.msg }}"}}],
            },
            {
                "ansible.builtin.copy": {
                    "content": "{{ said | default('') }}", "dest": "{{ folder }}/{{ inventory_hostname }}", "mode": "0600"
                }
            },
        ],
    }
]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preflight")
    (folder / "play.yml").write_text(yaml.safe_dump(PLAY))
    hosts = {name: {**GOOD, **otherwise} for name, (otherwise, _message) in HOSTS.items()}
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts, "vars": {"folder": str(folder)}}}))
    environment = {**os.environ, "ANSIBLE_GATHERING": "explicit", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}
    command = ["ansible-playbook", "--inventory", str(folder / "hosts.yml"), "--forks", "4", str(folder / "play.yml")]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


@pytest.mark.parametrize("name", HOSTS)
def test_what_is_said(name: str, said: Path) -> None:
    found, expected = (said / name).read_text(encoding="utf-8"), HOSTS[name][1]
    assert expected in found
    assert bool(expected) == bool(found)


def test_every_refusal_has_a_case() -> None:
    assert len(ASSERTIONS) == len([message for _otherwise, message in HOSTS.values() if message])
