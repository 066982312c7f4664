# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Unload the scheduler, and the IPVS modules that were loaded for it and that nothing else uses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._kernel.modules import is_loaded
from ansible_collections.lvs.director.plugins.module_utils._machine import files as _files
from ansible_collections.lvs.director.plugins.module_utils._machine.machine import may_load_modules
from ansible_collections.lvs.director.plugins.module_utils._machine.scheduler import AT_BOOT, EARLIER, all_loaded, services, unload
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.table import format_address, parse_address
from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore, damaged
from ansible_collections.lvs.director.plugins.module_utils._persist.format import parsed

# By module, the modules that use it, and a "-" for each other use.
_Uses = Mapping[str, Sequence[str]]


def plan(module: str, *, cleared: bool) -> list[Step]:
    """Return the steps that unload the scheduler, and the IPVS modules that were not loaded before it.

    :param cleared: assume that the services restored at boot are already deleted.
    :raises IpvsUnavailableError: other services use the scheduler.
    """
    saved = _saved() if cleared else {}
    own = [_name(service) for service in saved.get("services", [])]
    uses = _without(all_loaded(), saved, own)
    going = superfluous(module, uses)
    if is_loaded(module) and module not in going:
        scheduler = module.removeprefix("ip_vs_")
        others = [name for name, its in services() if its == scheduler and name not in own]
        raise IpvsUnavailableError(
            f"Cannot unload {module}: other services use its scheduler: {', '.join(others) or 'in other network namespaces'}. "
            "Nothing was removed. Give them another scheduler first"
        )
    if going and not may_load_modules():
        raise IpvsUnavailableError(
            f"Cannot unload {', '.join(going)}: this needs CAP_SYS_MODULE, which even root in a container often lacks. Nothing was removed"
        )
    return [
        *(Step(f"unload the kernel module {name}", partial(unload, name)) for name in going),
        *_files.plan_removal([AT_BOOT, EARLIER]),
    ]


def superfluous(module: str, uses: _Uses) -> list[str]:
    """Return the modules to unload, users before the modules they use: IPVS and its dependencies, not loaded before, and unused."""
    earlier = (_loaded_before() if _files.content(EARLIER) is not None else set(uses)) - {module}
    # The modules that ip_vs needs were loaded with it.
    family = {name for name in uses if name == "ip_vs" or name.startswith("ip_vs_")}
    needed = {name for name, users in uses.items() if {*users} & family}
    while more := {name for name, users in uses.items() if {*users} & needed} - needed:
        needed |= more
    found: list[str] = []
    while new := [name for name in sorted((family | needed) - earlier - {*found}) if not _uses_left(name, uses[name], found)]:
        found += new
    return found


def _loaded_before() -> set[str]:
    try:
        content = json.loads(_files.content(EARLIER) or "")
        if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
            raise ValueError("it is not a list of names")
    except ValueError as exc:
        raise IpvsUnavailableError(
            f"Cannot read {EARLIER}, which lists the kernel modules that were loaded before the scheduler: {exc}. Nothing was removed. "
            "Mend the file; or remove it, and only the scheduler's own module is unloaded"
        ) from exc
    return set(content)


def _uses_left(module: str, users: Sequence[str], gone: Sequence[str]) -> list[str]:
    """Return what still uses a module when others are gone. ip_vs counts each loaded scheduler twice: as a user, and once more."""
    left = [user for user in users if user not in gone]
    if module == "ip_vs":
        for _scheduler in {*users} & {*gone}:
            if "-" in left:
                left.remove("-")
    return left


def _saved() -> Mapping[str, Any]:
    text = MachineStore().read_table()
    try:
        return parsed(text) if text is not None else {}
    except IpvsUnavailableError as exc:
        raise damaged(exc) from exc


def _without(uses: _Uses, saved: Mapping[str, Any], own: Sequence[str]) -> dict[str, list[str]]:
    """Return the uses of modules, without the uses by services and sync daemons that are restored at boot."""
    left = {name: list(users) for name, users in uses.items()}
    engines = {_name(service): service.get("persistence_engine") for service in saved.get("services", [])}
    ends = ["ip_vs"] * len(saved.get("sync_daemons", []))
    for name, scheduler in services():
        if name in own:
            ends += ["ip_vs", f"ip_vs_{scheduler}", f"ip_vs_pe_{engines[name]}"]
    for module in ends:
        if "-" in left.get(module, []):
            left[module].remove("-")
    return left


def _name(service: Mapping[str, Any]) -> str:
    """Return the name of a saved service in the kernel's listing."""
    if service.get("fwmark"):
        return f"fwmark {service['fwmark']}"
    try:
        address = format_address(parse_address(str(service.get("address"))))
    except ValueError:
        return ""  # the restore names and skips it
    return f"{service.get('protocol')} {f'[{address}]' if ':' in address else address}:{service.get('port')}"
