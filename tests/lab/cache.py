# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache shared by all clones: images, templates, the ssh key.

An entry is a directory named after the hash of everything that went into it. It is built under
a lock in a directory beside it and renamed at the end, so that a complete entry is all that
anybody ever sees, however many labs start at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .attempts import attempts
from .progress import Progress

KINDS = ("images", "templates", "kvm", "kmod", "controllers")
"""Entries that can be made again at any time."""
LOCK_PATIENCE = 3600.0
"""Seconds for another process to end: it may build the images of a whole lab in an emulated machine."""
OLD = 30 * 24 * 3600.0
"""Seconds without use after which an entry goes, when something new comes into the cache."""


def root() -> Path:
    """The cache directory: LVS_DIRECTOR_CACHE, or lvs-director in the user's cache."""
    configured = os.environ.get("LVS_DIRECTOR_CACHE")
    if configured:
        path = Path(configured)
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lvs-director"
    path = path.absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def key_of(ingredients: Any) -> str:
    """Return a name for the product of these (JSON-able) ingredients."""
    text = json.dumps(ingredients, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextlib.contextmanager
def lock(path: Path, progress: Progress, who: str, what: str) -> Iterator[None]:
    """Hold an exclusive lock on a file; report while another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.waiting(who, what):
                for _attempt in attempts(LOCK_PATIENCE, f"{who}: {what}, and has not ended", pause=0.2):
                    with contextlib.suppress(BlockingIOError):
                        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
        yield


def entry(kind: str, key: str, build: Callable[[Path], None], progress: Progress) -> Path:
    """The directory of an entry, built by ``build(directory)`` if nobody has yet."""
    directory = root() / kind / key
    if not directory.is_dir():
        with lock(_lock_of(directory), progress, f"{kind}/{key}", "another process builds it"):
            if not directory.is_dir():
                for remains in directory.parent.glob(key + ".building-*"):  # of a build that was killed
                    shutil.rmtree(remains)
                scratch = Path(tempfile.mkdtemp(prefix=key + ".building-", dir=directory.parent))
                try:
                    scratch.chmod(0o755)
                    build(scratch)
                    for path in scratch.iterdir():
                        _flush(path)
                    scratch.rename(directory)
                    os.utime(directory)  # a build may have left it an old date, and prune() goes by the last use
                finally:
                    shutil.rmtree(scratch, ignore_errors=True)
        prune(OLD, progress)
    os.utime(directory)  # used now
    return directory


def prune(unused: float, progress: Progress) -> None:
    """Remove entries unused for this many seconds, and the remains of killed builds."""
    for kind in KINDS:
        for directory in (root() / kind).glob("*/"):
            building = directory.name.partition(".building-")
            if not building[1] and time.time() - directory.stat().st_mtime < unused:
                continue
            try:
                with open(_lock_of(directory.with_name(building[0])), "w", encoding="utf-8") as handle:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(directory)
            except BlockingIOError:  # just being built
                continue
            except FileNotFoundError:  # another process prunes, too
                continue
            if not building[1]:
                progress.say("cache", f"removed {kind}/{directory.name}, unused since long")


def _lock_of(directory: Path) -> Path:
    return directory.with_name(directory.name + ".lock")


def _flush(path: Path) -> None:
    """The rename must not reach the disk before the contents: a crash would leave a torn entry."""
    descriptor = os.open(path, os.O_RDONLY)  # a file, or a directory
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def identity_file(progress: Progress) -> Path:
    """The private ssh key that every machine of this cache accepts for root."""

    def generate(directory: Path) -> None:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lvs-director lab",
                        "-f", str(directory / "id_ed25519")], check=True, timeout=60)

    return entry("ssh", "root", generate, progress) / "id_ed25519"
