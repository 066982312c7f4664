# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The file of what is restored at boot.

Where it is there, every run of this collection keeps it in step with the kernel; the role puts it there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.files import DIRECTORY, other_namespace, replacement

PATH = f"{DIRECTORY}/table.json"
# The names of services that have another scheduler than their own, because that was missing when they were restored.
FALLBACK = "/run/lvs.director/fallback"


def read() -> Optional[str]:
    """Return the file's text, None where nothing is restored: there is no file, or this is not the machine's own namespace.

    :raises IpvsUnavailableError: it cannot be read.
    """
    if other_namespace() is not None:
        return None
    try:
        with open(PATH, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise damaged(exc) from exc


@contextlib.contextmanager
def replaced(text: str) -> Iterator[None]:
    """Have a new text ready, and put it in place when the block ends without an error.

    :raises IpvsUnavailableError: it cannot be written. If that is said before the block, nothing has been changed.
    """
    try:
        with replacement(PATH, text):
            yield
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot write {PATH}, from which the table is restored at boot: {exc}") from exc


def read_fallback() -> frozenset[str]:
    """Return the names of the services that have another scheduler than their own."""
    try:
        with open(FALLBACK, encoding="ascii") as file:
            return frozenset(file.read().splitlines())
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError) as exc:
        raise IpvsUnavailableError(f"Cannot read {FALLBACK}: {exc}") from exc


def write_fallback(names: frozenset[str]) -> None:
    """Keep these names, until the next boot or call."""
    if not names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(FALLBACK)
        return
    with replacement(FALLBACK, "".join(f"{name}\n" for name in sorted(names))):
        pass


def damaged(reason: object) -> IpvsUnavailableError:
    """Return the error about a file that is not what it should be."""
    return IpvsUnavailableError(
        f"Cannot read {PATH}, from which the table is restored at boot: {reason}. Nothing was changed. Mend the file; or "
        "remove it, run the role lvs.director.ipvs_director, which makes a new one, and the other tasks of this collection "
        "that changed this machine"
    )
