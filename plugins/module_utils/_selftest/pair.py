# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The experiment with two schedulers side by side: the one that is tried, and one that is the control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Record, Walk
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Step, story
from ansible_collections.lvs.director.plugins.module_utils._selftest.service import Service


@dataclass(frozen=True)
class Taken:
    """A step as both took it, and all that was not as promised."""

    record: Record
    other: Optional[Record]
    broken: tuple[str, ...]


def stories(service: Service, control: Optional[Service]) -> list[tuple[Step, Optional[Step]]]:
    """Return the steps of the service, each with that of the control."""
    steps = story(service)
    beside = story(control) if control else (None,) * len(steps)
    return list(zip(steps, beside))


def take(main: Walk, step: Step, control: Optional[Walk], beside: Optional[Step]) -> Taken:
    """Take a step with both. They are promised the same: the same servers chosen and refused, the same table."""
    record = main.take(step)
    if control is None or beside is None:
        return Taken(record, None, record.broken)
    other = control.take(beside)
    name = control.service.scheduler
    broken = [*record.broken, *(f"{name}: {said}" for said in other.broken)]
    if record.seen() != other.seen():
        broken.append(f"{main.service.scheduler} and {name} did not do the same")
    return Taken(record, other, tuple(broken))
