# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Make DKMS build and install a module from a given source, for every kernel with headers.

DKMS keeps the old build when the source changes under the same version, and neither its exit status nor an empty listing
reliably says what happened. Only lines of its status that match exactly are trusted.

The build must succeed for the running kernel and the newest installed one. If it fails for an older one, the module warns, and does
not try again until the source or that kernel's headers change.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._kernel.modules import release_order
from ansible_collections.lvs.director.plugins.module_utils._machine import files as _files
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished, run
from ansible_collections.lvs.director.plugins.module_utils._machine.signature import serial_of, signed_by
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.files import DIRECTORY

SOURCES = Path("/usr/src")
MODULES = Path("/lib/modules")
DKMS = Path("/var/lib/dkms")
# The older kernels for which the module does not build: the inputs of the attempt, and the error.
UNBUILT = Path(DIRECTORY) / "unbuilt.json"
# Seconds; a build takes a minute on an emulated machine.
_PATIENCE = 1800.0


class Module(NamedTuple):
    """The wanted module."""

    name: str
    version: str
    files: Mapping[str, str]
    certificate: str = ""  # of the key that must sign the builds; empty: any key, or none

    @property
    def title(self) -> str:
        """Return its name as DKMS writes it."""
        return f"{self.name}/{self.version}"

    @property
    def source(self) -> Path:
        """Return the directory in which DKMS looks for its source."""
        return SOURCES / f"{self.name}-{self.version}"


class State(NamedTuple):
    """The state of the machine."""

    source: Optional[dict[str, str]]  # of the wanted version; None: no such directory
    versions: list[str]  # registered with DKMS
    builds: dict[tuple[str, str], str]  # by version and kernel: DKMS's own words
    kernels: list[str]  # to build for, the running one first
    required: frozenset[str]  # the build must not fail for these
    unbuilt: dict[str, str]  # older kernels for which the build failed, with the reason


def module_of(name: str, source: Mapping[str, str], certificate: str) -> Module:
    """Return the module that a source makes.

    :raises IpvsInputError: the source does not state its version.
    """
    version = re.search(r'^PACKAGE_VERSION="?([^"\s]+)"?\s*$', source.get("dkms.conf", ""), re.M)
    if not version:
        raise IpvsInputError("source", f"there is no dkms.conf with a PACKAGE_VERSION; there is {', '.join(sorted(source)) or 'no file'}")
    return Module(name, version[1], source, certificate)


def read(module: Module, running: str) -> State:
    """Read the state of the machine."""
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
    # A newer kernel that waits for a reboot needs the module too. Where only headers are installed, "kernel" is missing.
    headers = [path.parents[1] for path in MODULES.glob("*/build/Makefile")]
    others = sorted(path.name for path in headers if (path / "kernel").is_dir() and path.name != running)
    required = frozenset((running, max([running, *others], key=release_order)))
    unbuilt = {kernel: reason for kernel, reason in _read_unbuilt(module).items() if kernel in others and kernel not in required}
    return State(source, versions, builds, [running, *(each for each in others if each not in unbuilt)], required, unbuilt)


def read_dkms(name: str) -> tuple[list[str], dict[tuple[str, str], str]]:
    """Return the registered versions, and DKMS's status of each (version, kernel)."""
    # From the directories, because the status omits a version whose source is gone.
    folders = [path for path in sorted((DKMS / name).glob("*")) if path.is_dir() and not path.is_symlink()]
    versions = [path.name for path in folders if path.name != "original_module"]
    # One line each: "NAME/VERSION: added" or "NAME/VERSION, KERNEL, ARCHITECTURE: installed", maybe "(with a remark)".
    # DKMS 2.8, which Ubuntu 22.04 has, may write "NAME, VERSION".
    line = re.compile(rf"^{re.escape(name)}(?:/|, )([^,: ]+), ([^,]+), [^:]+: (.+)$", re.M)
    found = line.findall(dkms("status", "-m", name).output) if versions else []
    builds = {(version, kernel): words.strip() for version, kernel, words in found}
    # It also omits a build whose file is gone, yet refuses to build while the directory exists.
    for folder in (DKMS / name).glob("*/*/*/module"):
        builds.setdefault((folder.parts[-4], folder.parts[-3]), "lost")
    return versions, builds


def dkms(*words: str) -> Finished:
    """Run DKMS."""
    # Ubuntu's DKMS makes debconf ask for a password for its new key; nobody can answer.
    return run("dkms", *words, timeout=_PATIENCE, environment={"DEBIAN_FRONTEND": "noninteractive"})


