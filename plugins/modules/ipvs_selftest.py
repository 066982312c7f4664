#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_selftest
short_description: Check on a live director that a scheduler fails over as expected
version_added: 0.1.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Runs the steps of this collection's failover experiment with real connections, on the director's own machine and kernel.
    A server with O(lvs.director.ipvs_service#module:destinations[].upper_threshold) connections is full, and the
    next connection goes to the next server in the order given; the full one stays out until it is below
    O(lvs.director.ipvs_service#module:destinations[].lower_threshold); when all are full the client is refused at once and
    no other connection suffers; a weight of 0 keeps connections away.
  - Fails if a step does not go as expected, and names the step with the expected and the observed result.
  - Client, servers and their virtual service run in a temporary network namespace with its own IPVS table. The production table is read
    before and after, but never written.
  - Takes about 15 seconds, mostly waiting for the kernel to forget reset connections.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.info
  - lvs.director._pyroute2
options:
  scheduler:
    description:
      - The scheduler to check. It must be loaded.
      - Only V(test), and V(fo) with weights that fall in the order of the servers, are expected to pass. Any other scheduler
        fails.
    type: str
    default: test
  control:
    description:
      - A second scheduler that runs the same steps and must behave the same. If the first one fails, it shows whether the cause
        is the scheduler or the kernel.
      - Its module is loaded if necessary, and unloaded afterwards.
      - V('') for none.
    type: str
    default: fo
notes:
  - Runs the same in check mode, since nothing is changed.
  - Leaves nothing behind, however the task ends. The unnamed namespace ends with its only process, which the kernel ends with
    the module. Only the control's module stays loaded if the task is killed.
  - The kernel's log gets a few lines C(no destination available) with the address 127.211.55.3, since it provokes refusals.
  - All addresses are of C(127.211.55.0/24), so no packet can leave the machine. It checks the scheduler and the kernel's
    connection counts, but not the network, the real servers, or the director's sysctls and firewall.
  - "On a director in service the production table may change during the test, for example by health checks. That is reported but is no
    failure: the test only asserts that it left nothing in the table or among its connections."
  - Needs the capability C(CAP_SYS_ADMIN) for the network namespace.
seealso:
  - module: lvs.director.ipvs_info
  - module: lvs.director.ipvs_connection_info
"""

EXAMPLES = r"""
- name: Does this director fail over?
  lvs.director.ipvs_selftest:
  register: selftest

- name: Read the steps
  ansible.builtin.debug:
    msg: "{{ selftest.text.splitlines() }}"

- name: On a machine on which the scheduler of this collection cannot be built
  lvs.director.ipvs_selftest:
    scheduler: fo
    control: ''
"""

RETURN = r"""
kept:
  description: Whether all steps went as expected. If not, the task has failed.
  returned: when the steps were taken
  type: bool
  sample: true
msg:
  description: The verdict in a sentence; on failure, the step, the expected and observed results, and what to do.
  returned: always
  type: str
  sample: "test on director (Linux 6.1.0-56-cloud-amd64) fails over as expected: all 10 steps, with fo as well"
text:
  description: Human-readable report with the steps and their connections, the table after each step, and the verdict.
  returned: when the steps were taken
  type: str
hostname:
  description: Name of the machine.
  returned: when the steps were taken
  type: str
  sample: director
kernel:
  description: Release of the running kernel.
  returned: when the steps were taken
  type: str
  sample: 6.1.0-56-cloud-amd64
scheduler:
  description: The scheduler that was tested.
  returned: when the steps were taken
  type: str
  sample: test
scheduler_source:
  description: Source checksum of its module, as shown by C(modinfo -F srcversion). Null if unknown.
  returned: when the steps were taken
  type: str
  sample: 533BB7E5866E52F63B9ACCB
control:
  description: The control scheduler. Null if there was none.
  returned: when the steps were taken
  type: str
  sample: fo
seconds:
  description: Duration of the test.
  returned: when the steps were taken
  type: float
  sample: 14.2
steps:
  description: The steps, in order.
  returned: when the steps were taken
  type: list
  elements: dict
  contains:
    number:
      description: From 1.
      type: int
      returned: success
      sample: 3
    name:
      description: Name of the step.
      type: str
      returned: success
      sample: fail over
    description:
      description: What the step does and shows.
      type: str
      returned: success
      sample: "2 more: the next server takes over."
    kept:
      description: Whether the step went as expected, and the control agreed.
      type: bool
      returned: success
      sample: true
    broken:
      description: Differences from the expected result.
      type: list
      elements: str
      returned: success
      sample: []
    connections:
      description: The connections that were opened.
      type: list
      elements: dict
      returned: success
      contains: &connection
        number:
          description: From 1, over all steps.
          type: int
          returned: success
          sample: 5
        promised:
          description: Address of the server expected to answer. Null if the connection must be refused.
          type: str
          returned: success
          sample: 127.211.55.252
        observed:
          description: Address of the server that answered. Null if none did.
          type: str
          returned: success
          sample: 127.211.55.252
        error:
          description: Name of the error if there was no answer, as in errno(3).
          type: str
          returned: success
        milliseconds:
          description: From the first packet to the answer.
          type: int
          returned: success
          sample: 4
    promised:
      description: The expected table after the step, in scheduling order.
      type: list
      elements: dict
      returned: success
      contains: &row
        address:
          description: Address of the server.
          type: str
          returned: success
          sample: 127.211.55.253
        upper_threshold:
          description: Number of connections at which it is full.
          type: int
          returned: success
          sample: 4
        lower_threshold:
          description: With fewer connections than this, it is no longer full.
          type: int
          returned: success
          sample: 1
        active_connections:
          description: Established connections.
          type: int
          returned: success
          sample: 4
        inactive_connections:
          description: Connections that have ended but are not forgotten yet.
          type: int
          returned: success
          sample: 0
    observed:
      description: The observed table.
      type: list
      elements: dict
      returned: success
      contains: *row
    control:
      description: The same step with the control. Null if there was none.
      type: dict
      returned: success
      contains:
        agreed:
          description: Whether the same servers were chosen, and the table was the same.
          type: bool
          returned: success
          sample: true
        broken:
          description: Differences from the expected result.
          type: list
          elements: str
          returned: success
          sample: []
        connections:
          description: The connections that were opened.
          type: list
          elements: dict
          returned: success
          contains: *connection
        observed:
          description: The observed table.
          type: list
          elements: dict
          returned: success
          contains: *row
production:
  description: State of the production table.
  returned: when the steps were taken
  type: dict
  contains:
    untouched:
      description: Whether the self-test left nothing in the table or among its connections. If not, the task has failed.
      type: bool
      returned: success
      sample: true
    traces:
      description: What it left there.
      type: list
      elements: str
      returned: success
      sample: []
    services:
      description: How many virtual services there are.
      type: int
      returned: success
      sample: 2
    destinations:
      description: How many destinations they have.
      type: int
      returned: success
      sample: 8
    changed_meanwhile:
      description: What something else has configured otherwise while the self-test ran.
      type: list
      elements: str
      returned: success
      sample: []
    counted_meanwhile:
      description: Services whose counters or connections are not what they were, because they had traffic meanwhile.
      type: list
      elements: str
      returned: success
      sample: []
"""

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.lvs.director.plugins.module_utils._kernel.connections import CONNECTIONS, listing
from ansible_collections.lvs.director.plugins.module_utils._kernel.errors import unknown_scheduler
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError, IpvsNotReadyError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._options.selftest import (
    WantedSelftest,
    selftest_module_spec,
    wanted_from_selftest_module,
)
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run
from ansible_collections.lvs.director.plugins.module_utils._selftest.client import Client
from ansible_collections.lvs.director.plugins.module_utils._selftest.director import PrivateDirector, PrivateKernel
from ansible_collections.lvs.director.plugins.module_utils._selftest.host_table import Production, read_production
from ansible_collections.lvs.director.plugins.module_utils._selftest.namespace import run_in_namespace
from ansible_collections.lvs.director.plugins.module_utils._selftest.report import Machine, production_result, report, step_result
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Run, compare, paired_steps
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import CONTROL_PORT, NETWORK, PORT, loopback_service
from ansible_collections.lvs.director.plugins.module_utils._selftest.schedulers import is_loaded, source_of, unload
from ansible_collections.lvs.director.plugins.module_utils._selftest.server import start

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store

_UNPREDICTED: Result = {
    "changed": False,
    "msg": "The self-test was not run",
    "steps": [],
    **dict.fromkeys(("kept", "text", "hostname", "kernel", "scheduler", "scheduler_source", "control", "seconds", "production")),
}
# Seconds. The kernel takes ten to forget connections that were reset, and an emulated machine takes a few more for the steps.
_LIMIT = 600.0


def _act(kernel: IpvsKernel, _store: Store, wanted: WantedSelftest, _check_mode: bool) -> Result:
    machine = Machine(os.uname().nodename, os.uname().release, wanted.scheduler, source_of(wanted.scheduler), wanted.control)
    _refuse_missing_schedulers(kernel, machine)
    started = time.monotonic()
    before = read_production(kernel, listing(CONNECTIONS))
    _refuse_addresses_in_use(machine, before)
    had_control = not wanted.control or is_loaded(wanted.control)
    try:
        steps = run_in_namespace(lambda: _run_steps(wanted), _LIMIT)["steps"]
    finally:
        if not had_control:
            unload(wanted.control)
    after = read_production(kernel, listing(CONNECTIONS))
    return report(machine, steps, production_result(before, after), time.monotonic() - started)


def _run_steps(wanted: WantedSelftest) -> dict[str, Any]:
    """Run all steps in the network namespace of this process, and return them under ``steps``.

    :raises IpvsError: the experiment cannot be carried out.
    """
    main = loopback_service(wanted.scheduler, PORT)
    control = loopback_service(wanted.control, CONTROL_PORT) if wanted.control else None
    services = [main, control] if control else [main]
    kernel = PrivateKernel()
    director, client = PrivateDirector(kernel), Client()
    start(service.port for service in services)
    for service in services:
        director.add(service)
    with contextlib.ExitStack() as runs:
        main_run = runs.enter_context(Run(main, director, client))
        control_run = runs.enter_context(Run(control, director, client)) if control else None
        steps = [
            step_result(number, compare(main_run, step, control_run, control_step), wanted.control)
            for number, (step, control_step) in enumerate(paired_steps(main, control), 1)
        ]
    # The namespace would take them with it, but a moment later, and until then their schedulers could not be unloaded.
    for service in services:
        director.remove(service)
    kernel.close()
    return {"steps": steps}


def _refuse_missing_schedulers(kernel: IpvsKernel, machine: Machine) -> None:
    if not is_loaded(machine.scheduler):
        how = (
            "The role lvs.director.ipvs_director builds and loads it; if it is installed, modprobe ip_vs_test loads it"
            if machine.scheduler == "test"
            else f"Load it (modprobe ip_vs_{machine.scheduler})"
        )
        raise IpvsNotReadyError(f"Cannot try the scheduler {machine.scheduler} on {machine}: it is not loaded. {how}")
    if machine.control and not kernel.has_module("ip_vs", machine.control):
        raise IpvsInputError("control", f"{unknown_scheduler(machine.control)}. Name another one, or '' for none")


def _refuse_addresses_in_use(machine: Machine, before: Production) -> None:
    if before.ours:
        raise IpvsUnavailableError(
            f"Cannot tell the self-test from production on {machine}: it uses addresses of {NETWORK}, and so does the production "
            f"table ({'; '.join(before.ours)}). Remove that first"
        )


def main() -> None:
    run(selftest_module_spec(), _act, unpredicted=_UNPREDICTED, read=wanted_from_selftest_module)


if __name__ == "__main__":
    main()
