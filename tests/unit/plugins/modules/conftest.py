# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs whole modules, arguments to result, against the kernel in memory."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args
from ansible_collections.lvs.director.plugins.module_utils._kernel import client as _client
from ansible_collections.lvs.director.plugins.module_utils._persist import files as _files
from ansible_collections.lvs.director.plugins.module_utils._selftest import director as _selftest_director  # noqa: F401 (extends the class replaced below)

from contract.memory import MemoryKernel, MemoryStore

# Since ansible-core 2.21, a module returns its invocation only on request.
INVOCATION = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}

Result = dict[str, Any]


def sides(result: Result) -> tuple[str, str]:
    """Return a diff before and after, of everything that changes, one below the other."""
    before, after = ("".join(entry[side] for entry in result["diff"]) for side in ("before", "after"))
    return before, after


Run = Callable[..., Result]


@pytest.fixture
def kernel() -> MemoryKernel:
    return MemoryKernel()


@pytest.fixture
def store(kernel: MemoryKernel) -> MemoryStore:
    return MemoryStore(kernel=kernel)


@pytest.fixture
def run(
    kernel: MemoryKernel, store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return a function that runs a module by name and returns its result; of a failed one too."""
    monkeypatch.setattr(_client, "NetlinkKernel", lambda: kernel)
    monkeypatch.setattr(_files, "MachineStore", lambda: store)
    monkeypatch.setattr(_files, "quiescent_path", lambda: str(tmp_path / "quiescent.json"))
    monkeypatch.setattr(_files, "former_quiescent_path", lambda: str(tmp_path / "drained.json"))

    warnings: list[str] = []
    # In the tests' process, which is a controller's for Ansible, they would be shown at once.
    monkeypatch.setattr(AnsibleModule, "warn", lambda _self, text: warnings.append(text))

    def run(name: str, *, check: bool = False, **arguments: Any) -> Result:
        warnings.clear()
        module = importlib.import_module(f"ansible_collections.lvs.director.plugins.modules.{name}")
        with patch_module_args({**arguments, **INVOCATION, "_ansible_check_mode": check, "_ansible_diff": True}):
            with pytest.raises(SystemExit) as ended:
                module.main()
        result: Result = json.loads(capsys.readouterr().out)
        assert bool(result.get("failed")) == bool(ended.value.code)
        assert "deprecations" not in result
        if warnings:
            result["warnings"] = list(warnings)
        return result

    return run
