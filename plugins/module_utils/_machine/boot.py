# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Restoring the table at boot: the program, its units, and the saved table."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._kernel.modules import could_load
from ansible_collections.lvs.director.plugins.module_utils._machine import files, metrics_timer, program, systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished, run
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.files import FALLBACK, TABLE, last_run_paths
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, to_text

TABLE_UNIT = "ipvs-director.service"
NETWORK_UNIT = "ipvs-director-network.service"
UNITS = (TABLE_UNIT, NETWORK_UNIT)
RESYNC_UNIT = program.RESYNC_UNIT

# The program's exit status if it named some entries and restored all others: see _program/output.py.
_INCOMPLETE = 4
# Seconds. A table of 10,000 services takes a few.
_PATIENCE = 300.0
_NAME = re.compile(r"[A-Za-z0-9_.-]+")

_TABLE_TEXT = """# By lvs.director.ipvs_boot
[Unit]
Description=IPVS table of lvs.director
Documentation=https://example.org/lvs/director
# Before any interface is configured: no packet meets half a table. It needs no network.
DefaultDependencies=no
After=systemd-modules-load.service systemd-sysctl.service
RequiresMountsFor=/usr/local/sbin /usr/local/lib /var/lib/lvs.director
Wants=network-pre.target
Before=network-pre.target
# As with DefaultDependencies=yes: stopped at shutdown, which waits for ExecStop=.
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
# Again, because net.ipv4.vs exists only while ip_vs is loaded.
ExecStartPre=-/usr/sbin/modprobe --all {modules}
ExecStartPre=-/usr/lib/systemd/systemd-sysctl {sysctl_file}
ExecStart={command} restore table{fallback}
{stop}
[Install]
WantedBy=multi-user.target
"""
_NETWORK_TEXT = """# By lvs.director.ipvs_boot
[Unit]
Description=Virtual addresses and IPVS sync daemons of lvs.director
Documentation=https://example.org/lvs/director
# After the services that configure interfaces have started, and before the network is reported as up.
DefaultDependencies=no
After=ipvs-director.service network-pre.target systemd-networkd.service networking.service NetworkManager.service
RequiresMountsFor=/usr/local/sbin /usr/local/lib /var/lib/lvs.director
Wants=network.target
Before=network.target network-online.target
# Stopped, and started again, together with the table.
PartOf=ipvs-director.service
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command} restore network
# Stopped while it waits for an interface, it has not failed.
SuccessExitStatus=SIGTERM
{stop}
[Install]
WantedBy=multi-user.target
"""
_RESYNC_TEXT = """# By lvs.director.ipvs_boot
[Unit]
Description=Connections of IPVS in step with those of the other directors
Documentation=https://example.org/lvs/director
After=ipvs-director-network.service

[Service]
Type=exec
ExecStart={command} resync --watch
# All that it knows it learns again. Traffic does not depend on it.
Restart=always
RestartSec=2
Nice=5

[Install]
WantedBy=multi-user.target
"""


class Boot(NamedTuple):
    """How the table is restored."""

    fallback_scheduler: str  # for services whose own is missing; empty: do not restore them
    clear_on_stop: bool
    kernel_modules: Sequence[str]
    sysctl_file: str
    resync: bool = False
    metrics_directory: str = ""  # empty: no metrics


def check(boot: Boot) -> None:
    """Refuse options that would only fail at boot.

    :raises IpvsInputError: with the option.
    """
    for index, name in enumerate(boot.kernel_modules):
        if not _NAME.fullmatch(name):
            raise IpvsInputError(f"kernel_modules[{index}]", f"{name!r} is not the name of a kernel module")
    if not re.fullmatch(r"/[^\s%]+", boot.sysctl_file):
        raise IpvsInputError("sysctl_file", f"{boot.sysctl_file!r} is not the absolute path of a file, without blanks and %")
    if boot.metrics_directory:
        metrics_timer.check(boot.metrics_directory)
    name = boot.fallback_scheduler
    if name and not (_NAME.fullmatch(name) and could_load(f"ip_vs_{name}")):
        raise IpvsInputError("fallback_scheduler", f'scheduler "{name}" is not known to the kernel: no module ip_vs_{name}')


