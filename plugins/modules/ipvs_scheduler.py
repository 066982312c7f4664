#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_scheduler
short_description: Build, load, replace and remove the scheduler of this collection
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Manages the kernel module C(ip_vs_test), which is the IPVS scheduler C(test). Its source comes with this collection.
  - DKMS builds and installs it for every kernel whose headers are installed, and later for each new kernel. The module loads it,
    now and at boot.
  - The build must succeed for the running kernel and for the newest installed one. If it fails for an older kernel, the module
    only warns.
  - Replaces another build of the scheduler while virtual services use it. They use O(fallback_scheduler) in the meantime, with
    weights that give the same order. Established connections survive, and no new connection is refused. If a run is killed, the
    next one completes it.
  - A source that does not compile changes nothing; the previous build stays installed and loaded.
  - If the kernel only loads signed modules (Secure Boot), builds must be signed with DKMS's key, and the task fails with
    instructions until the kernel trusts that key.
  - The role P(lvs.director.ipvs_director#role) installs the packages that this module needs.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.machine
options:
  state:
    description:
      - V(present) builds, installs and loads the scheduler.
      - V(installed) builds and installs it, but does not load it.
      - V(unneeded) loads C(ip_vs) alone, now and at boot, for directors that use the kernel's own schedulers. It needs no DKMS, no
        headers and no compiler. What an earlier run has installed stays; a warning names it.
      - V(absent) unloads the scheduler and the IPVS modules that were not loaded before it and that nothing else uses, then removes
        the scheduler and its source from DKMS. If services use the scheduler, the task fails before it removes anything.
    type: str
    choices: [present, installed, unneeded, absent]
    default: present
  source:
    description:
      - Directory on the controller with another source of the scheduler (C(*.c), C(*.h), C(Kbuild) and C(dkms.conf)). The default
        is the source that comes with this collection.
    type: raw
  fallback_scheduler:
    description:
      - Scheduler for services while theirs is replaced. V(fo) chooses in the same order.
      - With an empty string, a build that services use is not replaced; the task does everything else, and then fails.
    type: str
    default: fo
  certificate:
    description:
      - Certificate of the key with which DKMS signs modules, if DKMS's configuration names none. Only used if the kernel insists
        on signatures.
    type: path
    default: /var/lib/dkms/mok.pub
  services_deleted:
    description:
      - In check mode with O(state=absent), assume that the services restored at boot are already deleted, as an earlier task of the
        play would have done. The role uses this.
    type: bool
    default: false
notes:
  - Needs root, C(dkms), C(openssl) and the headers of the running kernel. To replace a scheduler in service, also needs
    C(nftables) and pyroute2.
  - Does not touch services in other network namespaces. If they use the scheduler, the older build stays loaded; the task does
    everything else, and then fails.
seealso:
  - module: lvs.director.ipvs_machine_info
  - module: lvs.director.ipvs_selftest
"""

EXAMPLES = r"""
- name: Build and load the scheduler
  lvs.director.ipvs_scheduler:
    state: present

- name: Build and load a source of your own; services share the load while it is replaced
  lvs.director.ipvs_scheduler:
    source: "{{ playbook_dir }}/ip_vs_test"
    fallback_scheduler: wlc
    certificate: /var/lib/shim-signed/mok/MOK.der

- name: Build a new version now, and load it later
  lvs.director.ipvs_scheduler:
    state: installed

- name: Load IPVS without it
  lvs.director.ipvs_scheduler:
    state: unneeded

- name: Preview its removal from a director whose services are deleted before it
  lvs.director.ipvs_scheduler:
    state: absent
    services_deleted: true
  check_mode: true

- name: Remove the scheduler
  lvs.director.ipvs_scheduler:
    state: absent
"""

RETURN = r"""
steps:
  description: The changes, in order; in check mode, the predicted ones.
  returned: always
  type: list
  elements: str
  sample:
    - build ip_vs_test/1.0.0 for 6.12.107+deb13-cloud-amd64
    - install ip_vs_test/1.0.0 for 6.12.107+deb13-cloud-amd64
    - load the kernel module ip_vs_test (source 533BB7E5866E52F63B9ACCB)
version:
  description: Version of the scheduler's source.
  returned: when O(state) is V(present) or V(installed)
  type: str
  sample: 1.0.0
unbuilt_kernels:
  description: Older kernels for which the scheduler does not build.
  returned: when O(state) is V(present) or V(installed)
  type: list
  elements: str
  sample: []
pending:
  description:
    - Why the kernel still runs another build. The task has done everything else, and has failed.
    - Empty if the kernel runs the installed build.
  returned: when O(state) is V(present) or V(installed)
  type: str
  sample: ""
"""

import os
from functools import partial
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._kernel.modules import installed_source
from ansible_collections.lvs.director.plugins.module_utils._machine import dkms, machine, scheduler, signature
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step, converge, result
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel

MODULE = "ip_vs_test"


def scheduler_module_spec() -> dict[str, Any]:
    """Return the arguments of AnsibleModule."""
    return {
        "argument_spec": {
            "state": {"type": "str", "choices": ["present", "installed", "unneeded", "absent"], "default": "present"},
            "source": {"type": "raw"},
            "fallback_scheduler": {"type": "str", "default": "fo"},
            "certificate": {"type": "path", "default": machine.CERTIFICATE},
            "services_deleted": {"type": "bool", "default": False},
        },
        "supports_check_mode": True,
    }


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    if os.geteuid() != 0:
        raise IpvsUnavailableError("The scheduler is a kernel module: run the task as root (become: true)")
    if params["state"] == "absent":
        return _remove(cleared=params["services_deleted"] and check_mode, check_mode=check_mode)
    if params["state"] == "unneeded":
        return _do_without(check_mode=check_mode)
    return _Deployment(params, check_mode).run()


class _Deployment:
    """A run that installs the scheduler; keeps the steps for the result, even after an error."""

    def __init__(self, params: dict[str, Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode
        self.signed = machine.wants_signed_modules()
        self.certificate = machine.certificate(params["certificate"])
        self.wanted = dkms.module_of(MODULE, params["source"] or {}, self.certificate if self.signed else "")
        self.steps: list[str] = []
        self.warnings: list[str] = []
        self.pending = ""

    def run(self) -> Result:
        scheduler.check_fallback(MODULE, self.params["fallback_scheduler"])
        try:
            self._build()
            if self.params["state"] == "present":
                self._load()
        except IpvsError as exc:
            return {**self._result(), "failed": True, "msg": str(exc)}
        return {**self._result(), **({"failed": True, "msg": self.pending} if self.pending else {})}

    def _result(self) -> Result:
        unbuilt = dkms.read(self.wanted, os.uname().release)
        return {
            **result(self.steps),
            "version": self.wanted.version,
            "unbuilt_kernels": sorted(unbuilt.unbuilt),
            "pending": self.pending,
            "warnings": [*self.warnings, *dkms.warnings(self.wanted, unbuilt)],
        }

    def _build(self) -> None:
        running = os.uname().release

        def plan() -> list[Step]:
            return dkms.plan(self.wanted, dkms.read(self.wanted, running))

        if not self.check_mode and plan():
            dkms.need_headers(running)
        self.steps += converge(plan, check_mode=self.check_mode)

    def _is_new(self) -> bool:
        # If the source on the machine is the same, a rebuild has the same checksum as the installed build.
        on_machine = dkms.read(self.wanted, os.uname().release).source
        return on_machine != self.wanted.files or not installed_source(MODULE)

    def _load(self) -> None:
        rebuilt = self.check_mode and bool(self.steps) and self._is_new()
        if self.signed:
            # Before loading anything: a kernel that cannot run the new build keeps the old one.
            distrust = signature.distrust(MODULE, self.certificate, check_mode=self.check_mode)
            if distrust and signature.must_load(MODULE, rebuilt=rebuilt):
                raise IpvsUnavailableError(distrust)
            if distrust:
                self.warnings.append(f"The scheduler is loaded, but will not be after a reboot. {distrust}")
        plan = partial(scheduler.plan, MODULE, self.params["fallback_scheduler"], rebuilt=rebuilt)
        try:
            self.steps += converge(plan, check_mode=self.check_mode)
        except IpvsConflictError as exc:
            self.pending = str(exc)
        self.steps += converge(partial(scheduler.plan_at_boot, MODULE), check_mode=self.check_mode)


def _do_without(*, check_mode: bool) -> Result:
    there = [step.text.removeprefix("remove ") for step in dkms.plan_removal(MODULE)]
    warnings = (
        [
            f"No listed or saved service uses the scheduler test, but an earlier run has installed it: {', '.join(there)}. It stays, and "
            "DKMS goes on to build it for new kernels. lvs.director.ipvs_scheduler with state absent removes it, once no service uses IPVS"
        ]
        if there
        else []
    )
    return {**result(converge(scheduler.plan_without, check_mode=check_mode)), "warnings": warnings}


def _remove(*, cleared: bool, check_mode: bool) -> Result:
    from ansible_collections.lvs.director.plugins.module_utils._machine import unload  # noqa: PLC0415 (compiled only where it is used)

    def plan() -> list[Step]:
        return [*unload.plan(MODULE, cleared=cleared), *dkms.plan_removal(MODULE)]

    steps = converge(plan, check_mode=check_mode)
    if steps and not check_mode:
        dkms.check_removed(MODULE)
    return result(steps)


def main() -> None:
    run_without_kernel(scheduler_module_spec(), _act, may_need_pyroute2=True)


if __name__ == "__main__":
    main()
