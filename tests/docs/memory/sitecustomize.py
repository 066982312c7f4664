# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives every module of this collection that this Python runs a kernel in memory, stored in a file between tasks.

Python imports this by itself when it starts, from the folder that PYTHONPATH names first (docs/plays.py sets both). A module comes to its
target as an archive of its own, so that there is nothing to be changed in advance: the files are changed as they are imported.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

PREFIX = "ansible_collections.lvs.director.plugins.module_utils."
STATE = Path(os.environ["DOCS_STATE"])


def memory_kernel() -> Any:
    """Return the kernel as the last task has left it."""
    from contract import memory  # noqa: PLC0415 (it needs the collection, which a module puts on the path after this file was read)

    # The role builds and loads the one, and the guides' machine has the other.
    memory.SCHEDULERS.add("test")
    kernel = memory.MemoryKernel()
    kernel.interfaces["eth1"] = memory.Interface(1500)
    file = STATE / "kernel"
    if file.exists():
        vars(kernel).update(pickle.loads(file.read_bytes()))

    def close() -> None:
        kept = ("services", "destinations", "timeouts", "daemons")
        file.write_bytes(pickle.dumps({name: getattr(kernel, name) for name in kept}))

    vars(kernel)["close"] = close
    return kernel


def with_memory_kernel(module: ModuleType) -> None:
    vars(module)["NetlinkKernel"] = memory_kernel


def with_own_state(module: ModuleType) -> None:
    vars(module).update(
        quiescent_path=lambda: str(STATE / "quiescent.json"),
        former_quiescent_path=lambda: str(STATE / "drained.json"),
        daemon_index_path=lambda state: str(STATE / f"sync-{state}"),
    )


def with_listing(module: ModuleType) -> None:
    vars(module).update(CONNECTIONS=str(STATE / "connections"), CONNECTIONS_WITH_ORIGIN=str(STATE / "connections_with_origin"))


def with_own_programs(module: ModuleType) -> None:
    """Find programs in the folder ``bin`` first."""
    vars(module)["_PATH"] = f"{STATE / 'bin'}:{vars(module)['_PATH']}"


def with_own_files(module: ModuleType) -> None:
    """Move the files that a module of _machine names to the folder ``files``."""
    for name, value in list(vars(module).items()):
        if name.isupper() and isinstance(value, str) and value.startswith(("/etc/", "/var/lib/", "/run/")):
            vars(module)[name] = f"{STATE / 'files'}{value}"
        elif name == "ROOT":
            vars(module)[name] = STATE / "files" / "sys"


CHANGES: dict[str, Callable[[ModuleType], None]] = {
    PREFIX + "_kernel.client": with_memory_kernel,
    PREFIX + "_persist.files": with_own_state,
    PREFIX + "_kernel.connections": with_listing,
    PREFIX + "_machine.command": with_own_programs,
    PREFIX + "_machine.fwmark": with_own_files,
    PREFIX + "_machine.sysctl": with_own_files,
    PREFIX + "_machine.systemd": with_own_files,
    PREFIX + "_machine.vip": with_own_files,
}


class ChangingLoader(Loader):
    """Loads a module as another loader does, which modules of one folder share, and changes it."""

    def __init__(self, loader: Loader, change: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._change = change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._change(module)


class Finder(MetaPathFinder):
    """Finds nothing by itself, but changes modules that other finders find."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        change = CHANGES.pop(name, None)
        if change is None:
            return None
        spec = find_spec(name) if path is None else PathFinder.find_spec(name, path, target)
        assert spec is not None, name
        assert spec.loader is not None, name
        spec.loader = ChangingLoader(spec.loader, change)
        return spec


sys.meta_path.insert(0, Finder())
