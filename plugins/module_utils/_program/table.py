# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``restore table``, ``clear table`` and ``reload-scheduler``."""

from __future__ import annotations

import contextlib
import functools

from ansible_collections.lvs.director.plugins.module_utils._boot.journal import Journal
from ansible_collections.lvs.director.plugins.module_utils._boot.restore import clear_table, restore_table
from ansible_collections.lvs.director.plugins.module_utils._kernel import modules as kernel_modules
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore, has_quiescent
from ansible_collections.lvs.director.plugins.module_utils._program import machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import FAILED, INCOMPLETE


def restore(fallback: str) -> int:
    journal, store = machine.journal(), MachineStore()
    if has_quiescent():
        _set_aside_if_damaged(journal)
    content = machine.saved()
    with machine.kernel() as kernel, contextlib.ExitStack() as stack:
        known = store.read_fallback()
        if known:
            # Services get their own scheduler back while clients connect. Without nft, some connections may be refused; still better.
            from ansible_collections.lvs.director.plugins.module_utils._boot.icmp import refusals_suppressed  # noqa: PLC0415 (loaded only where it is used)

            with contextlib.suppress(IpvsUnavailableError):
                stack.enter_context(refusals_suppressed())
        replaced = restore_table(kernel, content, journal, load=functools.cache(kernel_modules.load), fallback=fallback, known=known)
    store.write_fallback(replaced)
    return INCOMPLETE if journal.problems else 0


def _set_aside_if_damaged(journal: Journal) -> None:
    """Move a file of quiescent destinations away that cannot be read: the table is worth more than they are."""
    from ansible_collections.lvs.director.plugins.module_utils._persist import quiescent  # noqa: PLC0415 (loaded only where it is used)

    try:
        quiescent.read()
    except IpvsUnavailableError as exc:
        quiescent.set_aside()
        journal.problem(f"{exc}. It was renamed to end in .damaged, and all destinations get their saved weights, drained ones as well")


def clear() -> int:
    content, journal = machine.saved(), machine.journal()
    with machine.kernel() as kernel:
        clear_table(kernel, content, journal)
    return FAILED if journal.problems else 0


def reload_scheduler(scheduler: str, fallback: str) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._boot import reload_scheduler as reloading  # noqa: PLC0415 (loaded only where it is used)
    from ansible_collections.lvs.director.plugins.module_utils._boot.icmp import refusals_suppressed  # noqa: PLC0415 (loaded only where it is used)

    journal = machine.journal()
    with machine.kernel() as kernel:
        reloading.reload_scheduler(kernel, MachineStore(), scheduler, fallback, kernel_modules, refusals_suppressed, journal.note)
    return 0
