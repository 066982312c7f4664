# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The common behaviour of all stores of the saved table: the machine's file, and the unit tests' memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._persist import files
from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore

from contract.memory import MemoryStore


@pytest.fixture(params=[MachineStore, MemoryStore])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(files, "TABLE", str(tmp_path / "state" / "table.json"))
    monkeypatch.setattr(files, "FALLBACK", str(tmp_path / "fallback"))
    monkeypatch.setattr(files, "other_namespace", lambda: None)
    made: Store = request.param()
    return made


def save(store: Store, text: str) -> None:
    with store.replace_table(text):
        pass


def test_the_file_exists_after_the_block(store: Store) -> None:
    assert store.read_table() is None
    save(store, "one")
    with store.replace_table("two"):
        assert store.read_table() == "one"
    assert store.read_table() == "two"


def test_a_failure_leaves_the_file_unchanged(store: Store, tmp_path: Path) -> None:
    save(store, "one")
    with pytest.raises(KeyError), store.replace_table("two"):
        raise KeyError
    assert store.read_table() == "one"
    if isinstance(store, MachineStore):
        assert [path.name for path in (tmp_path / "state").iterdir()] == ["table.json"]


def test_services_with_the_fallback_scheduler(store: Store) -> None:
    assert store.read_fallback() == frozenset()
    store.write_fallback(frozenset({"tcp 192.0.2.1:80"}))
    assert store.read_fallback() == {"tcp 192.0.2.1:80"}
    store.write_fallback(frozenset())
    assert store.read_fallback() == frozenset()
