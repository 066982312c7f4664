# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_scheduler, from its options to its result, on a machine in memory."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common import respawn
from ansible_collections.lvs.director.plugins.module_utils import _runner
from ansible_collections.lvs.director.plugins.module_utils._boot import reload_scheduler
from ansible_collections.lvs.director.plugins.module_utils._kernel import client
from ansible_collections.lvs.director.plugins.module_utils._machine import dkms, machine, scheduler, signature, unload
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsUnavailableError

from ...scheduler import NEWEST, OLDER, OTHER, RUNNING, SOURCE, Machine, checksum, director, saved
from .conftest import Result, Run

__all__ = ["director"]

OURS = "TCP  0AD33703:0015 test"
OURS_SAVED = {"protocol": "tcp", "address": "10.211.55.3", "port": 21, "scheduler": "test"}


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of warnings so far. Ansible itself has each only once in a process."""
    given: list[str] = []
    monkeypatch.setattr(_runner.AnsibleModule, "warn", lambda _module, text: given.append(text))
    return given


@pytest.fixture
def deploy(run: Run, director: Machine) -> Run:
    """Return a function that runs the module with a source, first in check mode: both must return the same steps."""

    def deploy(source: dict[str, str] = SOURCE, **options: Any) -> Result:
        arguments = {"source": source, **options} if options.get("state") != "absent" else options
        log = list(director.log)
        predicted = run("ipvs_scheduler", check=True, **arguments)
        assert director.log == log, "check mode has changed something"
        result = run("ipvs_scheduler", **arguments)
        assert neutral(predicted["steps"]) == neutral(result["steps"])
        assert predicted["changed"] == result["changed"] == bool(result["steps"])
        if not result.get("failed"):
            assert run("ipvs_scheduler", **arguments)["steps"] == []
        return result

    return deploy


def neutral(steps: list[str]) -> list[str]:
    """Return steps without the checksum of a build, which is not known before."""
    return [step.replace("of the build to come", "X").replace(checksum(SOURCE), "X").replace(checksum(OTHER), "X") for step in steps]


def verbs(director: Machine) -> list[str]:
    return [" ".join(line.split()[:2]) if line.startswith("dkms") else line for line in director.log]


def fail(run: Run, **options: Any) -> str:
    """Return the message of a task that fails in check mode as it does without it."""
    result = run("ipvs_scheduler", **options)
    assert result.get("failed"), result
    message: str = result["msg"]
    assert run("ipvs_scheduler", check=True, **options)["msg"] == message
    return message


# -- build, install, load --------------------------------------------------------------------------------------------------


def test_a_bare_machine_gets_the_scheduler(deploy: Run, director: Machine) -> None:
    result = deploy()
    assert neutral(result["steps"]) == [
        f"write {dkms.SOURCES}/ip_vs_test-1.0.0: new",
        "add ip_vs_test/1.0.0 to DKMS",
        f"build ip_vs_test/1.0.0 for {RUNNING}",
        f"install ip_vs_test/1.0.0 for {RUNNING}",
        "load the kernel module ip_vs_test (source X)",
        f"write {scheduler.AT_BOOT}",
    ]
    assert verbs(director) == ["dkms add", "dkms build", "dkms install", "modprobe ip_vs_test"]
    assert result["version"] == "1.0.0"
    assert result["diff"]["prepared"].count("\n") == len(result["steps"])
    assert Path(scheduler.AT_BOOT).read_text().splitlines()[1:] == ["ip_vs", "ip_vs_test"]
    assert json.loads(Path(scheduler.EARLIER).read_text()) == ["ext4"]


def test_installed_does_not_load_the_scheduler(deploy: Run, director: Machine) -> None:
    deploy(state="installed")
    assert "ip_vs_test" not in director.loaded
    assert not Path(scheduler.AT_BOOT).exists()


def test_every_kernel_with_headers_gets_a_build_the_running_one_first(deploy: Run, director: Machine) -> None:
    director.add_kernel(NEWEST)
    director.add_kernel(OLDER)
    shutil.rmtree(dkms.MODULES / OLDER / "kernel")  # only the headers are installed
    built = [step.rpartition(" ")[2] for step in deploy()["steps"] if step.startswith("build")]
    assert built == [RUNNING, NEWEST]


def test_without_headers_nothing_is_changed(run: Run, director: Machine) -> None:
    shutil.rmtree(dkms.MODULES / RUNNING / "build")
    result = run("ipvs_scheduler", source=SOURCE)
    assert result["msg"].startswith(f"The headers of {RUNNING} are not installed")
    assert director.log == []


def test_another_source_is_compiled_before_the_old_build_is_removed(deploy: Run, director: Machine) -> None:
    deploy()
    director.log.clear()
    steps = neutral(deploy(OTHER)["steps"])
    assert steps[0] == f"compile ip_vs_test/1.0.0 for {RUNNING} on trial"
    assert f"write {dkms.SOURCES}/ip_vs_test-1.0.0: ip_vs_test.c differs" in steps
    assert steps[-1] == "replace the kernel module ip_vs_test (source X)"
    assert director.log[-2:] == ["rmmod ip_vs_test", "modprobe ip_vs_test"]
    assert director.loaded["ip_vs_test"] == checksum(OTHER)


def test_another_version_is_built_beside_the_old_one(deploy: Run, director: Machine) -> None:
    deploy()
    director.log.clear()
    deploy({**OTHER, "dkms.conf": 'PACKAGE_VERSION="1.1.0"\n'})
    assert verbs(director)[:4] == ["dkms add", "dkms build", "dkms remove", "dkms install"]
    assert [path.name for path in dkms.SOURCES.iterdir()] == ["ip_vs_test-1.1.0"]


def test_a_source_that_does_not_compile_changes_nothing(deploy: Run, run: Run, director: Machine) -> None:
    deploy()
    director.breaking.add(RUNNING)
    director.log.clear()
    result = run("ipvs_scheduler", source=OTHER)
    assert f"ip_vs_test/1.0.0 does not compile for {RUNNING}. Nothing was changed" in result["msg"]
    assert "'NUL' undeclared" in result["msg"]
    assert result["steps"] == []
    assert [line.split()[0] for line in director.log] == ["make"]
    assert director.loaded["ip_vs_test"] == director.installed[RUNNING] == checksum(SOURCE)


def test_a_source_that_never_built_does_not_stay_in_dkms(run: Run, director: Machine) -> None:
    director.breaking.add(RUNNING)
    result = run("ipvs_scheduler", source=SOURCE)
    assert result["msg"].startswith(f"DKMS could not build ip_vs_test/1.0.0 for {RUNNING}.\n")
    assert "'NUL' undeclared" in result["msg"]
    assert not list(dkms.SOURCES.iterdir()) + list(dkms.DKMS.iterdir())


def test_a_lost_build_is_made_again(deploy: Run) -> None:
    deploy()
    (dkms.DKMS / "ip_vs_test/1.0.0" / RUNNING / "x86_64/built").unlink()
    assert f"build ip_vs_test/1.0.0 for {RUNNING}" in deploy()["steps"]


def test_a_source_without_a_version_is_refused(run: Run, director: Machine) -> None:
    assert fail(run, source={"a.c": ""}) == "source: there is no dkms.conf with a PACKAGE_VERSION; there is a.c"
    assert director.log == []


def test_the_module_needs_root(run: Run, director: Machine) -> None:
    director.euid = 1000
    assert "run the task as root (become: true)" in fail(run, source=SOURCE)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("modprobe: ERROR: could not insert: Key was rejected by service", "Enrol the certificate"),
        ("modprobe: ERROR: could not insert: Exec format error", "Exec format error. The kernel's log says more"),
    ],
)
def test_a_failed_load_reports_the_reason_and_the_steps(run: Run, director: Machine, reason: str, words: str) -> None:
    director.refusing = reason
    result = run("ipvs_scheduler", source=SOURCE)
    assert words in result["msg"]
    assert result["changed"]
    assert result["steps"][-1] == f"install ip_vs_test/1.0.0 for {RUNNING}"


# -- older kernels (13.30) -------------------------------------------------------------------------------------------------


def test_an_older_kernel_that_does_not_build_is_only_a_warning(deploy: Run, run: Run, director: Machine, warnings: list[str]) -> None:
    director.add_kernel(OLDER)
    director.breaking.add(OLDER)
    result = deploy()
    assert result["unbuilt_kernels"] == [OLDER]
    warning = warnings[-1]
    assert OLDER in warning
    assert "'NUL' undeclared" in warning
    assert director.loaded["ip_vs_test"] == checksum(SOURCE)
    # Nothing is tried again, and the warning stays.
    director.log.clear()
    warnings.clear()
    again = run("ipvs_scheduler", source=SOURCE)
    assert (again["changed"], warnings, director.log) == (False, [warning], [])
    # Until there is something new to try.
    director.breaking.clear()
    makefile = dkms.MODULES / OLDER / "build" / "Makefile"
    makefile.unlink()
    makefile.write_text("new")
    result = deploy()
    assert result["steps"] == [f"build ip_vs_test/1.0.0 for {OLDER}", f"install ip_vs_test/1.0.0 for {OLDER}"]
    assert result["unbuilt_kernels"] == []


def test_another_source_need_not_compile_for_an_older_kernel(deploy: Run, director: Machine) -> None:
    director.add_kernel(OLDER)
    deploy()
    director.breaking.add(OLDER)
    result = deploy(OTHER)
    assert result["unbuilt_kernels"] == [OLDER]
    assert director.loaded["ip_vs_test"] == checksum(OTHER)


def test_the_newest_kernel_must_build(run: Run, director: Machine) -> None:
    director.add_kernel(NEWEST)
    director.breaking.add(NEWEST)
    assert f"could not build ip_vs_test/1.0.0 for {NEWEST}" in run("ipvs_scheduler", source=SOURCE)["msg"]


def test_an_older_kernel_that_becomes_the_running_one_must_build(
    deploy: Run, run: Run, director: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    director.add_kernel(OLDER)
    director.breaking.add(OLDER)
    deploy(state="installed")
    monkeypatch.setattr("os.uname", lambda: type("Uname", (), {"release": OLDER, "nodename": "director"}))
    assert f"could not build ip_vs_test/1.0.0 for {OLDER}" in run("ipvs_scheduler", source=SOURCE)["msg"]


# -- replace it in service -------------------------------------------------------------------------------------------------


@pytest.fixture
def swaps(director: Machine, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Fake the replacement in service; return its arguments."""
    told: list[tuple[Any, ...]] = []

    class Kernel:
        def close(self) -> None: ...

    def swap(*words: Any) -> None:
        told.append(tuple(word for word in words if isinstance(word, str)))
        Path(scheduler.UNFINISHED).unlink(missing_ok=True)
        if error:
            raise error[0]
        director.loaded["ip_vs_test"] = director.installed[RUNNING]

    error: list[Exception] = []
    director.swap_fails = error.append  # type: ignore[attr-defined]
    monkeypatch.setattr(reload_scheduler, "reload_scheduler", swap)
    monkeypatch.setattr(client, "NetlinkKernel", Kernel)
    return told


