# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with DKMS and kernel modules, for tests of the scheduler: directories, and fake programs."""

from __future__ import annotations

import hashlib
import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel import modules as _modules
from ansible_collections.lvs.director.plugins.module_utils._machine import command, dkms, machine, scheduler, signature, unload
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished
from ansible_collections.lvs.director.plugins.modules import ipvs_scheduler

RUNNING = "6.12.1-amd64"
OLDER = "6.1.0-9-amd64"
NEWEST = "6.12.10-amd64"
SOURCE = {"dkms.conf": 'PACKAGE_VERSION="1.0.0"\n', "ip_vs_test.c": "text\n", "Kbuild": "obj-m := ip_vs_test.o\n"}
OTHER = {**SOURCE, "ip_vs_test.c": "other text\n"}


def checksum(source: dict[str, str]) -> str:
    """Return the srcversion that modinfo shows."""
    return hashlib.sha256(source["ip_vs_test.c"].encode()).hexdigest()[:8]


class Machine:
    """A bare machine, that becomes one with a scheduler.

    :ivar loaded: the loaded modules, each with the checksum of its source.
    :ivar uses: other uses of loaded modules, in all network namespaces.
    :ivar breaking: the kernels for which nothing compiles.
    :ivar unsigned: DKMS does not sign.
    :ivar log: all commands that change something.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loaded: dict[str, str] = {"ext4": "x"}
        self.uses: dict[str, int] = {"ext4": 1}
        self.installed: dict[str, str] = {}
        self.breaking: set[str] = set()
        self.signer = ""
        self.log: list[str] = []
        self.euid = 0
        self.add_kernel(RUNNING)

    def add_kernel(self, kernel: str) -> None:
        for name in ("build", "kernel"):
            (dkms.MODULES / kernel / name).mkdir(parents=True)
        (dkms.MODULES / kernel / "build" / "Makefile").touch()

    def serve(self, *services: str) -> None:
        """Have services, as the kernel lists them; those with the scheduler test pin it."""
        Path(scheduler.TABLE).write_text("IP Virtual Server version 1.2.1 (size=4096)\n" + "".join(f"{one}\n" for one in services))
        for module in ("ip_vs_test", "ip_vs_mh"):
            self.uses[module] = sum(one.split()[2] == module.removeprefix("ip_vs_") for one in services)
        self.uses["ip_vs"] = len(services)

    # -- what the kernel says ----------------------------------------------------------------------------------------------

    def all_loaded(self) -> dict[str, list[str]]:
        # A scheduler counts twice with ip_vs: as its user, and once more.
        schedulers = [name for name in self.loaded if name.startswith("ip_vs_")]
        users = {name: ["-"] * self.uses.get(name, 0) for name in self.loaded}
        if "ip_vs" in users:
            users["ip_vs"] += [*schedulers, *["-"] * len(schedulers)]
        if "nf_conntrack" in users:
            users["nf_conntrack"] += ["ip_vs"] * ("ip_vs" in users)
        return users

    # -- programs ----------------------------------------------------------------------------------------------------------

    def run(self, *words: str, **_how: Any) -> Finished:
        if words[0] == "openssl":
            return command.run(*words)
        if words[0] != "modinfo" and words[:2] != ("dkms", "status"):
            self.log.append(" ".join(words))
        answer = getattr(self, words[0])(*words[1:])
        return answer if isinstance(answer, Finished) else Finished(0, answer or "", "")

    def make(self, *words: str) -> Finished | None:
        kernel = Path(words[1]).parent.name
        return Finished(2, "", "x.c:1: error: 'NUL' undeclared") if kernel in self.breaking else None

    def modinfo(self, *words: str) -> str | Finished:
        if words[:2] == ("-F", "sig_key"):
            return self.signer
        return Finished(1, "", "not found")

    def modprobe(self, name: str) -> Finished | None:
        if name == "ip_vs_test":
            source = self.installed.get(RUNNING)
            if not source:
                return Finished(1, "", f"modprobe: FATAL: Module {name} not found")
            if self.refusing:
                return Finished(1, "", self.refusing)
            for each in ("nf_conntrack", "ip_vs"):
                self.loaded.setdefault(each, "x")
            self.loaded[name] = source
        if name == "ip_vs":
            self.loaded.setdefault(name, "x")
        return None

    refusing = ""

    def rmmod(self, name: str) -> Finished | None:
        if self.all_loaded()[name]:
            return Finished(1, "", f"rmmod: ERROR: Module {name} is in use")
        del self.loaded[name]
        return None

    def dkms(self, verb: str, *words: str) -> str | Finished | None:
        options = dict(pairwise(words))
        version, kernel = options.get("-v", ""), options.get("-k", "")
        tree = dkms.DKMS / "ip_vs_test" / version
        if verb == "status":
            return "".join(
                f"ip_vs_test/{each.parts[-4]}, {each.parts[-3]}, x86_64: "
                + ("installed" if self.installed.get(each.parts[-3]) == each.read_text() else "built") + "\n"
                for each in sorted((dkms.DKMS / "ip_vs_test").glob("*/*/x86_64/built"))
            )  # fmt: skip
        if verb == "add":
            tree.mkdir(parents=True)
        elif verb == "build":
            if kernel in self.breaking:
                (tree / "build").mkdir(exist_ok=True)
                (tree / "build" / "make.log").write_text("x.c:1: error: 'NUL' undeclared\n")
                return Finished(10, "", "Error! Bad return status for module build")
            built = tree / kernel / "x86_64"
            (built / "module").mkdir(parents=True, exist_ok=True)
            source = {path.name: path.read_text() for path in (dkms.SOURCES / f"ip_vs_test-{version}").iterdir()}
            (built / "built").write_text(checksum(source))
            (built / "module" / "ip_vs_test.ko").touch()
            return "Sign command: sign-file\nopenssl not found, can't generate key and certificate.\nBuilding module(s)"
        elif verb == "install":
            self.installed[kernel] = (tree / kernel / "x86_64" / "built").read_text()
            (dkms.MODULES / kernel / "updates/dkms").mkdir(parents=True, exist_ok=True)
            (dkms.MODULES / kernel / "updates/dkms/ip_vs_test.ko").touch()
        elif verb == "remove":
            for each in self.installed:
                shutil.rmtree(dkms.MODULES / each / "updates", ignore_errors=True)
            self.installed.clear()
            shutil.rmtree(tree, ignore_errors=True)
        return None


@pytest.fixture
def director(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Have the modules work on a machine in memory."""
    for name in ("SOURCES", "MODULES", "DKMS"):
        monkeypatch.setattr(dkms, name, tmp_path / name)
        (tmp_path / name).mkdir()
    monkeypatch.setattr(dkms, "UNBUILT", tmp_path / "state" / "unbuilt.json")
    for name in ("TABLE", "UNFINISHED", "EARLIER", "AT_BOOT"):
        path = tmp_path / "state" / {"EARLIER": "modules.json"}.get(name, name)
        for module in (scheduler, unload):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, str(path))
    (tmp_path / "state").mkdir()
    for name in ("KEYS", "UEFI"):
        monkeypatch.setattr(signature, name, str(tmp_path / name))
    one = Machine(tmp_path)
    for module in (dkms, scheduler, signature):
        monkeypatch.setattr(module, "run", one.run)
    for module in (scheduler, unload):
        monkeypatch.setattr(module, "all_loaded", one.all_loaded)
    monkeypatch.setattr(scheduler, "users", lambda name: one.uses.get(name, 0))
    monkeypatch.setattr(_modules, "could_load", lambda name: name != "ip_vs_fooo")

    def loaded(name: str) -> str:
        return one.loaded.get(name, "")

    def installed(name: str) -> str:
        return one.installed.get(RUNNING, "")

    monkeypatch.setattr(ipvs_scheduler, "installed_source", installed)
    for module in (_modules, signature):
        monkeypatch.setattr(module, "loaded_source", loaded)
        monkeypatch.setattr(module, "installed_source", installed)
    monkeypatch.setattr(unload, "is_loaded", lambda name: name in one.loaded)
    monkeypatch.setattr(unload, "may_load_modules", lambda: True)
    monkeypatch.setattr(machine, "wants_signed_modules", lambda: False)
    monkeypatch.setattr(machine, "certificate", lambda usual: usual)
    monkeypatch.setattr(ipvs_scheduler.os, "geteuid", lambda: one.euid)
    monkeypatch.setattr(ipvs_scheduler.os, "uname", lambda: type("Uname", (), {"release": RUNNING, "nodename": "director"}))
    return one


def saved(monkeypatch: pytest.MonkeyPatch, *services: dict[str, Any], daemons: int = 0) -> None:
    """Have services and sync daemons that are restored at boot."""
    text = {
        "version": 1,
        "timeouts": {},
        "earlier_timeouts": {},
        "sync_daemons": [{"state": "master"}][:daemons],
        "services": services,
    }
    monkeypatch.setattr(unload.MachineStore, "read_table", lambda _self: json.dumps(text))
