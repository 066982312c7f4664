# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Kernel modules: /sys/module, ``modprobe`` and ``modinfo``."""

from __future__ import annotations

import os
import re
import subprocess

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

_ENVIRONMENT = {"PATH": os.pathsep.join(("/usr/sbin", "/sbin", "/usr/bin", "/bin"))}
# Seconds; loading a module may wait for other modules or a busy machine.
_TIMEOUT = 60.0


def could_load(module: str) -> bool:
    """Return whether a kernel module is loaded or loadable. Loads nothing.

    The kernel runs modprobe when a service needs the module; this asks modprobe the same question.
    """
    if is_loaded(module):
        return True
    if not os.path.isdir(f"/lib/modules/{os.uname().release}"):
        # A container without the host's modules: only the kernel knows.
        return True
    try:
        return _run("modprobe", "--dry-run", "--quiet", module)
    except FileNotFoundError:
        return True


def is_installed_for(module: str, kernel: str) -> bool:
    """Return whether a kernel, by its release, has a module: as a file, or built in."""
    try:
        return _run("modprobe", "--set-version", kernel, "--dry-run", "--quiet", module)
    except FileNotFoundError:
        return False


def release_order(kernel: str) -> list[tuple[bool, int, str]]:
    """Return a sort key that orders kernel releases from the oldest to the newest."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.findall(r"[0-9]+|[a-z]+", kernel)]


def load(module: str) -> bool:
    """Load a kernel module, and return whether it is loaded now (a built-in one always is)."""
    try:
        return is_loaded(module) or _run("modprobe", "--quiet", module)
    except OSError:
        return False


def unload(module: str) -> bool:
    """Unload only this kernel module, unlike ``modprobe -r``; return whether that worked."""
    return _run("rmmod", module)


def is_loaded(module: str) -> bool:
    """Return whether a kernel module is loaded."""
    return os.path.isdir(f"/sys/module/{module}")


def loaded_source(module: str) -> str:
    """Return the checksum of the loaded module's source; empty if it is not loaded, or has none."""
    try:
        with open(f"/sys/module/{module}/srcversion", encoding="ascii") as text:
            return text.read().strip()
    except FileNotFoundError:
        return ""


def installed_source(module: str) -> str:
    """Return the checksum of the installed module's source; empty if none is installed."""
    done = _ask("modinfo", "-F", "srcversion", module)
    return done.stdout.strip() if done.returncode == 0 else ""


def _run(*command: str) -> bool:
    return _ask(*command).returncode == 0


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, env=_ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True, timeout=_TIMEOUT
        )
    except subprocess.TimeoutExpired as exc:
        raise IpvsUnavailableError(f"{' '.join(command)} did not end within {_TIMEOUT:g} seconds, and was killed") from exc
