# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's idea of a machine, and the packages it would install: its variables, as Ansible itself evaluates them.

On most of these platforms the role is never run by the tests; this is all that is known to be right of them.
"""

from __future__ import annotations

import json
import os
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.roles.ipvs_director as installed
import pytest
import yaml

ROLE = Path(next(iter(installed.__path__)))

# host: (os_family, distribution, version, kernel, whether it wants signed modules)
MACHINES = {
    "debian12": ("Debian", "Debian", "12.12", "6.1.0-56-cloud-amd64", False),
    "debian13": ("Debian", "Debian", "13.2", "6.12.117+deb13-amd64", True),
    "debian13_backports": ("Debian", "Debian", "13.2", "7.3.4+deb13-cloud-amd64", False),
    "ubuntu2204": ("Debian", "Ubuntu", "22.04", "5.15.0-91-generic", False),
    "ubuntu2204_hwe": ("Debian", "Ubuntu", "22.04", "6.8.0-40-generic", False),
    "ubuntu2404": ("Debian", "Ubuntu", "24.04", "6.8.0-60-generic", True),
    "ubuntu2404_aws": ("Debian", "Ubuntu", "24.04", "6.14.0-1010-aws", False),
    "stream9": ("RedHat", "CentOS", "9", "5.14.0-503.el9.x86_64", False),
    "rhel9": ("RedHat", "RedHat", "9.6", "5.14.0-570.12.1.el9_6.x86_64", True),
    "alma10": ("RedHat", "AlmaLinux", "10.1", "6.12.0-55.9.1.el10_0.x86_64", False),
    # Not supported: too old, not known, or with a kernel whose headers are elsewhere.
    "debian11": ("Debian", "Debian", "11.11", "5.10.0-46-amd64", False),
    "ubuntu2004": ("Debian", "Ubuntu", "20.04", "5.4.0-200-generic", False),
    "ubuntu2310": ("Debian", "Ubuntu", "23.10", "6.5.0-15-generic", False),
    "raspbian12": ("Debian", "Raspbian", "12", "6.12.34-v8", False),
    "mint22": ("Debian", "Linux Mint", "22", "6.8.0-60-generic", False),
    "fedora43": ("RedHat", "Fedora", "43", "6.17.1-300.fc43.x86_64", False),
    "arch": ("Archlinux", "Archlinux", "n/a", "6.17.1-arch1-1", False),
    "own_kernel": ("Debian", "Debian", "13.2", "6.12.1", False),
    "realtime9": ("RedHat", "Rocky", "9.6", "5.14.0-570.el9.x86_64+rt", False),
    "uek9": ("RedHat", "OracleLinux", "9.6", "5.15.0-300.163.18.el9uek.x86_64", False),
}

PLAY = """
- hosts: all
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        os_family: "{{ machine[0] }}"
        distribution: "{{ machine[1] }}"
        distribution_version: "{{ machine[2] }}"
        distribution_major_version: "{{ machine[2].split('.')[0] }}"
        cacheable: true
    - ansible.builtin.include_role:
        name: lvs.director.ipvs_director
        tasks_from: set_vars
        public: true
    - ansible.builtin.copy:
        dest: "{{ folder }}/{{ inventory_hostname }}.json"
        content: "{{ dict(seen, **(known if seen.known else {})) | to_json }}"
        mode: "0600"
      vars:
        __ipvs_director_machine: "{{ dict(kernel=machine[3], wants_signed_modules=machine[4], **half) }}"
        # A part of it is installed, some of that half.
        half: {packages: [dkms, openssl], unfinished_packages: [linux-headers-amd64, dkms-half], saved_schedulers: [test]}
        supported: "{{ __ipvs_director_supported }}"
        seen:
          known: "{{ supported and machine[3] is match(__ipvs_director_kernels) }}"
          supported: "{{ supported }}"
        known:
          tested: "{{ __ipvs_director_tested }}"
          manager: "{{ __ipvs_director_package_manager }}"
          packages: "{{ __ipvs_director_all_packages }}"
          repositories: "{{ __ipvs_director_repositories }}"
          pip: "{{ __ipvs_director_pip_packages }}"
          certificate: "{{ __ipvs_director_certificate }}"
          headers: "{{ __ipvs_director_headers }}"
          upgrade: "{{ __ipvs_director_upgrade }}"
          example: "{{ __ipvs_director_kernel_example is match(__ipvs_director_kernels) }}"
          missing: "{{ __ipvs_director_missing }}"
          build: "{{ __ipvs_director_build_packages }}"
          patterns: "{{ __ipvs_director_package_patterns }}"
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("platforms")
    (folder / "play.yml").write_text(PLAY)
    hosts = {name: {"machine": machine} for name, machine in MACHINES.items()}
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts, "vars": {"folder": str(folder)}}}))
    environment = {**os.environ, "ANSIBLE_GATHERING": "explicit", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}
    command = ["ansible-playbook", "--inventory", str(folder / "hosts.yml"), "--forks", "4", str(folder / "play.yml")]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {name: json.loads(Path(folder / f"{name}.json").read_text()) for name in MACHINES}


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("debian12", "dkms openssl linux-headers-6.1.0-56-cloud-amd64 linux-headers-cloud-amd64 python3-pyroute2 nftables"),
        ("debian13", "dkms openssl linux-headers-6.12.117+deb13-amd64 linux-headers-amd64 python3-pyroute2 nftables mokutil"),
        ("debian13_backports", "dkms openssl linux-headers-7.3.4+deb13-cloud-amd64 linux-headers-cloud-amd64 python3-pyroute2 nftables"),
        ("ubuntu2204", "dkms openssl linux-headers-5.15.0-91-generic linux-headers-generic python3-pip python3-setuptools nftables"),
        (
            "ubuntu2204_hwe",
            "dkms openssl linux-headers-6.8.0-40-generic linux-headers-generic-hwe-22.04 python3-pip python3-setuptools nftables",
        ),
        ("ubuntu2404", "dkms openssl linux-headers-6.8.0-60-generic linux-headers-generic python3-pyroute2 nftables mokutil shim-signed"),
        ("ubuntu2404_aws", "dkms openssl linux-headers-6.14.0-1010-aws linux-headers-aws python3-pyroute2 nftables"),
        (
            "stream9",
            "epel-release dkms openssl kernel-devel-5.14.0-503.el9.x86_64 kernel-devel-matched python3-pip python3-setuptools nftables",
        ),
        (
            "rhel9",
            "dkms openssl kernel-devel-5.14.0-570.12.1.el9_6.x86_64 kernel-devel-matched python3-pip python3-setuptools nftables mokutil",
        ),
        ("alma10", "epel-release dkms openssl kernel-devel-6.12.0-55.9.1.el10_0.x86_64 kernel-devel-matched python3-pyroute2 nftables"),
    ],
)
def test_installed_packages(seen: dict[str, dict[str, Any]], name: str, packages: str) -> None:
    assert seen[name]["packages"] == packages.split()
    # Where the distribution's pyroute2 is too old.
    assert bool(seen[name]["pip"]) == ("python3-pyroute2" not in packages)
    assert seen[name]["headers"] in packages.split()
    assert set(seen[name]["repositories"]) <= set(packages.split())


