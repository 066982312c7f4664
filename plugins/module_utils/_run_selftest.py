# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What ``ipvs_selftest`` does."""

from __future__ import annotations

import os
import time
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._argspec_selftest import selftest_module_spec, wanted_from_selftest_module
from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsInputError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._kernel import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._proc import CONNECTIONS, listing
from ansible_collections.lvs.director.plugins.module_utils._refusals import unknown_scheduler
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run
from ansible_collections.lvs.director.plugins.module_utils._selftest_apart import run_apart
from ansible_collections.lvs.director.plugins.module_utils._selftest_modules import is_loaded, source_of, unload
from ansible_collections.lvs.director.plugins.module_utils._selftest_production import Production, read_production
from ansible_collections.lvs.director.plugins.module_utils._selftest_report import Machine, production_result, report
from ansible_collections.lvs.director.plugins.module_utils._selftest_services import NETWORK
from ansible_collections.lvs.director.plugins.module_utils._selftest_steps import walk_steps

# Seconds. It waits for the kernel to forget connections, ten seconds long, and works a few more in an emulated machine.
_LIMIT = 600.0


def run_selftest() -> None:
    """Run the module."""
    run(selftest_module_spec(), _act)


def _act(kernel: IpvsKernel, params: dict[str, Any], _check_mode: bool) -> Result:
    wanted = wanted_from_selftest_module(params)
    machine = Machine(os.uname().nodename, os.uname().release, wanted.scheduler, source_of(wanted.scheduler), wanted.control)
    _refuse_missing_schedulers(kernel, machine)
    started = time.monotonic()
    before = read_production(kernel, listing(CONNECTIONS))
    _refuse_addresses_in_use(machine, before)
    had_control = not wanted.control or is_loaded(wanted.control)
    try:
        steps = run_apart(lambda: walk_steps(*wanted), _LIMIT)["steps"]
    finally:
        if not had_control:
            unload(wanted.control)
    after = read_production(kernel, listing(CONNECTIONS))
    return report(machine, steps, production_result(before, after), time.monotonic() - started)


def _refuse_missing_schedulers(kernel: IpvsKernel, machine: Machine) -> None:
    if not is_loaded(machine.scheduler):
        how = (
            "The role lvs.director.ipvs_director builds and loads it; if it is installed, modprobe ip_vs_test loads it"
            if machine.scheduler == "test"
            else f"Load it (modprobe ip_vs_{machine.scheduler})"
        )
        raise IpvsUnavailableError(f"Cannot try the scheduler {machine.scheduler} on {machine}: it is not loaded. {how}")
    if machine.control and not kernel.has_module("ip_vs", machine.control):
        raise IpvsInputError("control", f"{unknown_scheduler(machine.control)}. Name another one, or '' for none")


def _refuse_addresses_in_use(machine: Machine, before: Production) -> None:
    if before.ours:
        raise IpvsUnavailableError(
            f"Cannot tell the self-test from production on {machine}: it uses addresses of {NETWORK}, and so does the production "
            f"table ({'; '.join(before.ours)}). Remove that first"
        )
