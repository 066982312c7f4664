# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Make a real server's changes, all or none; consecutive ip(8) commands run in one process."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator, Sequence

from ansible_collections.lvs.director.plugins.module_utils._machine import addresses
from ansible_collections.lvs.director.plugins.module_utils._machine.command import must_run, run
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_found import SYSCTL
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import Change, Command
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsRejectedError


class _BatchError(IpvsRejectedError):
    """A command failed; the ``done`` ones before it were carried out."""

    def __init__(self, text: str, done: int) -> None:
        super().__init__(text)
        self.done = done


def apply(planned: Sequence[Change]) -> None:
    """Make all changes. After a failure, undo those already made.

    :raises IpvsRejectedError: a change failed.
    """
    commands = [(number, command) for number, change in enumerate(planned) for command in change.do]
    done = 0
    settled = False
    try:
        while done < len(commands):
            command = commands[done][1]
            if command[0] == "ip":
                following = (each for _number, each in commands[done:])
                done += _batch(list(itertools.takewhile(lambda each: each[0] == "ip", following)))
                continue
            if command[0] == "sysctl" and not settled and not command[1].startswith("all/"):
                _settle()
                settled = True
            _single(command)
            done += 1
        return
    except _BatchError as exc:
        done += exc.done
        reason: IpvsError = exc
    except IpvsError as exc:
        reason = exc
    begun = planned[: commands[done][0] + 1]
    left = [problem for change in reversed(begun) for problem in _undo(change, failed=change is begun[-1])]
    outcome = f"The earlier changes could not be undone: {'; '.join(left)}" if left else "The earlier changes were undone"
    raise IpvsRejectedError(f"{reason}. {outcome}")


def _batch(commands: Sequence[Command]) -> int:
    """Run several commands in one ip(8) process; return how many."""
    lines = [" ".join(words) for _ip, *words in commands]
    for number, reason in addresses.batch(lines):
        raise _BatchError(f"ip {lines[number]}: {reason}", number)
    return len(commands)


def _single(command: Command) -> None:
    program, *words = command
    if program == "nft":
        must_run("nft", "-f", "-", stdin=f"{words[0]}\n")
    elif program == "sysctl":
        _set(*words)
    else:
        must_run(*command)


def _set(name: str, value: str) -> None:
    path = f"{SYSCTL}/{name}"
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(value)
    except OSError as exc:
        raise IpvsRejectedError(f"The kernel refuses {value!r} for {path}: {exc.strerror}") from exc


def _settle() -> None:
    """Wait for udev, which may still apply /etc/sysctl.d to interfaces just added."""
    if shutil.which("udevadm"):
        with contextlib.suppress(IpvsError):
            run("udevadm", "settle", "--timeout=10")


def _undo(change: Change, *, failed: bool) -> Iterator[str]:
    """Undo a change, and yield failures; the change that itself failed may have had no effect, so its undo may fail."""
    for command in change.undo:
        try:
            if command[0] == "ip":
                _batch([command])
            else:
                _single(command)
        except IpvsError as exc:
            if not failed:
                yield str(exc)
