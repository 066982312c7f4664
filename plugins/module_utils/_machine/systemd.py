# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""systemd units: install, enable, start and remove them, as steps.

``plan_units`` and ``plan_no_units`` return the remaining steps; ``_machine.steps.converge`` carries them out, and plans again to verify the
state. A plan runs ``systemctl show`` once for all units; ``plan_no_units`` runs nothing if no file of ours is installed::

    FILES = {"a.service": text, "nftables.service.d/a.conf": text}
    converge(lambda: plan_units(FILES, ["a.service"]), check_mode=check_mode)
    converge(lambda: plan_no_units(FILES), check_mode=check_mode)
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._machine import files
from ansible_collections.lvs.director.plugins.module_utils._machine.command import run
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

DIRECTORY = "/etc/systemd/system"
# Seconds. Starting or stopping a unit waits for its program.
_PATIENCE = 300.0
_PROPERTIES = "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload,ExecMainStatus"


class State(NamedTuple):
    """The state of a unit."""

    loaded: bool
    enabled: bool
    active: bool
    failed: bool
    stale: bool  # its files have changed since systemd read them
    status: int  # the exit status of its program


def states(units: Sequence[str]) -> dict[str, State]:
    """Ask systemd about units, all in one call. All fields are false for a unit that does not exist.

    :raises IpvsUnavailableError: systemd does not run here.
    """
    if not units:
        return {}
    # systemctl keeps the order of the units, and separates them by empty lines.
    blocks = systemctl("show", _PROPERTIES, "--", *units).strip().split("\n\n")
    found = {}
    for unit, block in zip(units, blocks):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[unit] = State(
            loaded=values.get("LoadState") == "loaded",
            enabled=values.get("UnitFileState") == "enabled",
            active=values.get("ActiveState") == "active",
            failed=values.get("ActiveState") == "failed",
            stale=values.get("NeedDaemonReload") == "yes",
            status=int(values.get("ExecMainStatus") or 0),
        )
    return found


def plan_units(wanted: Mapping[str, str], enabled: Sequence[str], accepted: Collection[int] = ()) -> list[Step]:
    """Return the steps that install units and drop-ins, enable units and start them.

    A running unit keeps running when its file changes; use ``restart`` if it must not.

    :param wanted: texts by path below /etc/systemd/system: ``a.service``, or ``b.service.d/a.conf`` for a drop-in of another unit.
    :param enabled: units to enable and start, in this order.
    :param accepted: a unit that failed with one of these exit statuses counts as started.
    """
    steps = files.plan({os.path.join(DIRECTORY, name): text for name, text in wanted.items()})
    known = states(list(dict.fromkeys([*enabled, *map(_unit_of, wanted)])))
    if steps or any(state.stale for state in known.values()):
        steps.append(Step("have systemd read its units again", _reload))
    late = [unit for unit in enabled if not known[unit].enabled]
    if late:
        steps.append(Step(f"enable {', '.join(late)}", partial(_enable, late)))
    late = [unit for unit in enabled if not known[unit].active and not (known[unit].failed and known[unit].status in accepted)]
    return steps + [Step(f"start {unit}", partial(start, unit, accepted)) for unit in late]


def plan_no_units(names: Iterable[str]) -> list[Step]:
    """Return the steps that stop and disable units, in reverse order, and remove the files. Skips files that are not installed.

    :param names: paths below /etc/systemd/system, as in ``plan_units``.
    """
    installed = [name for name in names if os.path.lexists(os.path.join(DIRECTORY, name))]
    units = [name for name in installed if "/" not in name]
    steps = [Step(f"stop and disable {unit}", partial(_disable, unit)) for unit in reversed(units)]
    steps += files.plan_removal(os.path.join(DIRECTORY, name) for name in installed)
    if installed:
        steps.append(Step("have systemd forget them", partial(_forget, units)))
    return steps


def start(unit: str, accepted: Collection[int] = ()) -> None:
    """Start a unit, and wait for it.

    :param accepted: exit statuses that do not count as a failure.
    :raises IpvsUnavailableError: it failed; the text names its journal.
    """
    try:
        _start("start", unit)
    except IpvsUnavailableError:
        if states([unit])[unit].status not in accepted:
            raise


def restart(unit: str) -> None:
    """Restart a unit, or start it.

    :raises IpvsUnavailableError: it failed; the text names its journal.
    """
    _start("restart", unit)


def systemctl(*words: str) -> str:
    """Run systemctl and return its output.

    :raises IpvsUnavailableError: it failed.
    """
    done = run("systemctl", *words, timeout=_PATIENCE)
    if done.code:
        reason = done.errors.strip() or done.output.strip() or f"exit status {done.code}"
        raise IpvsUnavailableError(f"systemctl {' '.join(words)} failed: {reason}")
    return done.output


def _start(verb: str, unit: str) -> None:
    try:
        systemctl(verb, unit)
    except IpvsUnavailableError as exc:
        raise IpvsUnavailableError(f"{exc}. The unit's own words are in its journal: journalctl -b -u {unit}") from exc


def _enable(units: Sequence[str]) -> None:
    systemctl("enable", "--quiet", *units)


def _disable(unit: str) -> None:
    systemctl("disable", "--quiet", "--now", unit)


def _reload() -> None:
    systemctl("daemon-reload")


def _forget(units: Sequence[str]) -> None:
    _reload()
    if units:
        # Fails for a unit that is not in a failed state.
        run("systemctl", "reset-failed", *units)


def _unit_of(name: str) -> str:
    """Return the unit that a file belongs to: the file itself, or the unit that a drop-in extends."""
    return name.partition("/")[0].removesuffix(".d") if "/" in name else name
