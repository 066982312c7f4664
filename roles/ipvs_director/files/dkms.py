# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring DKMS to the given source of one module: added, built and installed for every kernel that can have it.

argv[1] is base64 of JSON: {"name", "kernel", "files": {name: text}, "certificate": path or "", "check": bool}. Answers with
JSON: {"steps": [what was done, or with "check" would be done], "version"}, or {"steps", "error"}. With a certificate, a
build counts only if its key has signed it. With "absent": true, all of the module's versions are taken out of DKMS, their
sources deleted, and neither "kernel" nor "files" nor "certificate" is needed.

read the machine -> plan -> apply -> read again and plan again: nothing may be left.

DKMS alone does not do: it keeps the old build when the source changes under the same version, and neither its exit
codes nor an empty status say reliably what happened. So this believes only status lines that match to the letter.
"""

from __future__ import annotations

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t

SOURCES = pathlib.Path("/usr/src")
MODULES = pathlib.Path("/lib/modules")
DKMS = pathlib.Path("/var/lib/dkms")


class CannotError(Exception):
    """What the person who runs the play must know; nothing else raises it."""


class Module(t.NamedTuple):
    """What is wanted."""

    name: str
    version: str
    files: dict[str, str]
    certificate: str = ""  # of the key that must have signed what is built; empty: any or none

    @property
    def title(self) -> str:
        return f"{self.name}/{self.version}"

    @property
    def source(self) -> pathlib.Path:
        return SOURCES / f"{self.name}-{self.version}"


class State(t.NamedTuple):
    """What is there."""

    source: dict[str, str] | None  # of the wanted version; None: no such folder
    versions: list[str]  # registered with DKMS
    builds: dict[tuple[str, str], str]  # (version, kernel): DKMS's own words
    kernels: list[str]  # to be served: the running one first


class Step(t.Protocol):
    """One change: its line for people, and how to make it."""

    def __str__(self) -> str: ...
    def do(self) -> None: ...


def run(*command: str) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    # Ubuntu's DKMS has debconf ask for a password when it makes its key: nobody is there to answer.
    environment = {**os.environ, "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except FileNotFoundError:
        raise CannotError(f"There is no program {command[0]} on this machine: is its package installed?") from None
    return done.returncode, done.stdout


def read(module: Module, running: str) -> State:
    source = None
    if module.source.is_dir():
        source = {
            str(path.relative_to(module.source)): path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(module.source.rglob("*"))
            if path.is_file()
        }
    versions, builds = read_dkms(module.name)
    for (version, kernel), words in builds.items():
        if is_built(words) and not is_signed(module, version, kernel):
            builds[version, kernel] = "not signed"
    # A kernel that waits for its reboot must have the module too. "kernel" is missing where only headers are installed.
    headers = [path.parents[1] for path in MODULES.glob("*/build/Makefile")]
    others = sorted(path.name for path in headers if (path / "kernel").is_dir())
    return State(source, versions, builds, [running, *(each for each in others if each != running)])


def read_dkms(name: str) -> tuple[list[str], dict[tuple[str, str], str]]:
    """The registered versions, and for each (version, kernel) what DKMS says of it."""
    # From the folders, because the status is silent about a version whose source is gone.
    folders = [path for path in sorted((DKMS / name).glob("*")) if path.is_dir() and not path.is_symlink()]
    versions = [path.name for path in folders if path.name != "original_module"]
    # One line each: "NAME/VERSION: added" or "NAME/VERSION, KERNEL, ARCHITECTURE: installed", maybe "(with a remark)".
    # DKMS 2.8, which Ubuntu 22.04 has, may write "NAME, VERSION".
    line = re.compile(rf"^{re.escape(name)}(?:/|, )([^,: ]+), ([^,]+), [^:]+: (.+)$", re.M)
    found = line.findall(run("dkms", "status", "-m", name)[1]) if versions else []
    builds = {(version, kernel): words.strip() for version, kernel, words in found}
    # It is silent about a build whose file is gone, too, and yet will not build where the folder is.
    for folder in (DKMS / name).glob("*/*/*/module"):
        builds.setdefault((folder.parts[-4], folder.parts[-3]), "lost")
    return versions, builds


def plan(module: Module, state: State) -> list[Step]:
    """In this order, so that a source that does not compile is found while the machine still has all it had.

    Another version is built beside the old one, which goes after that. The same version with another source cannot
    stand beside itself: that one is compiled on trial first.
    """
    steps: list[Step] = []
    builds = {kernel: words for (version, kernel), words in state.builds.items() if version == module.version}
    registered = module.version in state.versions
    # A build of another source, or one that DKMS itself finds something wrong with.
    if state.source != module.files or not all(is_built(words) for words in builds.values()):
        if builds:
            steps += [Trial(module, kernel) for kernel in state.kernels]
        # First out of DKMS, so that it never shows a source that its build is not of.
        if registered:
            steps.append(Remove(module.name, module.version))
        if state.source != module.files:
            steps.append(Write(module, differences(state.source, module.files)))
        registered, builds = False, {}
    if not registered:
        steps.append(Add(module))
    missing = [kernel for kernel in state.kernels if kernel not in builds]
    steps += [Build(module, kernel, alone=not builds) for kernel in missing]
    for version in state.versions:
        if version != module.version:
            steps += [Remove(module.name, version), Delete(module.name, version)]
    steps += [Install(module, kernel) for kernel in state.kernels if not is_installed(builds.get(kernel, ""))]
    return steps


def is_built(words: str) -> bool:
    """To the letter. DKMS 3.0.10 adds "(WARNING! ...)" to what is amiss, 3.2.2 other words; this remark is none."""
    return re.fullmatch(r"(built|installed)( \([Oo]riginal.modules? exists?\))?", words) is not None


def is_installed(words: str) -> bool:
    return is_built(words) and words.startswith("installed")


def is_signed(module: Module, version: str, kernel: str) -> bool:
    """Whether the wanted key has signed what DKMS has built. Without openssl, or without a key, it builds unsigned, and says nothing."""
    if not module.certificate:
        return True
    serial = serial_of(module.certificate)
    files = list((DKMS / module.name / version / kernel).glob(f"*/module/{module.name}.ko*"))
    return bool(files and serial) and all(signed_by(file) == serial for file in files)


def serial_of(certificate: str) -> str:
    """The number by which a signature names its certificate; empty if there is no such certificate."""
    if not os.path.exists(certificate):
        return ""
    code, output = run("openssl", "x509", "-in", certificate, "-noout", "-serial")
    return output.strip().partition("=")[2].lower().lstrip("0") if code == 0 else ""


def signed_by(file: pathlib.Path) -> str:
    code, output = run("modinfo", "-F", "sig_key", str(file))
    return output.strip().replace(":", "").lower().lstrip("0") if code == 0 else ""


def differences(there: dict[str, str] | None, wanted: dict[str, str]) -> str:
    if there is None:
        return "new"
    return ", ".join(
        f"{name} {'missing' if name not in there else 'unknown' if name not in wanted else 'differs'}"
        for name in sorted({*there, *wanted})
        if there.get(name) != wanted.get(name)
    )


class Trial(t.NamedTuple):
    module: Module
    kernel: str

    def __str__(self) -> str:
        return f"compile {self.module.title} for {self.kernel} on trial"

    def do(self) -> None:
        with tempfile.TemporaryDirectory(prefix=f"{self.module.name}-") as folder:
            fill(pathlib.Path(folder), self.module.files)
            code, output = run("make", "-C", str(MODULES / self.kernel / "build"), f"M={folder}", "modules")
        if code:
            raise CannotError(
                f"{self.module.title} does not compile for {self.kernel}. Nothing was changed: the module that was"
                f" installed before still is.\n{tail(output)}"
            )


class Write(t.NamedTuple):
    module: Module
    why: str

    def __str__(self) -> str:
        return f"write {self.module.source}: {self.why}"

    def do(self) -> None:
        # Beside its place and then renamed: never half a source where DKMS looks for one.
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f".{self.module.name}-", dir=SOURCES))
        fill(folder, self.module.files)
        folder.chmod(0o755)
        if self.module.source.is_dir():
            shutil.rmtree(self.module.source)
        folder.rename(self.module.source)


class Delete(t.NamedTuple):
    name: str
    version: str

    def __str__(self) -> str:
        return f"delete {SOURCES / f'{self.name}-{self.version}'}"

    def do(self) -> None:
        shutil.rmtree(SOURCES / f"{self.name}-{self.version}", ignore_errors=True)


class Add(t.NamedTuple):
    module: Module

    def __str__(self) -> str:
        return f"add {self.module.title} to DKMS"

    def do(self) -> None:
        output = run("dkms", "add", "-m", self.module.name, "-v", self.module.version)[1]
        if self.module.version not in read_dkms(self.module.name)[0]:
            raise CannotError(f"DKMS did not add {self.module.title}.\n{tail(output)}")


class Remove(t.NamedTuple):
    name: str
    version: str

    def __str__(self) -> str:
        return f"remove {self.name}/{self.version} from DKMS"

    def do(self) -> None:
        run("dkms", "remove", "-m", self.name, "-v", self.version, "--all")
        # What DKMS cannot make sense of any more (no source, no built file), it leaves, and wants it deleted by hand.
        shutil.rmtree(DKMS / self.name / self.version, ignore_errors=True)
        for link in (DKMS / self.name).glob("kernel-*"):
            if link.is_symlink() and not link.exists():
                link.unlink()


class Build(t.NamedTuple):
    module: Module
    kernel: str
    alone: bool  # no other kernel has a build of this version

    def __str__(self) -> str:
        return f"build {self.module.title} for {self.kernel}"

    def do(self) -> None:
        module = self.module
        # -k always: without it DKMS takes the running kernel, whatever was meant.
        output = run("dkms", "build", "--force", "-m", module.name, "-v", module.version, "-k", self.kernel)[1]
        if is_built(read_dkms(module.name)[1].get((module.version, self.kernel), "")):
            if not is_signed(module, module.version, self.kernel):
                said = "\n".join(line for line in output.splitlines() if re.search("sign|key|certificate|openssl", line, re.I))
                raise CannotError(
                    f"The kernel only loads signed modules, and DKMS has built {module.title} for {self.kernel} without a signature"
                    f" by the key of {module.certificate}. What it said of signing: {said or 'nothing'}"
                )
            return
        log = DKMS / module.name / module.version / "build" / "make.log"
        reason = f"{tail(output, 5)}\n{tail(log.read_text(encoding='utf-8', errors='replace') if log.exists() else '')}"
        if self.alone:
            # A module that does not build makes every later installation of a kernel package fail.
            Remove(module.name, module.version).do()
            Delete(module.name, module.version).do()
        raise CannotError(f"DKMS could not build {module.title} for {self.kernel}.\n{reason}")


class Install(t.NamedTuple):
    module: Module
    kernel: str

    def __str__(self) -> str:
        return f"install {self.module.title} for {self.kernel}"

    def do(self) -> None:
        module = self.module
        # --force: over a newer version too, and over a file that is not the one that was built.
        output = run("dkms", "install", "--force", "-m", module.name, "-v", module.version, "-k", self.kernel)[1]
        words = read_dkms(module.name)[1].get((module.version, self.kernel), "nothing")
        if not is_installed(words):
            raise CannotError(f"DKMS did not install {module.title} for {self.kernel}; its status says {words}.\n{tail(output)}")


def need_headers(kernel: str) -> None:
    if not (MODULES / kernel / "build" / "Makefile").exists():
        raise CannotError(f"The headers of {kernel} are not installed: there is no {MODULES / kernel / 'build'}.")


def fill(folder: pathlib.Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)


def tail(output: str, lines: int = 20) -> str:
    return "\n".join(output.strip().splitlines()[-lines:])


def undo(request: dict[str, t.Any]) -> dict[str, t.Any]:
    name = request["name"]
    versions = read_dkms(name)[0]
    sources = sorted({*versions, *(path.name[len(name) + 1 :] for path in SOURCES.glob(f"{name}-[0-9]*"))})
    steps: list[Step] = [Remove(name, version) for version in versions]
    steps += [Delete(name, version) for version in sources if (SOURCES / f"{name}-{version}").is_dir()]
    if not request["check"]:
        for step in steps:
            step.do()
        if versions:
            shutil.rmtree(DKMS / name, ignore_errors=True)
        # Where it installs depends on the distribution.
        installed = [path for folder in ("updates/dkms", "extra") for path in MODULES.glob(f"*/{folder}/{name}.ko*")]
        left = [*read_dkms(name)[0], *map(str, installed)]
        if left:
            raise CannotError(f"DKMS has not let go of {name}: there is still {', '.join(left)}.")
    return {"steps": [str(step) for step in steps], "version": ""}


def converge(request: dict[str, t.Any]) -> dict[str, t.Any]:
    name, files = request["name"], request["files"]
    version = re.search(r'^PACKAGE_VERSION="?([^"\s]+)"?\s*$', files.get("dkms.conf", ""), re.M)
    if not version:
        raise CannotError(f"The source of {name} has no dkms.conf with a PACKAGE_VERSION. It has {', '.join(files) or 'no files'}.")
    module = Module(name, version.group(1), files, request["certificate"])
    steps = plan(module, read(module, request["kernel"]))
    if steps and not request["check"]:
        need_headers(request["kernel"])
        for step in steps:
            step.do()
        left = plan(module, read(module, request["kernel"]))
        if left:
            raise CannotError(f"After all was done, DKMS still needs: {'; '.join(map(str, left))}.")
    return {"steps": [str(step) for step in steps], "version": module.version}


if __name__ == "__main__":
    try:
        order = json.loads(base64.b64decode(sys.argv[1]))
        answer = undo(order) if order.get("absent") else converge(order)
    except CannotError as error:
        answer = {"steps": [], "error": str(error)}
    json.dump(answer, sys.stdout)
