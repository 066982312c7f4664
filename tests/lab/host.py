# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's requirements on the host, by Debian package."""

from __future__ import annotations

import os
import shutil

from .errors import LabError

PACKAGE_OF_TOOL = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "fakeroot": "fakeroot",
    "mke2fs": "e2fsprogs",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
PACKAGE_OF_TOOL_FOR_USERS = {"newuidmap": "uidmap"}
"""mmdebstrap needs these when it is not run by root."""

# An ordinary user's PATH on Debian lacks the places where mke2fs lives.
SEARCH_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def require_tools() -> None:
    """Name every missing host package at once, with the command that installs them."""
    needed = dict(PACKAGE_OF_TOOL)
    if os.geteuid() != 0:
        needed |= PACKAGE_OF_TOOL_FOR_USERS
    missing = sorted({package for tool, package in needed.items() if not shutil.which(tool, path=SEARCH_PATH)})
    if missing:
        raise LabError(f"the lab needs Debian packages that this host does not have: apt-get install {' '.join(missing)}")
