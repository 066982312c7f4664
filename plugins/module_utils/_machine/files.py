# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Write and remove whole text files, as steps."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.files import replacement

PUBLIC = 0o644
PRIVATE = 0o600


def content(path: str) -> Optional[str]:
    """Return a file's text, or None if the file does not exist.

    :raises IpvsUnavailableError: it cannot be read.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot read {path}: {exc.strerror}. Run the task as root (become: true)") from exc


def write(path: str, text: str, mode: int = PUBLIC) -> None:
    """Replace a file atomically. Create a missing directory with mode 0755, or 0700 for a private file.

    :raises IpvsUnavailableError: it cannot be written.
    """
    try:
        os.makedirs(os.path.dirname(path), mode=0o700 if mode == PRIVATE else 0o755, exist_ok=True)
        with replacement(path, text, mode):
            pass
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot write {path}: {exc.strerror}") from exc


def remove(path: str) -> None:
    """Remove a file, and its directory if that is the last file in it.

    :raises IpvsUnavailableError: it cannot be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot remove {path}: {exc.strerror}") from exc
    if os.path.dirname(path) not in _SHARED:
        with contextlib.suppress(OSError):  # not empty
            os.rmdir(os.path.dirname(path))


# Directories of the distribution, which stay even if empty.
_SHARED = frozenset(("/etc", "/etc/sysctl.d", "/etc/modules-load.d", "/etc/systemd/system", "/etc/systemd/network", "/usr/local/sbin"))


def plan(wanted: Mapping[str, str], mode: int = PUBLIC) -> list[Step]:
    """Return the steps that write the files whose text differs."""
    return [Step(f"write {path}", partial(write, path, text, mode)) for path, text in wanted.items() if content(path) != text]


def plan_removal(paths: Iterable[str]) -> list[Step]:
    """Return the steps that remove the files that exist."""
    return [Step(f"remove {path}", partial(remove, path)) for path in paths if os.path.lexists(path)]
