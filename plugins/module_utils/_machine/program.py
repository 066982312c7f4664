# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The program ``ipvs-director`` as files on the director: installed, compared and removed as steps.

It consists of the collection's files that the task has brought along. Each build has its own directory, named after a hash of its files,
and the command names that directory: starting the command runs one build or the other, never a mixture. The files are compiled once, by
the Python that runs them.
"""

from __future__ import annotations

import glob
import hashlib
import os
import pkgutil
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from importlib import import_module

from ansible_collections.lvs.director.plugins.module_utils._machine import files, systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.command import must_run
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

COMMAND = "/usr/local/sbin/ipvs-director"
LIBRARY = "/usr/local/lib/ipvs-director"
# Of version 0.1.0.
FORMER_COMMAND = "/usr/local/sbin/ipvs-director-restore"
INTERPRETER = "/usr/bin/python3"
# They run the program all the time.
RESYNC_UNIT = "ipvs-director-resync.service"
HEALTH_UNIT = "ipvs-director-health.service"

_PREFIX = __name__.rpartition("._machine")[0]
_PACKAGES = (
    "_model",
    "_netlink",
    "_kernel",
    "_plan",
    "_options",
    "_persist",
    "_apply",
    "_boot",
    "_health",
    "_machine",
    "_sync",
    "_program",
)
_EXECUTABLE = 0o755
_DIGITS = 16


def sources() -> dict[str, bytes]:
    """Return the program's files by path: the modules of its packages that this process can import."""
    found = {}
    for package in _PACKAGES:
        module = import_module(f"{_PREFIX}.{package}")
        for name in ("__init__", *(each.name for each in pkgutil.iter_modules(module.__path__))):
            found[f"{module.__name__.replace('.', '/')}/{name}.py"] = pkgutil.get_data(module.__name__, f"{name}.py") or b""
    # With __init__.py: a regular package of the same name, from an installed Ansible, would win over a namespace package.
    parents = _PREFIX.split(".")
    for depth in range(1, len(parents) + 1):
        found["/".join([*parents[:depth], "__init__.py"])] = b""
    return found


def plan(program: Mapping[str, bytes]) -> list[Step]:
    """Return the steps that install the program."""
    build = _digest(program)
    directory = os.path.join(LIBRARY, build)
    steps = []
    if _digest(_installed(directory)) != build:
        steps.append(Step(f"write the {len(program)} files of {directory}", partial(_write, directory, program)))
    steps += files.plan({COMMAND: _command(directory)}, _EXECUTABLE)
    if not steps and not os.access(COMMAND, os.X_OK):
        steps.append(Step(f"make {COMMAND} executable", partial(os.chmod, COMMAND, _EXECUTABLE)))
    return steps


def plan_restarts(units: Sequence[str]) -> list[Step]:
    """Return the steps that restart those units that run, after the program was renewed."""
    known = systemd.states(units)
    return [Step(f"restart {unit} with the new program", partial(systemd.restart, unit)) for unit in units if known[unit].active]


def plan_clean_up(program: Mapping[str, bytes]) -> list[Step]:
    """Return the steps that remove other builds, and the command of version 0.1.0, which nothing uses any more."""
    others = [name for name in _builds() if name != _digest(program)]
    steps = [Step(f"remove {os.path.join(LIBRARY, name)}", partial(_remove, os.path.join(LIBRARY, name))) for name in others]
    return steps + files.plan_removal([FORMER_COMMAND])


def plan_removal(units: Collection[str]) -> list[Step]:
    """Return the steps that remove the program, unless other units run it.

    :param units: the units that are being removed.
    """
    steps = files.plan_removal([FORMER_COMMAND])
    if any(f"{COMMAND} " in (files.content(path) or "") for path in _unit_files() if os.path.relpath(path, systemd.DIRECTORY) not in units):
        return steps
    steps += files.plan_removal([COMMAND])
    if os.path.lexists(LIBRARY):
        steps.append(Step(f"remove {LIBRARY}", partial(_remove, LIBRARY)))
    return steps


def _unit_files() -> list[str]:
    """Return the paths of units and drop-ins that this collection may have installed."""
    return [path for pattern in ("ipvs*.service", "*.service.d/ipvs*.conf") for path in glob.glob(os.path.join(systemd.DIRECTORY, pattern))]


def _command(directory: str) -> str:
    return f"""#!{INTERPRETER} -I
# By lvs.director. The program itself is in {directory}.
import sys

sys.path.insert(0, "{directory}")
from {_PREFIX}._program.main import main

sys.exit(main(sys.argv[1:]))
"""


def _digest(program: Mapping[str, bytes]) -> str:
    found = hashlib.sha256()
    for path, content in sorted(program.items()):
        found.update(b"%s\0%d\0%s" % (path.encode(), len(content), content))
    return found.hexdigest()[:_DIGITS]


def _installed(directory: str) -> dict[str, bytes]:
    found = {}
    for place, _directories, names in os.walk(directory):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(place, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, directory)] = file.read()
    return found


def _builds() -> list[str]:
    return sorted(os.listdir(LIBRARY)) if os.path.isdir(LIBRARY) else []


def _write(directory: str, program: Mapping[str, bytes]) -> None:
    """Write a build to a temporary directory, and rename that."""
    try:
        os.makedirs(LIBRARY, mode=0o755, exist_ok=True)
        fresh = tempfile.mkdtemp(dir=LIBRARY, prefix=".")
        try:
            for path, content in program.items():
                place = os.path.join(fresh, path)
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "wb") as file:
                    file.write(content)
            os.chmod(fresh, 0o755)
            if os.path.lexists(directory):
                _remove(directory)
            os.rename(fresh, directory)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot write {directory}: {exc.strerror}") from exc
    must_run(INTERPRETER, "-m", "compileall", "-q", directory)


def _remove(directory: str) -> None:
    try:
        shutil.rmtree(directory)
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot remove {directory}: {exc.strerror}") from exc