def plan(module: Module, state: State) -> list[Step]:
    """Return the remaining steps. If the source does not compile, they fail while the old module still works.

    Another version is built beside the old one, which is removed afterwards. The same version with another source cannot exist
    twice, so it is compiled in a temporary directory first.
    """
    steps: list[Step] = []
    builds = {kernel: words for (version, kernel), words in state.builds.items() if version == module.version}
    registered = module.version in state.versions
    # The builds are of another source, or DKMS reports a problem with them.
    if state.source != module.files or not all(is_built(words) for words in builds.values()):
        if builds:
            steps += [
                Step(f"compile {module.title} for {kernel} on trial", partial(_try, module, state, kernel)) for kernel in state.kernels
            ]
        # Remove from DKMS first: it must never list a build of another source.
        if registered:
            steps.append(_removal(module.name, module.version))
        if state.source != module.files:
            steps.append(Step(f"write {module.source}: {differences(state.source, module.files)}", partial(_write, module)))
        registered, builds = False, {}
    if not registered:
        steps.append(Step(f"add {module.title} to DKMS", partial(_add, module)))
    for kernel in state.kernels:
        if kernel not in builds:
            steps.append(Step(f"build {module.title} for {kernel}", partial(_build, module, state, kernel, alone=not builds)))
    for version in state.versions:
        if version != module.version:
            steps += [_removal(module.name, version), _deletion(module.name, version)]
    for kernel in state.kernels:
        if not is_installed(builds.get(kernel, "")):
            steps.append(Step(f"install {module.title} for {kernel}", partial(_install, module, state, kernel)))
    return steps


def plan_removal(name: str) -> list[Step]:
    """Return the steps that remove all versions of a module from DKMS, and delete their sources."""
    versions = read_dkms(name)[0]
    sources = sorted({*versions, *(path.name[len(name) + 1 :] for path in SOURCES.glob(f"{name}-[0-9]*"))})
    return [
        *(_removal(name, version) for version in versions),
        *(_deletion(name, version) for version in sources if (SOURCES / f"{name}-{version}").is_dir()),
        *_files.plan_removal([str(UNBUILT)]),
    ]


def check_removed(name: str) -> None:
    """Check that DKMS removed everything of a module.

    :raises IpvsUnavailableError: something is left; the text names it.
    """
    # The directory depends on the distribution.
    installed = [path for folder in ("updates/dkms", "extra") for path in MODULES.glob(f"*/{folder}/{name}.ko*")]
    left = [*read_dkms(name)[0], *map(str, installed)]
    if left:
        raise IpvsUnavailableError(f"DKMS did not remove all of {name}. Left are {', '.join(left)}")


def is_built(words: str) -> bool:
    """Return whether DKMS's status means a good build. For a bad one, 3.0.10 adds "(WARNING! ...)", and 3.2.2 other words."""
    return re.fullmatch(r"(built|installed)( \([Oo]riginal.modules? exists?\))?", words) is not None


def is_installed(words: str) -> bool:
    """Return whether DKMS's status means a good build that is installed."""
    return is_built(words) and words.startswith("installed")


def is_signed(module: Module, version: str, kernel: str) -> bool:
    """Return whether the wanted key signed a build. Without openssl or a key, DKMS silently builds unsigned modules."""
    if not module.certificate:
        return True
    serial = serial_of(module.certificate)
    built = list((DKMS / module.name / version / kernel).glob(f"*/module/{module.name}.ko*"))
    return bool(built and serial) and all(signed_by(str(path)) == serial for path in built)


def differences(found: Optional[Mapping[str, str]], wanted: Mapping[str, str]) -> str:
    """Describe how the source on the machine differs from the wanted one."""
    if found is None:
        return "new"
    return ", ".join(
        f"{name} {'missing' if name not in found else 'unknown' if name not in wanted else 'differs'}"
        for name in sorted({*found, *wanted})
        if found.get(name) != wanted.get(name)
    )


def _try(module: Module, state: State, kernel: str) -> None:
    with tempfile.TemporaryDirectory(prefix=f"{module.name}-") as folder:
        _fill(Path(folder), module.files)
        # As DKMS builds it: dkms.conf names no other command.
        done = run("make", "-C", str(MODULES / kernel / "build"), f"M={folder}", "modules", timeout=_PATIENCE)
    if not done.code:
        return
    if kernel not in state.required:
        _remember_unbuilt(module, kernel, _reason(done))
        return
    raise IpvsUnavailableError(
        f"{module.title} does not compile for {kernel}. Nothing was changed, and the installed module still works.\n{_tail(done)}"
    )


def _write(module: Module) -> None:
    # Written to a temporary directory and renamed: DKMS never finds half a source.
    folder = Path(tempfile.mkdtemp(prefix=f".{module.name}-", dir=SOURCES))
    _fill(folder, module.files)
    folder.chmod(0o755)
    if module.source.is_dir():
        shutil.rmtree(module.source)
    folder.rename(module.source)


def _fill(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)


def _add(module: Module) -> None:
    done = dkms("add", "-m", module.name, "-v", module.version)
    if module.version not in read_dkms(module.name)[0]:
        raise IpvsUnavailableError(f"DKMS did not add {module.title}.\n{_tail(done)}")


def _removal(name: str, version: str) -> Step:
    return Step(f"remove {name}/{version} from DKMS", partial(_remove, name, version))


