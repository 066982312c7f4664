# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One kernel and the place to build for it, as python3 -m kmod check makes and caches them."""

from __future__ import annotations

import pytest

from kmod.archive import RELEASES, Index, Kernel
from kmod.roots import Root, roots
from lab.progress import Progress


@pytest.fixture(scope="session")
def room() -> tuple[Kernel, Root]:
    """The newest kernel of Debian 12."""
    progress = Progress()
    index = Index(RELEASES["bookworm"], progress)
    kernel = index.current_kernels()[-1]
    root = roots(index, [kernel], progress)[kernel]
    assert isinstance(root, Root), root
    return kernel, root
