# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Query Debian's archive with a separate apt that leaves the host's alone."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from . import cache, sources
from .errors import LabError
from .progress import Progress

FRESH = 24 * 3600.0
"""Seconds for which an answer of the archive counts as current."""


def solution(suite: str, lines: list[str], packages: tuple[str, ...], progress: Progress) -> list[str]:
    """Every package, with its version, that a system with these packages consists of now.

    ``lines`` are the sources; what was read of them is kept by the name of the ``suite``. The archive is asked once a day; if
    it cannot be reached, its last answer stands.
    """
    directory = cache.root() / "apt" / suite
    with cache.lock(directory / "lock", progress, suite, "another process reads the package lists"):
        answer = directory / f"{cache.key_of([packages, lines])}.solution"
        if not answer.exists() or time.time() - answer.stat().st_mtime > FRESH:
            options = _options(directory, lines)
            try:
                with progress.waiting(suite, "package lists"):
                    _ask(options, "apt-get", "update", "--error-on=any")
            except LabError as error:
                if not answer.exists():
                    raise
                progress.say(suite, f"the archive cannot be asked, so what it said last stands: {error}")
            else:
                # as mmdebstrap does it: what every system has, and what was asked for
                lines = _ask(options, "apt-get", "install", "--simulate", "--no-install-recommends", "apt",
                             "?essential", "?priority(required)", *packages).splitlines()
                answer.write_text("".join(sorted(line + "\n" for line in lines if line.startswith("Inst "))), encoding="utf-8")
        return answer.read_text(encoding="utf-8").splitlines()


def _options(directory: Path, lines: list[str]) -> list[str]:
    """An apt that knows nothing but the sources of this suite.

    On the command line, where it outweighs the files below /etc/apt; what else they say (a
    proxy, say) goes on to count.
    """
    for name in ("lists/partial", "archives/partial"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "status").touch()
    listed = directory / "sources.list"
    listed.write_text("".join(line.replace("deb ", f"deb [signed-by={sources.KEYRING}] ") + "\n"
                              for line in lines), encoding="utf-8")
    return [f"--option={name}={value}" for name, value in {
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "root",  # may read below a user's home
        "Acquire::Languages": "none",
        "Dir::State::lists": directory / "lists",
        "Dir::State::status": directory / "status",
        "Dir::Cache": directory,
        "Dir::Etc::sourcelist": listed,
        "Dir::Etc::sourceparts": "/dev/null",
    }.items()]


def _ask(options: list[str], program: str, *arguments: str) -> str:
    answer = subprocess.run([program, *options, *arguments], env=dict(os.environ, LC_ALL="C.UTF-8"), text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=600)
    if answer.returncode != 0:
        raise LabError(f"{program} {arguments[0]} failed:\n{answer.stderr.strip()}")
    return answer.stdout
