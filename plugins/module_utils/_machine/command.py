# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Run a program on the machine, with a timeout."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

# A task's own PATH often lacks the sbin directories.
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Seconds. Enough for any query; builds have their own limit.
TIMEOUT = 60.0


class Finished(NamedTuple):
    """The exit status and output of a program."""

    code: int
    output: str
    errors: str


def run(*command: str, stdin: str = "", timeout: float = TIMEOUT, environment: dict[str, str] | None = None) -> Finished:
    """Run a program in the C locale and return its exit status and output, even if it failed.

    :param timeout: seconds after which it is killed.
    :raises IpvsUnavailableError: there is no such program, or it did not end in time.
    """
    environment = {**os.environ, "LC_ALL": "C", "PATH": _PATH, **(environment or {})}
    try:
        done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=timeout)
    except FileNotFoundError as exc:
        raise IpvsUnavailableError(f"There is no program {command[0]} on this machine: is its package installed?") from exc
    except subprocess.TimeoutExpired as exc:
        raise IpvsUnavailableError(f"{' '.join(command)} did not end within {timeout:g} seconds, and was killed") from exc
    return Finished(done.returncode, done.stdout, done.stderr)


def is_installed(program: str) -> bool:
    """Return whether the machine has a program."""
    return shutil.which(program, path=_PATH) is not None


def must_run(*command: str, stdin: str = "", timeout: float = TIMEOUT) -> str:
    """Run a program and return its output.

    :raises IpvsUnavailableError: it failed; the text includes its output.
    """
    done = run(*command, stdin=stdin, timeout=timeout)
    if done.code:
        reason = done.errors.strip() or done.output.strip() or f"exit status {done.code}"
        raise IpvsUnavailableError(f"{' '.join(command)}: {reason}")
    return done.output