def test_every_supported_platform_is_complete(seen: dict[str, dict[str, Any]]) -> None:
    for name, one in seen.items():
        if one["known"]:
            assert one["tested"] == name.startswith("debian"), name
            family = MACHINES[name][0]
            assert one["manager"] == {"Debian": "apt", "RedHat": "dnf"}[family], name
            assert all(any(fnmatchcase(package, pattern) for pattern in one["patterns"]) for package in one["packages"]), name
            assert set(one["packages"]) - set(one["missing"]) == {"dkms", "openssl", "linux-headers-amd64"} & set(one["packages"]), name
            assert one["upgrade"].startswith(one["manager"] + " "), name
            assert one["certificate"].startswith("/var/lib/shim-signed/" if name.startswith("ubuntu") else "/var/lib/dkms/"), name
            assert one["example"] is True, name


def test_refused_platforms(seen: dict[str, dict[str, Any]]) -> None:
    assert [name for name, one in seen.items() if not one["supported"]] == [
        "debian11",
        "ubuntu2004",
        "ubuntu2310",
        "raspbian12",
        "mint22",
        "fedora43",
        "arch",
    ]
    assert [name for name, one in seen.items() if one["supported"] and not one["known"]] == ["own_kernel", "realtime9", "uek9"]


WANTED = {
    "nothing": ({}, [], False),
    "other": ({"ipvs_director_services": [{"scheduler": "fo"}, {"port": 80}]}, ["wlc"], False),
    "listed": ({"ipvs_director_services": [{"port": 80}, {"scheduler": "test"}]}, [], True),
    "saved": ({"ipvs_director_services": [{"scheduler": "fo"}]}, ["fo", "test"], True),
    "always": ({"ipvs_director_scheduler_module": "always"}, [], True),
    "never": ({"ipvs_director_scheduler_module": "never", "ipvs_director_services": [{"scheduler": "test"}]}, ["test"], False),
}


def test_the_scheduler_is_built_where_something_uses_it(tmp_path: Path) -> None:
    known = [yaml.safe_load((ROLE / part / "main.yml").read_text(encoding="utf-8")) for part in ("vars", "defaults")]
    names = ("uses_scheduler", "wants_scheduler", "boot_modules", "kmod_name")
    variables = {**known[1], **{f"__ipvs_director_{name}": known[0][f"__ipvs_director_{name}"] for name in names}}
    hosts = {name: {**given, "__ipvs_director_machine": {"saved_schedulers": saved}} for name, (given, saved, _wanted) in WANTED.items()}
    result = "{{ [__ipvs_director_wants_scheduler | bool, __ipvs_director_boot_modules] | to_json }}"
    write = {"ansible.builtin.copy": {"content": result, "dest": f"{tmp_path}/{{{{ inventory_hostname }}}}.json", "mode": "0600"}}
    plays = [{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [write]}]
    (tmp_path / "play.yml").write_text(json.dumps(plays))
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": {n: {**variables, **v} for n, v in hosts.items()}}}))
    command = ["ansible-playbook", "--inventory", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml")]
    environment = {**os.environ, "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp")}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for name, (_given, _saved, wanted) in WANTED.items():
        assert json.loads((tmp_path / f"{name}.json").read_text()) == [wanted, ["ip_vs", "ip_vs_test"] if wanted else ["ip_vs"]], name
