# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kernel does with what is restored at boot: that of the machine has it in a file, the one in memory in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._persist import table_file as _saved_file

from contract.memory import MemoryKernel


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "table.json"
    monkeypatch.setattr(_saved_file, "PATH", str(path))
    monkeypatch.setattr(_saved_file, "FALLBACK", str(tmp_path / "fallback"))
    monkeypatch.setattr(_saved_file, "other_namespace", lambda: None)
    return path


def save(kernel: IpvsKernel, text: str) -> None:
    with kernel.lock(exclusive=True), kernel.replace_saved(text):
        pass


def test_it_is_there_when_the_block_has_ended(kernel: IpvsKernel, place: Path) -> None:
    assert kernel.read_saved() is None
    assert kernel.read_fallback() == frozenset()
    save(kernel, "one")
    with kernel.lock(exclusive=True), kernel.replace_saved("two"):
        assert kernel.read_saved() == "one"
    assert kernel.read_saved() == "two"


def test_what_fails_leaves_it_as_it_was(kernel: IpvsKernel, place: Path) -> None:
    save(kernel, "one")
    with pytest.raises(KeyError), kernel.lock(exclusive=True), kernel.replace_saved("two"):
        raise KeyError
    assert kernel.read_saved() == "one"
    if not isinstance(kernel, MemoryKernel):
        assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_another_namespace_than_the_machines_has_none(kernel: IpvsKernel) -> None:
    """The contract runs in a namespace of its own, or in memory."""
    assert kernel.read_saved() is None
