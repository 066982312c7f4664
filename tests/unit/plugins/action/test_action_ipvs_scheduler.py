# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of ipvs_scheduler: the source that is sent to the target."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.lvs.director.plugins.action import ipvs_scheduler


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(ipvs_scheduler.NormalAction, "run", lambda self, tmp, task_vars: dict(self._task.args))

    def sent(**arguments: Any) -> dict[str, Any]:
        action = ipvs_scheduler.ActionModule.__new__(ipvs_scheduler.ActionModule)
        action._task = SimpleNamespace(args=arguments)
        return action.run()

    return sent


@pytest.mark.parametrize("arguments", [{}, {"state": "present"}, {"state": "installed", "source": None}])
def test_the_collections_own_source_by_default(sent: Any, arguments: dict[str, Any]) -> None:
    result = sent(**arguments)
    assert sorted(result["source"]) == ["Kbuild", "dkms.conf", "ip_vs_test.c"]
    assert "MODULE_LICENSE" in result["source"]["ip_vs_test.c"]
    assert {**result, "source": None} == {"source": None, **arguments}


def test_another_directory(sent: Any, tmp_path: Path) -> None:
    for name in ("a.c", "a.h", "a.o", "a.mod.c~", "dkms.conf", "README"):
        (tmp_path / name).write_text(name)
    assert sent(source=str(tmp_path))["source"] == {name: name for name in ("a.c", "a.h", "dkms.conf")}
    (tmp_path / "b.c").write_bytes(b"\xff")
    with pytest.raises(AnsibleActionFail, match=f"Cannot read the source of the scheduler in {tmp_path} on the controller"):
        sent(source=str(tmp_path))


def test_removal_needs_no_source(sent: Any) -> None:
    assert sent(state="absent") == {"state": "absent"}
