# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's programs, which are no package, as modules."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import ansible_collections.lvs.director.roles.ipvs_director as installed


def load(name: str) -> ModuleType:
    path = Path(next(iter(installed.__path__))) / "files" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"ipvs_director_{name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
