# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment: a folder with `ansible-playbook`, `ansible-galaxy`, `ansible-inventory` and `python3` of one ansible-core.

They work on the host's files, from wherever they are run. Where the Python is another Debian's, its /usr is laid over the
host's in a mount namespace of the program's own: nothing else of the host is hidden, and nothing stays mounted.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from lab import apt, cache, sources, tree
from lab.errors import LabError
from lab.progress import Progress
from lab.tail import tail
from tools.checkout import ROOT

from .versions import Version

KIND = "controllers"
# A controller's packages beside Python: ssh for its machines; and for the tests openssl to make keys, and git to list files.
PACKAGES = ("ca-certificates", "git", "openssh-client", "openssl", "python3", "python3-venv")
# The imports of the collection's tests. They and their dependencies have the versions of .venv.
TESTS = ("hypothesis", "pyroute2", "pytest")
PROGRAMS = ("ansible", "ansible-doc", "ansible-galaxy", "ansible-inventory", "ansible-playbook", "python3")

WRAPPER = """\
#!/bin/sh
# {program} of {name}
PATH={programs}:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 exec {command} "$@"
"""
LAY_OVER = 'mount --bind "$1" /usr; shift; exec "$@"'


def environment(version: Version, release: str, progress: Progress) -> Path:
    """Return the folder for a release of ansible-core, made if the cache does not have it yet."""
    enter = _entering(version.system, progress) if version.system else []
    name = f"ansible-core {release}"
    requirements = [f"ansible-core=={release}", *(line for line in _lines("requirements.txt") if line.split("==")[0] in TESTS)]
    constraints = [line for line in _lines("constraints.txt") if "==" in line]
    key = f"{version.name}-{cache.key_of([requirements, constraints, enter, WRAPPER, PROGRAMS])}"
    # Known before it is made: the scripts of a virtual environment name the place where it is.
    programs = cache.root() / KIND / key / "venv" / "bin"

    def build(directory: Path) -> None:
        progress.say(name, "installing it with pip")
        for file, lines in (("requirements.txt", requirements), ("constraints.txt", constraints)):
            (directory / file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        with progress.waiting(name, "pip"):
            _run(name, directory, *enter, "/usr/bin/python3", "-m", "venv", "venv")
            _run(name, directory, *enter, "venv/bin/python3", "-m", "pip", "--disable-pip-version-check", "install", "--no-input",
                 "-r", "requirements.txt", "-c", "constraints.txt")
        for script in (directory / "venv" / "bin").iterdir():
            if not script.is_symlink():
                script.write_bytes(script.read_bytes().replace(bytes(directory / "venv" / "bin"), bytes(programs)))
        (directory / "bin").mkdir()
        for program in PROGRAMS:
            wrapper = directory / "bin" / program
            command = shlex.join([*enter, str(programs / program)])
            wrapper.write_text(WRAPPER.format(program=program, name=name, programs=shlex.quote(str(programs)), command=command),
                               encoding="utf-8")
            wrapper.chmod(0o755)

    return cache.entry(KIND, key, build, progress) / "bin"


def _entering(system: str, progress: Progress) -> list[str]:
    """Return a command prefix that gives a command this Debian's programs and the host's files."""
    codename = sources.CODENAMES[system]
    lines, proxies = sources.lines(codename), sources.proxies()
    solution = apt.solution(codename, lines, PACKAGES, progress)

    def build(directory: Path) -> None:
        progress.say(system, f"installing its Python into a directory, {len(solution)} packages")
        tree.make(directory, system, PACKAGES, lines, proxies, progress)

    root = cache.entry(KIND, f"{system}-{cache.key_of([solution, tree.OPTIONS])}", build, progress) / "root"
    # An unprivileged user is root inside, which is enough to mount.
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    return ["unshare", *user, "--mount", "sh", "-euc", LAY_OVER, "sh", str(root / "usr")]


def _lines(file: str) -> list[str]:
    return (ROOT / "tests" / file).read_text(encoding="utf-8").splitlines()


def _run(name: str, directory: Path, *command: str) -> None:
    log = directory / "pip.log"
    with open(log, "a", encoding="utf-8") as output:
        done = subprocess.run(command, cwd=directory, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=1200)
    if done.returncode:
        raise LabError(f"{name} cannot be installed: {shlex.join(command)} ended with status {done.returncode}; its last words:\n"
                       + "\n".join(f"    {line}" for line in tail(log)))
