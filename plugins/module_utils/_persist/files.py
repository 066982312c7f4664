# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Files of root's that outlive a run: where they are, and how they are replaced."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Optional

DIRECTORY = "/var/lib/lvs.director"


def other_namespace() -> Optional[int]:
    """Return the number of the network namespace in which this process runs, None if it is the machine's own.

    Another one does not outlive a reboot, and neither does what is in it.
    """
    own = os.stat("/proc/self/ns/net").st_ino
    try:
        first = os.stat("/proc/1/ns/net").st_ino
    except OSError:
        first = own
    return None if own == first else own


@contextlib.contextmanager
def replacement(path: str, text: str, mode: int = 0o600) -> Iterator[None]:
    """Have a file's new content on the disk, and put it in place when the block ends without an error.

    What can go wrong with a file goes wrong before the block: the rename at its end is all that is left. Whoever reads
    the file finds the old content or the new one, whatever happens.

    :raises OSError: it cannot be written.
    """
    directory = os.path.dirname(path)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    number, fresh = tempfile.mkstemp(dir=directory, prefix=f".{os.path.basename(path)}-")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            os.fchmod(number, mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise
    place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)
