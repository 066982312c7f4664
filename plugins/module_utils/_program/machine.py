# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Shared by the commands: this machine's kernel, its saved table, and the journal."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from ansible_collections.lvs.director.plugins.module_utils._boot.journal import Journal
from ansible_collections.lvs.director.plugins.module_utils._kernel import modules as kernel_modules
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.files import TABLE, MachineStore, damaged, has_quiescent
from ansible_collections.lvs.director.plugins.module_utils._persist.remembering import remembering
from ansible_collections.lvs.director.plugins.module_utils._persist.restorable import Content, content_of

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel


def journal() -> Journal:
    """Return a journal; its lines have syslog levels if systemd reads them."""
    return Journal(levels="JOURNAL_STREAM" in os.environ)


def saved() -> Content:
    """Return what is saved on this machine, with the destinations that are drained or held.

    :raises IpvsUnavailableError: nothing is saved, or it cannot be read.
    """
    text = MachineStore().read_table()
    if text is None:
        raise IpvsUnavailableError(f"There is nothing to restore: no {TABLE}. Run the role lvs.director.ipvs_director")
    try:
        content = content_of(text)
    except IpvsUnavailableError as exc:
        raise damaged(exc) from exc
    if not has_quiescent():
        return content
    from ansible_collections.lvs.director.plugins.module_utils._persist import quiescent  # noqa: PLC0415 (loaded only where it is used)

    marks = quiescent.read()
    return content._replace(services=tuple(quiescent.with_marks(service, marks) for service in content.services))


@contextlib.contextmanager
def kernel(*, load: bool = True) -> Iterator[IpvsKernel]:
    """Open this machine's kernel during the block.

    :param load: load ``ip_vs`` first.
    :raises IpvsUnavailableError: ``ip_vs`` is not loaded, or pyroute2 is missing.
    """
    if load:
        kernel_modules.load("ip_vs")
    try:
        opened = remembering(NetlinkKernel())
    except ImportError as exc:
        raise IpvsUnavailableError(f"{exc}. Install the package python3-pyroute2") from exc
    with closing(opened):
        yield opened