def _remove(name: str, version: str) -> None:
    dkms("remove", "-m", name, "-v", version, "--all")
    # DKMS leaves entries that it no longer understands (no source, no built file) for a person to delete.
    shutil.rmtree(DKMS / name / version, ignore_errors=True)
    for link in (DKMS / name).glob("kernel-*"):
        if link.is_symlink() and not link.exists():
            link.unlink()
    if not read_dkms(name)[0]:
        shutil.rmtree(DKMS / name, ignore_errors=True)


def _deletion(name: str, version: str) -> Step:
    source = SOURCES / f"{name}-{version}"
    return Step(f"delete {source}", partial(shutil.rmtree, source, ignore_errors=True))


def _build(module: Module, state: State, kernel: str, *, alone: bool) -> None:
    """Build for a kernel.

    :param alone: no other kernel had a build of this version before.
    """
    if kernel not in state.required and kernel in _read_unbuilt(module):
        return  # it did not compile on trial
    # -k always: without it DKMS takes the running kernel.
    done = dkms("build", "--force", "-m", module.name, "-v", module.version, "-k", kernel)
    if is_built(read_dkms(module.name)[1].get((module.version, kernel), "")):
        if not is_signed(module, module.version, kernel):
            about = [line for line in (done.output + done.errors).splitlines() if re.search("sign|key|certificate|openssl", line, re.I)]
            raise IpvsUnavailableError(
                f"The kernel only loads signed modules, and DKMS has built {module.title} for {kernel} without a signature"
                f" by the key of {module.certificate}. Its words about signing: " + ("\n".join(about) or "none")
            )
        return
    log = DKMS / module.name / module.version / "build" / "make.log"
    made = _last_lines(log.read_text(encoding="utf-8", errors="replace"), 20) if log.exists() else ""
    if kernel not in state.required:
        _remember_unbuilt(module, kernel, _reason(done, made))
        return
    if alone:
        # A registered module that does not build makes every later installation of a kernel package fail.
        _remove(module.name, module.version)
        shutil.rmtree(module.source, ignore_errors=True)
    raise IpvsUnavailableError(f"DKMS could not build {module.title} for {kernel}.\n{_tail(done, 5)}\n{made}")


def _install(module: Module, state: State, kernel: str) -> None:
    if kernel not in state.required and kernel in _read_unbuilt(module):
        return
    # --force: replace a newer version too, and a file from another build.
    done = dkms("install", "--force", "-m", module.name, "-v", module.version, "-k", kernel)
    words = read_dkms(module.name)[1].get((module.version, kernel), "nothing")
    if not is_installed(words):
        raise IpvsUnavailableError(f"DKMS did not install {module.title} for {kernel}; its status is {words}.\n{_tail(done)}")


def need_headers(kernel: str) -> None:
    """Check that modules can be built for a kernel.

    :raises IpvsUnavailableError: its headers are missing.
    """
    if not (MODULES / kernel / "build" / "Makefile").exists():
        raise IpvsUnavailableError(f"The headers of {kernel} are not installed: there is no {MODULES / kernel / 'build'}")


def _read_unbuilt(module: Module) -> dict[str, str]:
    """Return the kernels for which this source failed to build with the present headers, with the reasons."""
    try:
        content = json.loads(_files.content(str(UNBUILT)) or "{}")
        return {str(kernel): str(reason) for kernel, (attempt, reason) in content.items() if attempt == _attempt(module, kernel)}
    except (ValueError, TypeError, AttributeError):
        # Damaged: build again, and rewrite the file.
        return {}


def _remember_unbuilt(module: Module, kernel: str, reason: str) -> None:
    unbuilt = {**_read_unbuilt(module), kernel: reason}
    content = {each: [_attempt(module, each), why] for each, why in unbuilt.items()}
    _files.write(str(UNBUILT), json.dumps(content, indent=2) + "\n", _files.PRIVATE)


def _attempt(module: Module, kernel: str) -> str:
    """Return a hash of everything that decides the outcome of a build."""
    try:
        headers = os.stat(MODULES / kernel / "build" / "Makefile").st_mtime_ns
    except OSError:
        headers = 0
    return hashlib.sha256(json.dumps([module.title, dict(module.files), headers], sort_keys=True).encode()).hexdigest()


def _reason(done: Finished, log: str = "") -> str:
    """Return the compiler's first error, or the last line of the output."""
    lines = [*log.splitlines(), *done.errors.splitlines(), *done.output.splitlines()]
    return next(
        (line.strip() for line in lines if re.search(r"\berror\b", line, re.I)), lines[-1].strip() if lines else "it gave no reason"
    )


def _tail(done: Finished, lines: int = 20) -> str:
    # The compiler's errors come last, wherever they were printed.
    return _last_lines(f"{done.output.strip()}\n{done.errors.strip()}", lines)


def _last_lines(text: str, lines: int) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def warnings(module: Module, state: State) -> Sequence[str]:
    """Return a warning for each older kernel without a build of the module."""
    return [
        f"{module.title} does not build for {kernel}, which is neither the running nor the newest kernel: {reason}. If you boot it, "
        "services use the fallback scheduler. Remove that kernel, or ignore this"
        for kernel, reason in state.unbuilt.items()
    ]
