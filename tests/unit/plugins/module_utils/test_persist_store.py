# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file restored at boot: there as a whole or not at all, and for root alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist import files as _state_file
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "table.json"
    monkeypatch.setattr(_state_file, "TABLE", str(path))
    monkeypatch.setattr(_state_file, "FALLBACK", str(tmp_path / "run" / "fallback"))
    monkeypatch.setattr(_state_file, "other_namespace", lambda: None)
    return path


def test_files_are_written_atomically_and_for_root_only(place: Path) -> None:
    assert MachineStore().read_table() is None
    with MachineStore().replace_table("one"):
        assert not place.exists()
        (fresh,) = place.parent.iterdir()
        assert (fresh.read_text(), fresh.stat().st_mode & 0o777) == ("one", 0o600)
    assert MachineStore().read_table() == "one"
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in place.parent.iterdir()] == ["table.json"]


def test_write_errors_occur_before_the_block(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_state_file.os, "fsync", full)
    with pytest.raises(IpvsUnavailableError, match=f"Cannot write {place}.*No space left"), MachineStore().replace_table("one"):
        pytest.fail("the block was entered")
    assert list(place.parent.iterdir()) == []


def test_an_unreadable_file_is_named(place: Path) -> None:
    place.parent.mkdir()
    place.write_bytes(b"\xff")
    with pytest.raises(IpvsUnavailableError, match=f"Cannot read {place}.*Mend the file; or remove it"):
        MachineStore().read_table()
    place.unlink()
    place.mkdir()
    with pytest.raises(IpvsUnavailableError, match=f"Cannot read {place}.*Is a directory"):
        MachineStore().read_table()


def test_another_namespace_has_no_files(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MachineStore().replace_table("one"):
        pass
    monkeypatch.setattr(_state_file, "other_namespace", lambda: 4711)
    assert MachineStore().read_table() is None


def test_names_of_services_without_their_scheduler(tmp_path: Path) -> None:
    names = frozenset({"tcp 192.0.2.1:80", "fwmark 7 (ipv6)"})
    MachineStore().write_fallback(frozenset())
    MachineStore().write_fallback(names)
    assert MachineStore().read_fallback() == names
    MachineStore().write_fallback(frozenset())
    assert not os.path.exists(_state_file.FALLBACK)
    assert MachineStore().read_fallback() == frozenset()


def test_the_time_of_a_run_is_kept_where_a_table_is_saved(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MachineStore().record_run("ipvs_table")
    assert MachineStore().read_runs() == {}
    with MachineStore().replace_table("one"):
        pass
    MachineStore().record_run("ipvs_table")
    MachineStore().record_run("ipvs_destination")
    assert MachineStore().read_runs().keys() == {"ipvs_destination", "ipvs_table"}
    os.utime(place.with_name("last-run-ipvs_table"), (1, 1))
    assert MachineStore().read_runs()["ipvs_table"] == 1
    before = place.stat().st_mtime_ns
    MachineStore().record_run("ipvs_table")
    assert MachineStore().read_runs()["ipvs_table"] > 1
    assert place.stat().st_mtime_ns == before
    monkeypatch.setattr(_state_file, "other_namespace", lambda: 4711)
    MachineStore().record_run("ipvs_service")
    assert "ipvs_service" not in MachineStore().read_runs()


def test_names_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    Path(_state_file.FALLBACK).mkdir(parents=True)
    with pytest.raises(IpvsUnavailableError, match=f"Cannot read {_state_file.FALLBACK}: .*Is a directory"):
        MachineStore().read_fallback()


def test_without_access_to_process_1_the_namespace_counts_as_its(monkeypatch: pytest.MonkeyPatch) -> None:
    stat = os.stat

    def refused(path: str) -> os.stat_result:
        if path == "/proc/1/ns/net":
            raise PermissionError(13, "Permission denied")
        return stat(path)

    monkeypatch.setattr(_state_file.os, "stat", refused)
    assert _state_file.other_namespace() is None
