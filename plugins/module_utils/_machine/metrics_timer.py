# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The timer that writes metrics into the directory in which Prometheus's node exporter reads text files."""

from __future__ import annotations

import os
import re
from functools import partial

from ansible_collections.lvs.director.plugins.module_utils._machine import files, program, systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError, IpvsUnavailableError

UNIT = "ipvs-director-metrics.service"
TIMER = "ipvs-director-metrics.timer"
FILE = "lvs_director.prom"

_TEXT = """# By lvs.director.ipvs_boot
[Unit]
Description=Metrics of lvs.director for Prometheus
Documentation=https://example.org/lvs/director
# Without the node exporter, nobody reads them.
ConditionPathIsDirectory={directory}

[Service]
Type=oneshot
ExecStart={command} metrics --output {directory}/{file}
Nice=5
# Four times a minute, systemd need not say that it starts. Errors stay.
LogLevelMax=notice
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={directory}
"""
_TIMER_TEXT = """# By lvs.director.ipvs_boot
[Unit]
Description=Metrics of lvs.director for Prometheus
Documentation=https://example.org/lvs/director

[Timer]
# By the clock: after a run that was skipped or has failed, too.
OnCalendar=*:*:0/15
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


def check(directory: str) -> None:
    """Refuse a directory that a unit could not name.

    :raises IpvsInputError: with the option.
    """
    if not re.fullmatch(r"/[^\s%]+", directory):
        raise IpvsInputError("metrics_directory", f"{directory!r} is not the absolute path of a directory, without blanks and %")


def plan(directory: str) -> list[Step]:
    """Return the steps that have metrics written into a directory."""
    former, path = _installed(), os.path.join(directory, FILE)
    service = _TEXT.format(command=program.COMMAND, directory=directory, file=FILE)
    steps = systemd.plan_units({UNIT: service, TIMER: _TIMER_TEXT}, [TIMER])
    return steps + (_plan_removal(former) if former != path else [])


def plan_absent() -> list[Step]:
    """Return the steps that remove the units, and the file: the exporter would go on with it for ever."""
    former = _installed()
    # From the last to the first: the timer starts no other run.
    return systemd.plan_no_units([UNIT, TIMER]) + _plan_removal(former)


def no_exporter_as_warning(directory: str) -> str:
    """Return a warning if there is nobody to write for, else an empty text."""
    if os.path.isdir(directory):
        return ""
    return (
        f"There is no directory {directory} yet, so no metrics are written. Install Prometheus's node exporter (Debian's package "
        "prometheus-node-exporter), or give the directory in which it reads text files"
    )


def _installed() -> str:
    """Return the file that the installed unit writes; empty if none is installed."""
    found = re.search(r"^ExecStart=.* metrics --output (\S+)$", files.content(os.path.join(systemd.DIRECTORY, UNIT)) or "", re.M)
    return found[1] if found else ""


def _plan_removal(path: str) -> list[Step]:
    """Return the step that removes a file from a directory that is not ours, which stays."""
    return [Step(f"remove {path}", partial(_remove, path))] if path and os.path.lexists(path) else []


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot remove {path}: {exc.strerror}") from exc
