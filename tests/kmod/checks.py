# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of one kernel, and the verdict on their output.

A check that did not run is never a success: the log must show that the compiler, and sparse,
had the source in hand.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .archive import Kernel
from .roots import Root

SOURCE = Path(__file__).parents[2] / "files" / "kmod" / "ip_vs_test"
MODULE = "ip_vs_test"
FLAGS: dict[str, tuple[str, ...]] = {"plain": (), "W=1": ("W=1",), "sparse": ("C=2",)}

# kbuild's messages about its environment, not about our source.
ABOUT_THE_PLACE = ("the compiler differs from the one used to build the kernel",)


class Result(enum.Enum):
    """The outcome of a check."""

    OK = "ok"
    NOT_CHECKED = "not checked"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of one check, the reason, and the output."""

    result: Result
    why: str = ""
    log: str = ""

    def __str__(self) -> str:
        return f"{self.result.value}: {self.why}" if self.why else self.result.value


@dataclasses.dataclass(frozen=True)
class Row:
    """One kernel's line of the table."""

    kernel: Kernel
    compiler: str
    outcomes: dict[str, Outcome]

    @property
    def result(self) -> Result:
        results = {outcome.result for outcome in self.outcomes.values()}
        return next((worst for worst in (Result.FAILED, Result.NOT_CHECKED) if worst in results), Result.OK)


def check(kernel: Kernel, root: Root | str, source: Path = SOURCE, names: Iterable[str] = tuple(FLAGS)) -> Row:
    """Build the module for one kernel, once for each of the named checks."""
    if isinstance(root, str):
        return Row(kernel, "", {name: Outcome(Result.NOT_CHECKED, root) for name in names})
    compiler = ""
    outcomes = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="kmod-build-") as scratch:
            directory = Path(scratch)
            # Without the results of an earlier build beside the source, which would leave make nothing to do.
            for file in (f"{MODULE}.c", "Kbuild", "Makefile"):
                shutil.copy(source / file, directory)
            make = root.run(directory, "make", f"KDIR=/usr/src/{kernel.package}", "modules", *FLAGS[name])
            outcome = judge(name, make.returncode, make.stdout)
            if outcome.result is Result.OK:
                module = _section(root, directory, ".modinfo")
                compiler = "gcc " + _section(root, directory, ".comment")[0].rpartition(")")[2].split()[0]
                complaint = complaint_about(dict(entry.split("=", 1) for entry in module), kernel, packaged_version(source))
                if complaint:
                    outcome = Outcome(Result.FAILED, complaint, make.stdout)
            outcomes[name] = outcome
    return Row(kernel, compiler, outcomes)


def judge(name: str, status: int, log: str) -> Outcome:
    """The verdict on a build's exit status and log."""
    lines = log.splitlines()
    findings = [line.strip() for line in lines
                if re.search(r"\b(warning|error)\b", line, re.IGNORECASE) and not any(text in line for text in ABOUT_THE_PLACE)]
    if status != 0:
        return Outcome(Result.FAILED, findings[0] if findings else f"make ended with status {status}", log)
    if not any(re.match(rf"\s*CC \[M\]\s.*\b{MODULE}\.o$", line) for line in lines):
        return Outcome(Result.FAILED, "the compiler did not run", log)
    if name == "sparse" and not any(re.match(rf"\s*CHECK\s.*\b{MODULE}\.c$", line) for line in lines):
        if "sparse is not available or not up to date" in log:
            return Outcome(Result.NOT_CHECKED, "the release's sparse is too old for these headers", log)
        return Outcome(Result.FAILED, "sparse did not run", log)
    if findings:
        return Outcome(Result.FAILED, f"{len(findings)} findings, the first: {findings[0]}", log)
    return Outcome(Result.OK, log=log)


def complaint_about(modinfo: dict[str, str], kernel: Kernel, version: str) -> str:
    """Faults in the built module's own description; before 6.12 nothing else reports them."""
    for name, expected in {"license": "GPL", "version": version, "description": None, "author": None}.items():
        if not modinfo.get(name) or expected not in (None, modinfo[name]):
            return f"modinfo says {name}={modinfo.get(name, '')!r}" + (f" and not {expected!r}" if expected else "")
    if "intree" in modinfo:
        return "the module claims to be part of the kernel's own source"
    if modinfo.get("vermagic", "").split(" ")[0] != kernel.name:
        return f"built for another kernel: vermagic={modinfo.get('vermagic', '')!r}"
    return ""


def packaged_version(source: Path = SOURCE) -> str:
    """The version that DKMS knows."""
    [version] = re.findall(r'^PACKAGE_VERSION="(.+)"$', (source / "dkms.conf").read_text(encoding="utf-8"), re.MULTILINE)
    return str(version)


def _section(root: Root, directory: Path, name: str) -> list[str]:
    """The strings of a section of the built module."""
    copy = root.run(directory, "objcopy", "--dump-section", f"{name}=section", f"{MODULE}.ko", "/dev/null")
    if copy.returncode != 0:
        raise RuntimeError(f"objcopy found no {name} in {MODULE}.ko: {copy.stdout}")
    return [text for text in (directory / "section").read_bytes().decode().split("\0") if text]


def style(checkpatch: Path, source: Path = SOURCE) -> Outcome:
    """The messages of checkpatch.pl --strict about the source."""
    run = subprocess.run(["perl", str(checkpatch), "--strict", "--no-tree", "--file", str(source / f"{MODULE}.c")],
                         text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120)
    clean = re.search(r"^total: 0 errors, 0 warnings, 0 checks, [1-9]\d* lines checked$", run.stdout, re.MULTILINE)
    if run.returncode == 0 and clean:
        return Outcome(Result.OK, log=run.stdout)
    findings = [line for line in run.stdout.splitlines() if line.startswith(("ERROR:", "WARNING:", "CHECK:"))]
    return Outcome(Result.FAILED, findings[0] if findings else "checkpatch.pl did not finish", run.stdout)
