# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian system as a plain directory, to enter without a machine: mmdebstrap's packages, unpacked as files of the caller."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from . import sources
from .errors import LabError
from .host import SEARCH_PATH
from .progress import Progress
from .tail import tail

OPTIONS = (
    "--variant=essential", "--architectures=amd64", "--format=tar", "--dpkgopt=force-unsafe-io",
    '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
    *(f"--dpkgopt=path-exclude=/usr/share/{path}/*" for path in ("man", "doc", "locale", "info")),
)


def make(directory: Path, name: str, packages: Iterable[str], origin: Iterable[str], settings: Iterable[str], progress: Progress) -> Path:
    """Install these packages and the essential ones into ``root`` of a directory, and return that.

    :param origin: one-line apt sources, or a file of them.
    :param settings: lines of an apt configuration, on how an archive is reached.
    """
    root = directory / "root"
    root.mkdir()
    log = directory / "mmdebstrap.log"
    with progress.waiting(name, "a system in a directory"), open(log, "w", encoding="utf-8") as output:
        # An archive on the way, so that the files belong to the user and not to his subordinate ids.
        with subprocess.Popen(
                ["mmdebstrap", *OPTIONS, f"--include={','.join(sorted(packages))}", f"--keyring={sources.KEYRING}",
                 *(f"--aptopt={setting}" for setting in settings), "", "-", *origin],
                env=dict(os.environ, PATH=SEARCH_PATH, LC_ALL="C.UTF-8"), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=output) as maker:
            unpack = subprocess.run(["tar", "--extract", "--no-same-owner", "--exclude=./dev/*", f"--directory={root}"],
                                    stdin=maker.stdout, stderr=output, check=False, timeout=1800)
    if maker.returncode != 0 or unpack.returncode != 0:
        last = tail(log)
        said = next((line for line in last if line.startswith("E: ")), "see its last lines")
        raise LabError(f"{name}: mmdebstrap made no system in a directory: {said}\n" + "\n".join(last))
    return root
