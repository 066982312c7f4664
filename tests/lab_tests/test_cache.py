# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from lab import cache
from lab.progress import Progress


def test_a_key_depends_on_every_ingredient_and_on_nothing_else() -> None:
    assert cache.key_of({"a": 1, "b": ["x"]}) == cache.key_of({"b": ["x"], "a": 1})
    assert cache.key_of(["a", "b"]) != cache.key_of(["b", "a"])
    assert cache.key_of(["a"]) != cache.key_of(["a", ""])


def test_a_failed_build_leaves_nothing_and_can_be_repeated(own_cache: Path, progress: Progress) -> None:
    def fail(directory: Path) -> None:
        (directory / "half").write_text("torn")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cache.entry("images", "k", fail, progress)
    assert [path.name for path in (own_cache / "images").iterdir()] == ["k.lock"]

    def build(directory: Path) -> None:
        (directory / "whole").write_text("good")

    assert [path.name for path in cache.entry("images", "k", build, progress).iterdir()] == ["whole"]


def test_an_entry_appears_in_one_step(progress: Progress) -> None:
    built: list[int] = []
    directory = cache.entry("images", "k", lambda scratch: built.append(scratch.stat().st_ino), progress)
    assert built == [directory.stat().st_ino], "renamed, not copied"


def _build_slowly(log: Path) -> None:
    def build(directory: Path) -> None:
        with open(log, "a") as handle:
            handle.write("built\n")
        (directory / "part").write_text("1")
        time.sleep(0.3)
        (directory / "other part").write_text("2")

    entry = cache.entry("images", "k", build, Progress())
    assert sorted(path.name for path in entry.iterdir()) == ["other part", "part"]


def test_only_one_process_builds_and_all_see_a_complete_entry(tmp_path: Path) -> None:
    log = tmp_path / "log"
    processes = [multiprocessing.Process(target=_build_slowly, args=(log,)) for _turn in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert log.read_text() == "built\n"


def test_the_next_build_cleans_up_after_a_killed_one(own_cache: Path, progress: Progress) -> None:
    (own_cache / "images" / "k.building-xyz").mkdir(parents=True)
    cache.entry("images", "k", lambda _directory: None, progress)
    assert sorted(path.name for path in (own_cache / "images").iterdir()) == ["k", "k.lock"]


def test_prune_removes_unused_entries_only(own_cache: Path, progress: Progress) -> None:
    for name in ("old", "new"):
        cache.entry("images", name, lambda _directory: None, progress)
    os.utime(own_cache / "images" / "old", (0, 0))
    (own_cache / "images" / "left.building-1").mkdir()
    (own_cache / "images" / "busy.building-1").mkdir()
    with cache.lock(own_cache / "images" / "busy.lock", progress, "somebody", "builds"):
        cache.prune(3600, progress)
    assert sorted(path.name for path in (own_cache / "images").glob("*/")) == ["busy.building-1", "new"]


def test_use_keeps_an_entry_young(own_cache: Path, progress: Progress) -> None:
    cache.entry("images", "k", lambda _directory: None, progress)
    os.utime(own_cache / "images" / "k", (0, 0))
    cache.entry("images", "k", lambda _directory: None, progress)
    cache.prune(3600, progress)
    assert (own_cache / "images" / "k").is_dir()


def test_the_private_key_is_private(progress: Progress) -> None:
    identity = cache.identity_file(progress)
    assert identity.stat().st_mode & 0o777 == 0o600
    assert cache.identity_file(progress).read_bytes() == identity.read_bytes()
