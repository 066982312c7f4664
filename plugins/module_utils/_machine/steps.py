# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Steps that change the machine: plan them, carry them out, and plan again to verify that nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError, IpvsUnavailableError, IpvsVerificationError


class Step(NamedTuple):
    """One change: its description, and the function that makes it."""

    text: str
    do: Callable[[], None]


def converge(plan: Callable[[], Sequence[Step]], *, check_mode: bool) -> list[str]:
    """Carry out a plan and return the texts of its steps; in check mode, only return them.

    :param plan: reads the machine and returns the remaining steps. Refuses here whatever can be refused.
    :raises IpvsVerificationError: steps remain after all were carried out.
    :raises IpvsError: a step failed; the text lists the steps carried out before it.
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
    """Return the error for steps that remain after all were carried out."""
    return IpvsVerificationError(f"After all steps were carried out, these are still to do: {'; '.join(left)}")


def result(steps: Sequence[str]) -> dict[str, Any]:
    """Return a module's result: ``changed``, ``steps``, and the steps as a diff."""
    return {"changed": bool(steps), "steps": list(steps), "diff": {"prepared": "".join(f"{text}\n" for text in steps)}}
