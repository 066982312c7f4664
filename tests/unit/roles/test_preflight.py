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

MACHINE = {"root": True, "may_load_modules": True, "kernel": "6.1.0-56-amd64", "has_ip_vs": True, "missing_schedulers": [],
           "interfaces": ["eth0", "lo"], "missing_interfaces": []}  # fmt: skip
WEB: dict[str, Any] = {"protocol": "tcp", "address": "10.0.0.1", "port": 80}


def hundred(place: int, real: Any) -> list[dict[str, Any]]:
    """Return 100 services of 8 destinations each, and another fourth destination in one of them."""
    services = [
        {**WEB, "address": f"10.0.0.{at + 1}", "destinations": [{"address": f"10.1.1.{one}"} for one in range(8)]} for at in range(100)
    ]
    services[place]["destinations"][3] = real
    return services


GOOD: dict[str, Any] = {
    "__ipvs_director_supported": True,
    "__ipvs_director_kernels": "6[.]1[.]0-[0-9]+-amd64$",
    "__ipvs_director_kernel_example": "6.1.0-1-amd64",
    "__ipvs_director_machine": MACHINE,
    "__ipvs_director_wants_scheduler": True,
    "ipvs_director_state": "present",
    "ipvs_director_fallback_scheduler": "fo",
    "ipvs_director_purge": False,
    "ipvs_director_exclusive_destinations": True,
    "ipvs_director_scope": [],
    "ipvs_director_strict": True,
    "ipvs_director_checks": {},
    "__ipvs_director_checked": False,
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
    "own_kernel_without_builds": (
        {"__ipvs_director_machine": {**MACHINE, "kernel": "6.1.9"}, "__ipvs_director_wants_scheduler": False},
        "",
    ),
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
    "purge_all": ({"ipvs_director_purge": True, "ipvs_director_services": [], "ipvs_director_scope": [{"protocol": "tcp"}]}, ""),
    "purge_nowhere": (
        {"ipvs_director_purge": True, "ipvs_director_services": []},
        "ipvs_director_scope: is empty: say in which part of the table to delete the services that are not listed",
    ),
    # 13.4
    "no_purge": ({"ipvs_director_purge": "false"}, ""),
    # Issue 16.4: one short message, which names the service.
    "direct": (
        {"ipvs_director_services": hundred(73, {"address": "10.211.55.4", "forward_method": "DR"})},
        "ipvs_director_services[73] (tcp 10.0.0.74:80).destinations[3] (10.211.55.4).forward_method: "
        "'DR' is none of masquerade, localnode, tunnel, direct. Did you mean direct?",
    ),
    "mapping": ({"ipvs_director_services": {"web": {"port": 80}}}, "ipvs_director_services: {'web': {'port': 80}} is not a list"),
    "text": (
        {"ipvs_director_services": ["10.0.0.1:80"]},
        "ipvs_director_services[0]: '10.0.0.1:80' is not a dictionary of options. Did you mean {address: 10.0.0.1, port: 80}?",
    ),
    "twice": (
        {"ipvs_director_services": [WEB, WEB]},
        "ipvs_director_services[1] (tcp 10.0.0.1:80): tcp 10.0.0.1:80 is listed already, as services[0]",
    ),
    "scope": (
        {"ipvs_director_services": [WEB], "ipvs_director_scope": [{"adresses": "10.0.0.0/8"}]},
        "ipvs_director_scope[0]: there is no option adresses. Did you mean addresses?",
    ),
    "scope_text": (
        {"ipvs_director_services": [WEB], "ipvs_director_scope": "10.0.0.0/8"},
        "ipvs_director_scope[0]: '10.0.0.0/8' is not a dictionary of options",
    ),
    "outside": (
        {"ipvs_director_services": [WEB], "ipvs_director_scope": [{"addresses": "192.0.2.0/24"}]},
        "ipvs_director_services[0] (tcp 10.0.0.1:80): tcp 10.0.0.1:80 is outside of the declared scope",
    ),
    "as_yaml_has_them": ({"ipvs_director_services": [{**WEB, "port": "80", "scheduler": None}], "ipvs_director_strict": "no"}, ""),
    # It may have an upper one in the kernel.
    "lower": ({"ipvs_director_services": [{**WEB, "destinations": [{"address": "10.0.0.2", "lower_threshold": 3}]}]}, ""),
    "check": (
        {"ipvs_director_services": [{**WEB, "checks": [{"type": "tcp", "prt": 81}]}], "__ipvs_director_checked": True},
        "ipvs_director_services[0] (tcp 10.0.0.1:80).checks[0]: there is no option prt. Did you mean port?",
    ),
    "checks": (
        {
            "ipvs_director_services": [{**WEB, "checks": [{"type": "tcp"}]}],
            "__ipvs_director_checked": True,
            "ipvs_director_checks": {"interval": 0},
        },
        "ipvs_director_checks.interval: 0 is not in the range 0.1 to 86400 seconds",
    ),
    "checked": ({"ipvs_director_services": [{**WEB, "checks": [{"type": "tcp"}]}], "__ipvs_director_checked": True}, ""),
    "interface": (
        {"__ipvs_director_machine": {**MACHINE, "missing_interfaces": ["eth7", "eth8"]}},
        "name interfaces that this machine does not have: eth7, eth8. There are eth0, lo.",
    ),
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
    assert len(texts) == 10
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


def test_one_wrong_value_is_one_short_message(tmp_path: Path) -> None:
    """By the role itself, and before the machine is asked anything: it cannot be reached."""
    platform = {"distribution": "Debian", "distribution_version": "12.12", "distribution_major_version": "12", "os_family": "Debian"}
    one = {
        "hosts": "all",
        "gather_facts": False,
        "pre_tasks": [{"ansible.builtin.set_fact": {**platform, "cacheable": True}}],
        "roles": ["lvs.director.ipvs_director"],
        "vars": {"ipvs_director_services": hundred(73, {"address": "10.211.55.4", "forward_method": "DR"})},
    }
    host = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_ssh_args": "-o ConnectTimeout=1"}
    with pytest.raises(AssertionError) as failed:
        play(tmp_path, [one], {"far": host})
    text = str(failed.value)
    assert HOSTS["direct"][1] in text
    assert "argument_spec_data" not in text
    assert "UNREACHABLE" not in text
    assert len(text) < 3000, text


def test_every_interface_is_looked_at(tmp_path: Path) -> None:
    (looks,) = (task["lvs.director.ipvs_machine_info"] for task in TASKS if "lvs.director.ipvs_machine_info" in task)
    assert looks["interfaces"] == "{{ __ipvs_director_interfaces }}"
    variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))
    text = "{{ __ipvs_director_interfaces | to_json }}"
    one = {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "vars": {"__ipvs_director_interfaces": variables["__ipvs_director_interfaces"]},
        "tasks": [{"ansible.builtin.copy": {"content": text, "dest": "{{ folder }}/{{ inventory_hostname }}", "mode": "0600"}}],
    }
    vips = [{"address": "10.0.0.1/32", "interface": "eth1"}, {"address": "10.0.0.2/32", "interface": "eth2"}]
    pair = {"ipvs_director_vrrp": {"interface": "eth3"}, "ipvs_director_sync": {"interface": "eth4"}}
    play(tmp_path, [one], {"none": {"ipvs_director_vips": []}, "pair": {"ipvs_director_vips": vips, **pair}})
    assert json.loads((tmp_path / "none").read_text(encoding="utf-8")) == []
    assert json.loads((tmp_path / "pair").read_text(encoding="utf-8")) == ["eth1", "eth2", "eth3", "eth4"]