def test_a_scheduler_in_use_is_replaced(deploy: Run, director: Machine, swaps: list[Any]) -> None:
    deploy()
    director.serve(OURS, "  -> 0A630103:0015 Masq 1 0 0", "FWM  00000007 test", "TCP  0AD33703:0050 rr")
    result = deploy(OTHER)
    assert neutral(result["steps"])[-1] == (
        "replace the kernel module ip_vs_test (source X); 2 virtual service(s) use its scheduler 'test' "
        "(tcp 10.211.55.3:21, fwmark 7), and use 'fo' meanwhile"
    )
    assert swaps == [("test", "fo")]


def test_a_replacement_that_was_killed_is_completed(deploy: Run, director: Machine, swaps: list[Any]) -> None:
    deploy()
    director.serve(OURS)
    Path(scheduler.UNFINISHED).touch()
    assert deploy()["steps"] == ["give services the scheduler 'test' again"]
    assert swaps == [("test", "fo")]


def test_without_a_fallback_everything_but_the_replacement_is_done(deploy: Run, director: Machine, swaps: list[Any]) -> None:
    deploy()
    director.serve(OURS, "TCP  [2001:0db8:0000:0000:0000:0000:0000:0003]:0050 test")
    Path(scheduler.AT_BOOT).unlink()
    result = deploy(OTHER, fallback_scheduler="")
    assert result["failed"]
    assert result["pending"] == result["msg"]
    assert "2 virtual service(s) use its scheduler 'test' (tcp 10.211.55.3:21, tcp [2001:db8::3]:80)" in result["msg"]
    assert "ipvs_director_fallback_scheduler is empty" in result["msg"]
    assert result["steps"][-2:] == [f"install ip_vs_test/1.0.0 for {RUNNING}", f"write {scheduler.AT_BOOT}"]
    assert director.loaded["ip_vs_test"] == checksum(SOURCE)
    assert swaps == []


