# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Between a run and what is restored at boot: both change under one lock, or neither does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager

from ansible_collections.lvs.director.plugins.module_utils._kernel.client import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.planned import PlannedSave
from ansible_collections.lvs.director.plugins.module_utils._persist.table_file import damaged


def plan_with(kernel: IpvsKernel, make: Callable[[str], PlannedSave]) -> PlannedSave:
    """Return the plan that is made of what is restored at boot; an empty one where nothing is.

    :param make: makes it of the text that is saved.
    :raises IpvsUnavailableError: it cannot be read.
    """
    text = kernel.read_saved()
    if text is None:
        return PlannedSave()
    try:
        return make(text)
    except IpvsUnavailableError as exc:
        raise damaged(exc) from exc


def saving(kernel: IpvsKernel, plan: PlannedSave) -> AbstractContextManager[None]:
    """Return the block in which the kernel is to be changed, at whose end the plan is carried out.

    The new text is on the disk before the block begins, so that a full disk is found while nothing has been changed. Who
    is killed between the kernel's change and the end leaves the old text: the next run finds that the two differ.
    """
    return contextlib.nullcontext() if plan.text is None else kernel.replace_saved(plan.text)
