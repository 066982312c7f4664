# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Steps that change the machine: planned, listed for people, carried out, and planned again to see that nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsUnavailableError, IpvsVerificationError


class Step(NamedTuple):
    """One change: a line for people, and how to make it."""

    text: str
    do: Callable[[], None]


def converge(plan: Callable[[], Sequence[Step]], *, check_mode: bool) -> list[str]:
    """Carry out a plan and return the texts of its steps; in check mode, return what it would take.

    :param plan: reads the machine and returns what is left to do. Everything that can be refused is refused there.
    :raises IpvsVerificationError: after all steps there is still something to do.
    :raises IpvsError: a step failed; the text says which ones were carried out before it.
    """
    steps = plan()
    if steps and not check_mode:
        _carry_out(steps)
        left = plan()
        if left:
            raise unfinished(step.text for step in left)
    return [step.text for step in steps]


def _carry_out(steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps):
        try:
            step.do()
        except IpvsError as exc:
            if number == 0:
                raise
            done = "; ".join(each.text for each in steps[:number])
            raise IpvsUnavailableError(f"{exc}. Carried out before that: {done}. The next run does the rest") from exc


def unfinished(left: Iterable[str]) -> IpvsVerificationError:
    """Return the error about steps that were carried out, and have to be again."""
    return IpvsVerificationError(f"After all steps were carried out, these are still to do: {'; '.join(left)}")


def result(steps: Sequence[str]) -> dict[str, Any]:
    """Return what a module of this package returns: ``changed``, ``steps``, and the steps as a diff."""
    return {"changed": bool(steps), "steps": list(steps), "diff": {"prepared": "".join(f"{text}\n" for text in steps)}}