def test_services_in_other_namespaces_keep_the_older_build(deploy: Run, run: Run, director: Machine, swaps: list[Any]) -> None:
    deploy()
    director.serve()
    director.uses["ip_vs_test"] = 1
    director.swap_fails(IpvsConflictError("used elsewhere"))  # type: ignore[attr-defined]
    result = run("ipvs_scheduler", source=OTHER)
    assert (result["failed"], result["pending"]) == (True, "used elsewhere")
    assert result["steps"][-1] == f"install ip_vs_test/1.0.0 for {RUNNING}"


def test_a_replacement_that_fails_is_an_error_and_nothing_is_pending(deploy: Run, run: Run, director: Machine, swaps: list[Any]) -> None:
    deploy()
    director.serve(OURS)
    director.swap_fails(IpvsUnavailableError("the reason"))  # type: ignore[attr-defined]
    result = run("ipvs_scheduler", source=OTHER)
    assert (result["msg"], result["pending"]) == ("the reason", "")


def test_an_interpreter_with_pyroute2_is_preferred(run: Run, director: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    respawned: list[str] = []
    monkeypatch.setattr(_runner, "find_spec", lambda _name: None)
    monkeypatch.setattr(respawn, "probe_interpreters_for_module", lambda _names, _module: "/usr/bin/another")
    monkeypatch.setattr(respawn, "respawn_module", respawned.append)
    run("ipvs_scheduler", source=SOURCE, check=True)
    assert respawned == ["/usr/bin/another"]
    # A new machine has none.
    monkeypatch.setattr(respawn, "probe_interpreters_for_module", lambda _names, _module: None)
    assert run("ipvs_scheduler", source=SOURCE)["changed"]
    assert len(respawned) == 1


@pytest.mark.parametrize(
    ("fallback", "words"), [("fooo", f"the kernel {RUNNING} has no module ip_vs_fooo"), ("test", "is the scheduler that is replaced")]
)
def test_an_unknown_fallback_is_refused_before_any_change(run: Run, director: Machine, fallback: str, words: str) -> None:
    assert words in fail(run, source=SOURCE, fallback_scheduler=fallback)
    assert director.log == []


# -- signatures ------------------------------------------------------------------------------------------------------------

# As a kernel of Debian 13 shows them; the second is in place of the machine's own.
LISTING = """\
094258fd I------ 1 perm 1f030000 0 0 asymmetri Build time autogenerated kernel key: 3d5dea839b93ec1d: X509.ecdsa-nist-p384 a6651c35 []
1043ea3c I------ 2 perm 1f0b0000 0 0 keyring   .builtin_trusted_keys: 1
1f02b0a1 I------ 1 perm 1f030000 0 0 asymmetri DKMS module signing key: OURS: X509.rsa 8c3b38a0 []
"""


def openssl(*words: str) -> str:
    return subprocess.run(["openssl", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Made as DKMS does."""
    path = tmp_path / "mok.pub"
    openssl("req", "-new", "-x509", "-nodes", "-days", "36500", "-subj", "/CN=DKMS module signing key", "-newkey", "rsa:2048",
            "-keyout", str(tmp_path / "mok.key"), "-outform", "DER", "-out", str(path))  # fmt: skip
    return path


@pytest.fixture
def secure(director: Machine, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A kernel that insists on signatures, and DKMS signs with a key that it does not trust."""
    monkeypatch.setattr(machine, "wants_signed_modules", lambda: True)
    Path(signature.KEYS).write_text(LISTING)
    Path(signature.UEFI).mkdir()
    director.signer = openssl("x509", "-in", str(certificate), "-noout", "-serial").strip().partition("=")[2]
    return director


def trust(certificate: Path) -> None:
    text = openssl("x509", "-in", str(certificate), "-noout", "-ext", "subjectKeyIdentifier")
    Path(signature.KEYS).write_text(LISTING.replace("OURS", text.split()[-1].replace(":", "").lower()))


def test_a_key_that_the_kernel_lists_is_trusted(deploy: Run, secure: Machine, certificate: Path) -> None:
    trust(certificate)
    deploy(certificate=str(certificate))
    assert "ip_vs_test" in secure.loaded


def test_instructions_to_enrol_a_key_come_before_loading(run: Run, secure: Machine, certificate: Path) -> None:
    predicted = run("ipvs_scheduler", check=True, source=SOURCE, certificate=str(certificate))
    result = run("ipvs_scheduler", source=SOURCE, certificate=str(certificate))
    assert predicted["msg"] == result["msg"]
    assert predicted["steps"] == result["steps"] != []
    fingerprint = openssl("x509", "-in", str(certificate), "-noout", "-fingerprint", "-sha1").strip().partition("=")[2].lower()
    for words in (f"{certificate} (SHA1 fingerprint {fingerprint})", f"mokutil --import {certificate}", "password", "Enroll MOK"):
        assert words in result["msg"]
    assert "UEFI" not in result["msg"]
    assert "ip_vs_test" not in secure.loaded
    assert secure.installed == {RUNNING: checksum(SOURCE)}
    Path(signature.UEFI).rmdir()
    assert "not booted by UEFI" in run("ipvs_scheduler", source=SOURCE, certificate=str(certificate))["msg"]


def test_a_loaded_scheduler_with_an_untrusted_key_is_only_a_warning(
    deploy: Run, run: Run, secure: Machine, certificate: Path, warnings: list[str]
) -> None:
    trust(certificate)
    deploy(certificate=str(certificate))
    Path(signature.KEYS).write_text(LISTING)
    result = run("ipvs_scheduler", source=SOURCE, certificate=str(certificate))
    assert (result["changed"], "failed" in result) == (False, False)
    assert warnings[-1].startswith("The scheduler is loaded, but will not be after a reboot. The kernel")
    assert run("ipvs_scheduler", check=True, source=OTHER, certificate=str(certificate))["failed"]


def test_a_certificate_without_an_identifier_goes_by_its_serial_number(
    deploy: Run, secure: Machine, certificate: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain.cnf").write_text("[req]\ndistinguished_name = name\n[name]\n")
    openssl("req", "-new", "-x509", "-key", str(tmp_path / "mok.key"), "-config", str(tmp_path / "plain.cnf"), "-subj", "/CN=plain",
            "-set_serial", "0x0badc0de", "-addext", "subjectKeyIdentifier=none", "-outform", "DER", "-out", str(certificate))  # fmt: skip
    assert "Identifier" not in openssl("x509", "-in", str(certificate), "-noout", "-text")
    Path(signature.KEYS).write_text(LISTING.replace("OURS", "0badc0de"))
    secure.signer = "0B:AD:C0:DE"
    assert not deploy(certificate=str(certificate)).get("failed")


def test_a_key_that_does_not_exist_yet(run: Run, secure: Machine, tmp_path: Path) -> None:
    result = run("ipvs_scheduler", check=True, source=SOURCE, certificate=str(tmp_path / "none"))
    assert "DKMS makes it with the first module" in result["msg"]
    with pytest.raises(IpvsUnavailableError, match="has not made it"):
        signature.distrust("ip_vs_test", str(tmp_path / "none"), check_mode=False)


def test_an_invalid_certificate_is_named(run: Run, secure: Machine, certificate: Path) -> None:
    certificate.write_text("bad")
    assert "mok.pub, the certificate of the key with which DKMS signs, is none" in run(
        "ipvs_scheduler", check=True, source=SOURCE, certificate=str(certificate)
    )["msg"]  # fmt: skip


def test_only_builds_signed_with_the_key_count(deploy: Run, run: Run, secure: Machine, certificate: Path, tmp_path: Path) -> None:
    trust(certificate)
    deploy(certificate=str(certificate))
    serial, secure.signer = secure.signer, "12:9A:A2:F4:C5\n"
    again = run("ipvs_scheduler", check=True, source=SOURCE, certificate=str(certificate))["steps"]
    assert [step.split()[0] for step in again[:5]] == ["compile", "remove", "add", "build", "install"]
    secure.signer = ":".join(serial[at : at + 2] for at in range(0, len(serial), 2))
    assert run("ipvs_scheduler", source=SOURCE, certificate=str(certificate))["steps"] == []


def test_a_build_that_dkms_does_not_sign_is_an_error(run: Run, secure: Machine, certificate: Path) -> None:
    secure.signer = ""
    message = run("ipvs_scheduler", source=SOURCE, certificate=str(certificate))["msg"]
    assert f"without a signature by the key of {certificate}" in message
    assert "openssl not found" in message
    assert "Building" not in message


# -- absent ----------------------------------------------------------------------------------------------------------------


def test_removal_leaves_nothing(deploy: Run, run: Run, director: Machine, tmp_path: Path) -> None:
    director.add_kernel(OLDER)
    director.breaking.add(OLDER)
    deploy()
    steps = deploy(state="absent")["steps"]
    assert steps == [
        "unload the kernel module ip_vs_test",
        "unload the kernel module ip_vs",
        "unload the kernel module nf_conntrack",
        f"remove {scheduler.AT_BOOT}",
        f"remove {scheduler.EARLIER}",
        "remove ip_vs_test/1.0.0 from DKMS",
        f"delete {dkms.SOURCES}/ip_vs_test-1.0.0",
        f"remove {dkms.UNBUILT}",
    ]
    assert director.loaded == {"ext4": "x"}
    assert not list(dkms.SOURCES.iterdir()) + list(dkms.DKMS.iterdir())
    assert not list((tmp_path / "state").glob("*"))


def test_leftovers_of_dkms_are_named(deploy: Run, run: Run, director: Machine) -> None:
    deploy()
    left = dkms.MODULES / RUNNING / "extra" / "ip_vs_test.ko.xz"
    left.parent.mkdir()
    left.touch()
    assert f"DKMS did not remove all of ip_vs_test. Left are {left}" in run("ipvs_scheduler", state="absent")["msg"]


@pytest.mark.parametrize("services", [["FWM  00000007 test"], [OURS, "UDP  0AD33703:0015 test"]])
def test_services_of_others_stop_a_removal_in_advance(
    deploy: Run, run: Run, director: Machine, monkeypatch: pytest.MonkeyPatch, services: list[str]
) -> None:
    """13.12: in check mode too, although the services that are restored at boot would be deleted by then."""
    deploy()
    director.serve(*services)
    director.log.clear()
    saved(monkeypatch, OURS_SAVED)
    predicted = run("ipvs_scheduler", check=True, state="absent", services_deleted=True)
    name = {"FWM": "fwmark 7", "UDP": "udp 10.211.55.3:21"}[services[-1].split()[0]]
    assert f"Cannot unload ip_vs_test: other services use its scheduler: {name}. Nothing was removed" in predicted["msg"]
    assert "msg" in run("ipvs_scheduler", state="absent")
    assert director.log == []
    assert Path(scheduler.EARLIER).exists()


def test_services_in_other_namespaces_stop_a_removal_in_advance(
    deploy: Run, run: Run, director: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    director.serve(OURS)
    director.uses["ip_vs_test"] = 2
    saved(monkeypatch, OURS_SAVED)
    for options in ({"check": True, "services_deleted": True}, {"check": True}, {}):
        message = run("ipvs_scheduler", state="absent", **options)["msg"]
        assert ("in other network namespaces" in message) == ("services_deleted" in options)
        assert "Nothing was removed" in message


def test_check_mode_assumes_that_saved_services_and_daemons_are_gone(
    deploy: Run, run: Run, director: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    director.loaded["ip_vs_mh"] = "x"
    director.serve(OURS, "FWM  00000007 mh")
    director.uses["ip_vs"] += 1  # the sync daemon
    saved(monkeypatch, OURS_SAVED, {"fwmark": 7, "family": "ipv4", "scheduler": "mh"}, daemons=1)
    predicted = run("ipvs_scheduler", check=True, state="absent", services_deleted=True)["steps"]
    assert [step.rpartition(" ")[2] for step in predicted if step.startswith("unload")] == [
        "ip_vs_mh",
        "ip_vs_test",
        "ip_vs",
        "nf_conntrack",
    ]
    assert run("ipvs_scheduler", check=True, state="absent")["failed"]
    director.serve()
    assert run("ipvs_scheduler", state="absent", services_deleted=True)["steps"] == predicted


def test_a_foreign_service_with_another_scheduler_keeps_ip_vs(
    deploy: Run, run: Run, director: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    director.serve(OURS, "TCP  7F000009:0050 rr")
    saved(monkeypatch, OURS_SAVED)
    predicted = run("ipvs_scheduler", check=True, state="absent", services_deleted=True)["steps"]
    assert [step for step in predicted if step.startswith("unload")] == ["unload the kernel module ip_vs_test"]
    director.serve("TCP  7F000009:0050 rr")
    assert run("ipvs_scheduler", state="absent")["steps"] == predicted


MODULES = {
    # name: users, with "-" for each that is no module
    "nf_conntrack": ["ip_vs"],
    "libcrc32c": ["nf_conntrack", "ip_vs"],
    "ip_vs": ["ip_vs_test", "ip_vs_mh"],
    "ip_vs_test": [],
    "ip_vs_mh": [],
    "ext4": ["-"],
}


@pytest.mark.parametrize(
    ("earlier", "used", "going"),
    [
        (["ext4"], {}, ["ip_vs_mh", "ip_vs_test", "ip_vs", "nf_conntrack", "libcrc32c"]),
        (["ext4", "libcrc32c"], {}, ["ip_vs_mh", "ip_vs_test", "ip_vs", "nf_conntrack"]),
        (["ext4", "libcrc32c", "nf_conntrack", "ip_vs"], {}, ["ip_vs_mh", "ip_vs_test"]),
        (["ext4"], {"ip_vs_mh": ["-"], "ip_vs": ["ip_vs_test", "ip_vs_mh", "-"]}, ["ip_vs_test"]),
        (["ext4"], {"nf_conntrack": ["ip_vs", "nft_ct"]}, ["ip_vs_mh", "ip_vs_test", "ip_vs"]),
        # Both schedulers count twice with ip_vs; a third use is foreign.
        (["ext4", "libcrc32c"], {"ip_vs": ["ip_vs_test", "ip_vs_mh", "-", "-"]}, ["ip_vs_mh", "ip_vs_test", "ip_vs", "nf_conntrack"]),
        (["ext4", "libcrc32c"], {"ip_vs": ["ip_vs_test", "ip_vs_mh", "-", "-", "-"]}, ["ip_vs_mh", "ip_vs_test"]),
        (None, {}, ["ip_vs_test"]),
    ],
)
def test_modules_loaded_later_are_unloaded(
    director: Machine, earlier: list[str] | None, used: dict[str, list[str]], going: list[str]
) -> None:
    if earlier is not None:
        Path(scheduler.EARLIER).write_text(json.dumps(earlier))
    assert unload.superfluous("ip_vs_test", {**MODULES, **used}) == going


@pytest.mark.parametrize("text", ["{", "{}", "[1]", ""])
def test_a_damaged_list_of_modules_stops_a_removal_in_advance(deploy: Run, run: Run, director: Machine, text: str) -> None:
    """13.20."""
    deploy()
    director.log.clear()
    Path(scheduler.EARLIER).write_text(text)
    assert f"Cannot read {scheduler.EARLIER}, which lists the kernel modules that were loaded before" in fail(run, state="absent")
    assert director.log == []


def test_a_container_cannot_unload(deploy: Run, run: Run, director: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy()
    monkeypatch.setattr(unload, "may_load_modules", lambda: False)
    assert "needs CAP_SYS_MODULE" in fail(run, state="absent")


def test_the_kernels_listing_of_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "ip_vs_test 16384 1 - Live 0x0\nip_vs 200704 4 ip_vs_test, Live 0x0\next4 1 0 - Live 0x0\n"
    (tmp_path / "modules").write_text(text)
    monkeypatch.setattr(scheduler, "PROC_MODULES", str(tmp_path / "modules"))
    assert scheduler.all_loaded() == {"ip_vs_test": ["-"], "ip_vs": ["ip_vs_test", "-", "-", "-"], "ext4": []}


def test_without_the_scheduler_only_ip_vs_is_loaded(deploy: Run, run: Run, director: Machine, tmp_path: Path) -> None:
    assert run("ipvs_scheduler", state="unneeded", check=True)["steps"] == [
        "load the kernel module ip_vs",
        f"write {scheduler.AT_BOOT}",
    ]
    assert not director.log
    result = run("ipvs_scheduler", state="unneeded")
    assert result.get("changed"), result
    assert "warnings" not in result
    assert director.log == ["modprobe ip_vs"]
    assert Path(scheduler.AT_BOOT).read_text().splitlines()[1:] == ["ip_vs"]
    director.serve()
    assert not run("ipvs_scheduler", state="unneeded")["changed"]


def test_what_an_earlier_run_has_installed_is_named(deploy: Run, run: Run, director: Machine) -> None:
    deploy()
    director.serve()
    result = run("ipvs_scheduler", state="unneeded")
    (warning,) = result["warnings"]
    assert warning.startswith("No listed or saved service uses the scheduler test, but an earlier run has installed it: ")
    assert "ip_vs_test/1.0.0" in warning
    assert Path(scheduler.AT_BOOT).read_text().splitlines()[1:] == ["ip_vs"]