def unit_files(boot: Boot) -> dict[str, str]:
    """Return the text of each unit."""

    def stop(part: str) -> str:
        return f"ExecStop={program.COMMAND} clear {part}\n" if boot.clear_on_stop else ""

    resync = {RESYNC_UNIT: _RESYNC_TEXT.format(command=program.COMMAND)} if boot.resync else {}
    return {
        TABLE_UNIT: _TABLE_TEXT.format(
            command=program.COMMAND,
            modules=" ".join(boot.kernel_modules),
            sysctl_file=boot.sysctl_file,
            fallback=_fallback(boot),
            stop=stop("table"),
        ),
        NETWORK_UNIT: _NETWORK_TEXT.format(command=program.COMMAND, stop=stop("network")),
        **resync,
    }


def plan(boot: Boot, sources: Mapping[str, bytes]) -> list[Step]:
    """Return the steps that restore the table at boot, and make every run save it.

    Starting the units under traffic restores what the kernel already has, which changes nothing. A unit whose program named some
    entries and restored all others counts as started; ``incomplete`` returns the warning.
    """
    steps = program.plan(sources)
    renewed = bool(steps)
    steps += files.plan({TABLE: to_text(Saved())}, files.PRIVATE) if files.content(TABLE) is None else []
    units = (*UNITS, RESYNC_UNIT) if boot.resync else UNITS
    steps += systemd.plan_units(unit_files(boot), units, accepted=[_INCOMPLETE])
    if not boot.resync:
        steps += systemd.plan_no_units([RESYNC_UNIT])
    steps += metrics_timer.plan(boot.metrics_directory) if boot.metrics_directory else metrics_timer.plan_absent()
    if renewed:
        steps += program.plan_restarts([*([RESYNC_UNIT] if boot.resync else []), program.HEALTH_UNIT])
    steps += program.plan_clean_up(sources)
    if os.path.exists(FALLBACK):
        # Not by restarting the unit, which may clear the table under traffic.
        text = "give services their own scheduler again, which was missing when the table was restored"
        steps.append(Step(text, partial(_give_back, _fallback(boot).split())))
    return steps


def incomplete() -> list[str]:
    """Return a warning for each unit that could not restore everything that is saved."""
    known = systemd.states(UNITS)
    return [
        f"{unit} could not restore all that is saved. Its journal names the entries (journalctl -b -u {unit}), and 'ipvs-director diff' "
        "shows what differs now. Mend them with a task that sets them anew"
        for unit in UNITS
        if known[unit].failed and known[unit].status == _INCOMPLETE
    ]


def plan_absent() -> list[Step]:
    """Return the steps that remove the saved table from the kernel, and the program and units that restore it.

    :raises IpvsUnavailableError: the program that clears the table is missing.
    """
    steps = []
    if os.path.exists(TABLE):
        # The addresses first, to stop the packets; then the table.
        if os.path.exists(program.COMMAND):
            clear = {"clear network": ("clear", "network"), "clear table": ("clear", "table")}
            steps = [Step(f"run {program.COMMAND} {words}", partial(_run, *command)) for words, command in clear.items()]
        elif os.path.exists(program.FORMER_COMMAND):
            former = ("clear-network", "clear-table")
            steps = [Step(f"run {program.FORMER_COMMAND} {word}", partial(_run, word, command=program.FORMER_COMMAND)) for word in former]
        else:
            raise IpvsUnavailableError(
                f"{program.COMMAND} is missing, which takes what is saved in {TABLE} out of the kernel. Nothing was changed. "
                "Run the module with state present first, which installs it"
            )
    steps += metrics_timer.plan_absent()
    steps += systemd.plan_no_units((*UNITS, RESYNC_UNIT))
    steps += program.plan_removal((*UNITS, RESYNC_UNIT, metrics_timer.UNIT))
    return steps + files.plan_removal([*last_run_paths(TABLE), TABLE, FALLBACK])


def _fallback(boot: Boot) -> str:
    return f" --fallback={boot.fallback_scheduler}" if boot.fallback_scheduler else ""


def _give_back(fallback: Sequence[str]) -> None:
    done = run(program.COMMAND, "restore", "table", *fallback, timeout=_PATIENCE)
    # Other entries that cannot be restored do not matter here.
    if done.code not in (0, _INCOMPLETE) or os.path.exists(FALLBACK):
        raise _failed(f"{program.COMMAND} restore table", done)


def _run(*words: str, command: str = "") -> None:
    command = command or program.COMMAND
    done = run(command, *words, timeout=_PATIENCE)
    if done.code:
        raise _failed(f"{command} {' '.join(words)}", done)


def _failed(command: str, done: Finished) -> IpvsUnavailableError:
    reason = "\n".join(filter(None, (done.output.strip(), done.errors.strip()))) or f"exit status {done.code}"
    return IpvsUnavailableError(f"{command} failed, and nothing after it was done: {reason}")
