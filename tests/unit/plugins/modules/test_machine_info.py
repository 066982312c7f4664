# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_machine_info, with the programs and files of some machines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import command, machine, scheduler
from ansible_collections.lvs.director.plugins.modules import ipvs_machine_info

from contract.memory import MemoryStore

from .conftest import Run

DPKG = """#!/bin/sh
[ "$1 $2" = "--show --showformat" ] || exit 2
echo "$@" >>"$0.log"
printf 'installed dkms\\ninstalled linux-headers-6.1\\nunpacked linux-headers-6.2\\n'
printf 'half-configured linux-headers-6.3\\nnot-installed openssl\\n'
echo 'dpkg-query: no packages found matching nftables' >&2
exit 1
"""
RPM = """#!/bin/sh
[ "$1" = -qa ] || exit 2
printf 'installed dkms\\ninstalled dkms-3.2-1.noarch\\n'
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of programs that hide those of the machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(command, "_PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(machine, "_installed", lambda name: (folder / name).exists())
    return folder


def install(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("check", [False, True])
def test_facts_are_returned_on_any_machine(run: Run, check: bool) -> None:
    """Without a fake of anything: it must not fail, wherever it runs."""
    result = run("ipvs_machine_info", packages=["dkms", "linux-headers-*"], schedulers=["fo"], check=check)
    assert "failed" not in result
    assert (result["changed"], result["check_mode"]) == (False, check)
    assert result["kernel"] == os.uname().release
    assert result["root"] == (os.geteuid() == 0)


def test_packages_of_debian(run: Run, programs: Path) -> None:
    install(programs, "dpkg-query", DPKG)
    result = run("ipvs_machine_info", packages=["dkms", "linux-headers-*", "nftables"])
    assert result["packages"] == ["dkms", "linux-headers-6.1"]
    assert result["unfinished_packages"] == ["linux-headers-6.2", "linux-headers-6.3"]
    assert (programs / "dpkg-query.log").read_text().endswith(" dkms linux-headers-* nftables\n")


def test_packages_of_enterprise_linux(run: Run, programs: Path) -> None:
    install(programs, "rpm", RPM)
    result = run("ipvs_machine_info", packages=["dkms"])
    assert (result["packages"], result["unfinished_packages"]) == (["dkms", "dkms-3.2-1.noarch"], [])


@pytest.mark.parametrize("packages", [[], ["dkms"]])
def test_without_a_package_manager_nothing_is_installed(run: Run, programs: Path, packages: list[str]) -> None:
    assert run("ipvs_machine_info", packages=packages)["packages"] == []


def test_schedulers_that_the_kernel_does_not_have(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipvs_machine_info, "could_load", lambda name: name != "ip_vs_fooo")
    assert run("ipvs_machine_info", schedulers=["fo", "fooo"])["missing_schedulers"] == ["fooo"]


def test_interfaces_that_the_machine_does_not_have(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lo", "eth1"):
        (tmp_path / "net" / name).mkdir(parents=True)
    (tmp_path / "net" / "bonding_masters").write_text("")
    monkeypatch.setattr(machine, "INTERFACES", str(tmp_path / "net"))
    result = run("ipvs_machine_info", interfaces=["eth1", "eth7", "bonding_masters", "eth7"])
    assert result["interfaces"] == ["eth1", "lo"]
    assert result["missing_interfaces"] == ["eth7", "bonding_masters"]


def test_dkms_signing_certificate(run: Run, programs: Path) -> None:
    assert run("ipvs_machine_info", certificate="/a/b.der")["certificate"] == "/a/b.der"
    install(programs, "bash", '#!/bin/sh\n[ -n "$kernelver" ] && echo /c/$kernelver.pub\n')
    assert run("ipvs_machine_info", certificate="/a/b.der")["certificate"] == f"/c/{os.uname().release}.pub"


@pytest.mark.parametrize(
    ("enforce", "lockdown", "wants"),
    [
        ("N\n", None, False),
        ("Y\n", None, True),
        (None, "[none] integrity confidentiality\n", False),
        (None, "none [integrity] confidentiality\n", True),
        (None, None, False),
    ],
)
def test_kernels_that_require_signatures(
    run: Run, monkeypatch: pytest.MonkeyPatch, enforce: str | None, lockdown: str | None, wants: bool
) -> None:
    texts = {"sig_enforce": enforce, "lockdown": lockdown}
    monkeypatch.setattr(machine, "_content", lambda path: texts[path.rpartition("/")[2]] or "")
    assert run("ipvs_machine_info")["wants_signed_modules"] == wants


def test_a_container_may_not_load_modules(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for capabilities, may in (("00000000a80425fb", False), ("000001ffffffffff", True)):
        (tmp_path / "status").write_text(f"Name:\tpython3\nCapEff:\t{capabilities}\n")
        monkeypatch.setattr(machine, "STATUS", str(tmp_path / "status"))
        assert run("ipvs_machine_info")["may_load_modules"] == may


def test_a_kernel_without_ip_vs(run: Run, programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "TABLE", str(tmp_path / "ip_vs"))
    assert run("ipvs_machine_info")["has_ip_vs"], "without kmod it is not known to be missing"
    install(programs, "modinfo", "#!/bin/sh\nexit 1\n")
    assert not run("ipvs_machine_info")["has_ip_vs"]
    (tmp_path / "ip_vs").touch()
    assert run("ipvs_machine_info")["has_ip_vs"]


def test_what_the_role_has_installed(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ipvs_machine_info, "_HEALTH", str(tmp_path / "health.json"))
    assert not run("ipvs_machine_info")["has_health"]
    (tmp_path / "health.json").touch()
    assert run("ipvs_machine_info")["has_health"]
    paths = [tmp_path / name for name in ("conf", "unit")]
    monkeypatch.setattr(ipvs_machine_info, "_VRRP", tuple(map(str, paths)))
    assert not run("ipvs_machine_info")["has_vrrp"]
    for path in paths:
        path.touch()
        assert run("ipvs_machine_info")["has_vrrp"]
        path.unlink()


@pytest.mark.parametrize(
    ("text", "schedulers"),
    [
        (None, []),
        ('{"services": [{"scheduler": "test"}, {"scheduler": "fo"}, {"scheduler": "test"}, {}]}', ["fo", "test", "wlc"]),
        ("{", []),
        ('{"services": [1]}', []),
    ],
)
def test_saved_schedulers(run: Run, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, text: str | None, schedulers: list[str]) -> None:
    monkeypatch.setattr(scheduler, "MachineStore", lambda: store)
    store.table = text
    assert run("ipvs_machine_info")["saved_schedulers"] == schedulers
