# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schedulers in the kernel, and unloading the one that the self-test loaded."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._selftest import schedulers as _schedulers
from ansible_collections.lvs.director.plugins.module_utils._selftest.schedulers import is_loaded, source_of, unload

# Built into every kernel that modules can be loaded into, or not known to any.
NOWHERE = "no_such_scheduler"


def test_an_unknown_scheduler_is_not_loaded() -> None:
    assert not is_loaded(NOWHERE)
    assert source_of(NOWHERE) is None


def test_loaded_and_built_in_schedulers_are_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "/sys/module/ip_vs_test")
    assert is_loaded("test")
    builtin = tmp_path / "modules.builtin"
    builtin.write_text("kernel/net/netfilter/ipvs/ip_vs.ko\nkernel/net/netfilter/ipvs/ip_vs_fo.ko\n")
    monkeypatch.setattr(_schedulers, "open", lambda path, **_: builtin.open(), raising=False)
    assert is_loaded("fo")
    assert not is_loaded("rr")


@pytest.mark.parametrize(("loaded", "runs"), [([False], 1), ([True, True, False], 3), ([True] * 20, 20)])
def test_unloading_is_retried(monkeypatch: pytest.MonkeyPatch, loaded: list[bool], runs: int) -> None:
    commands: list[list[str]] = []
    answers = iter(loaded)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append([*command]) or subprocess.CompletedProcess(command, 1))
    monkeypatch.setattr(_schedulers, "is_loaded", lambda scheduler: next(answers))
    monkeypatch.setattr(_schedulers.time, "sleep", lambda seconds: None)
    unload("fo")
    assert commands == [["rmmod", "ip_vs_fo"]] * runs
