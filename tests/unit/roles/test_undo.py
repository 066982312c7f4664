# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's programs remove what they made, and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from . import programs


@pytest.fixture
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = programs.load("boot")
    monkeypatch.setattr(module, "UNITS", tmp_path / "units")
    monkeypatch.setattr(module, "FALLBACK", tmp_path / "fallback")
    (tmp_path / "units").mkdir()
    module.enabled, module.active, module.said = set(), set(), []

    def systemctl(*words: str) -> tuple[int, str]:
        verb, name = words[0], words[-1]
        if verb == "is-enabled":
            return (0 if name in module.enabled else 1), ""
        if verb == "show":
            answers = {"NeedDaemonReload": "no", "ActiveState": "active" if name in module.active else "inactive"}
            return 0, answers[words[2].partition("=")[2]]
        module.said.append(" ".join(words))
        if verb == "enable":
            module.enabled.add(name)
        if verb in ("start", "restart"):
            module.active.add(name)
            module.FALLBACK.unlink(missing_ok=True)
        if verb == "disable":
            module.enabled.discard(name)
            module.active.discard(name)
        return 0, ""

    monkeypatch.setattr(module, "systemctl", systemctl)
    return module


def request(tmp_path: Path, **more: Any) -> dict[str, Any]:
    saved = {"path": str(tmp_path / "state" / "table.json"), "text": "nothing"}
    return {"units": {"a.service": "A", "b.service": "B"}, "saved": saved, "program": str(tmp_path / "program"), "check": False, **more}


def test_units_are_there_enabled_and_started(boot: ModuleType, tmp_path: Path) -> None:
    predicted = boot.converge(request(tmp_path, check=True))["steps"]
    assert boot.said == []
    assert boot.converge(request(tmp_path))["steps"] == predicted
    assert len(predicted) == 8
    assert boot.said == ["daemon-reload", "enable --quiet a.service", "enable --quiet b.service", "start a.service", "start b.service"]
    saved = tmp_path / "state" / "table.json"
    assert (saved.read_text(), saved.stat().st_mode & 0o777, saved.parent.stat().st_mode & 0o777) == ("nothing", 0o600, 0o700)
    assert boot.converge(request(tmp_path))["steps"] == []
    saved.write_text("a table")
    boot.active.clear()
    assert boot.converge(request(tmp_path))["steps"] == ["start a.service", "start b.service"]
    assert saved.read_text() == "a table"
    boot.FALLBACK.touch()
    (step,) = boot.converge(request(tmp_path))["steps"]
    assert step.startswith("restart a.service")


def test_undone_nothing_is_left_of_them(boot: ModuleType, tmp_path: Path) -> None:
    boot.converge(request(tmp_path))
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $1 >>{tmp_path}/commands\n")
    program.chmod(0o755)
    boot.said.clear()
    predicted = boot.converge(request(tmp_path, absent=True, check=True))["steps"]
    assert program.exists()
    assert boot.converge(request(tmp_path, absent=True))["steps"] == predicted
    assert (tmp_path / "commands").read_text() == "clear-network\nclear-table\n"
    assert boot.said[:2] == ["disable --quiet --now b.service", "disable --quiet --now a.service"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["commands", "units"]
    assert boot.converge(request(tmp_path, absent=True))["steps"] == []


def test_what_cannot_be_cleared_stops_the_rest(boot: ModuleType, tmp_path: Path) -> None:
    boot.converge(request(tmp_path))
    with pytest.raises(boot.CannotError, match=r"program is missing.* Nothing was changed"):
        boot.converge(request(tmp_path, absent=True))
    (tmp_path / "program").write_text("#!/bin/sh\necho the reason; exit 1\n")
    (tmp_path / "program").chmod(0o755)
    with pytest.raises(boot.CannotError, match=r"clear-network failed.*the reason"):
        boot.converge(request(tmp_path, absent=True))
    assert boot.enabled == {"a.service", "b.service"}
    assert (tmp_path / "state" / "table.json").exists()
