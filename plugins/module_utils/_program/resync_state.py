# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What the resync agent has seen last, for ``show`` and for whoever looks at the file."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._persist.files import VOLATILE_DIRECTORY, replacement
from ansible_collections.lvs.director.plugins.module_utils._program.output import say
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Report

STATE = f"{VOLATILE_DIRECTORY}/resync.json"


class Journal:
    """Writes the last report of each director to the file, and to the journal those with something to say."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, bool], tuple[Report, int]] = {}

    def __call__(self, report: Report) -> None:
        before = self._last.get((report.source, report.ours))
        self._last[(report.source, report.ours)] = report, int(time.time())
        content = [{**each._asdict(), "time": seconds} for each, seconds in self._last.values()]
        with contextlib.suppress(OSError), replacement(STATE, json.dumps({"reports": content}, indent=2) + "\n"):
            pass
        if before is None or report.missing or report.ended or before[0].missing or before[0].shared != report.shared:
            say(text_of(report))


def last_reports() -> list[tuple[Report, int]]:
    """Return the last report of each director, with the time at which it came, in seconds since 1970. Empty without an agent."""
    try:
        with open(STATE, encoding="ascii") as file:
            content = json.load(file)["reports"]
        return [(_report(each), int(each["time"])) for each in content]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _report(values: dict[str, Any]) -> Report:
    return Report(**{name: values[name] for name in Report._fields})._replace(shared=tuple(values["shared"]))


def line_of(report: Report, seconds: float) -> str:
    """Return a report of so many seconds ago, as ``show`` prints it."""
    return f"{max(0, round(seconds))} seconds ago: {text_of(report)}"


def text_of(report: Report) -> str:
    """Return a report as a line for people."""
    if report.ours:
        return f"{report.source} lacks {report.missing} of this director's {report.told} connections, and ended {report.ended} as stale"
    text = f"{report.source} told of {report.told} connections: {report.missing} missing here, {report.ended} ended as stale"
    if report.shared:
        text += f". Both directors have {', '.join(report.shared)}: they do not hear each other's VRRP"
    return text
