# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Load the installed build of a scheduler's module, even while virtual services use the loaded one.

Services pin the module of their scheduler. ``_boot.reload_scheduler`` gives them another scheduler while it replaces the module; if a run
is killed, the next one completes it, or the program that restores at boot.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from functools import partial

from ansible_collections.lvs.director.plugins.module_utils._kernel import modules as _modules
from ansible_collections.lvs.director.plugins.module_utils._machine import files as _files
from ansible_collections.lvs.director.plugins.module_utils._machine.command import run
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsInputError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._persist.files import DIRECTORY, MachineStore

TABLE = "/proc/net/ip_vs"
PROC_MODULES = "/proc/modules"
LOADED = "/sys/module"
# Exists while a scheduler is being replaced; left behind if that run is killed.
UNFINISHED = "/run/lvs.director/scheduler-swap.json"
# The modules that were loaded before this collection loaded the scheduler.
EARLIER = f"{DIRECTORY}/modules.json"
# Loads the modules at boot.
AT_BOOT = "/etc/modules-load.d/ipvs_director.conf"


def check_fallback(module: str, fallback: str) -> None:
    """Check that services can use the fallback scheduler while theirs is replaced.

    :raises IpvsInputError: they cannot.
    """
    if fallback and f"ip_vs_{fallback}" == module:
        raise IpvsInputError("fallback_scheduler", f"{fallback} is the scheduler that is replaced: give another one")
    if fallback and not _modules.could_load(f"ip_vs_{fallback}"):
        raise IpvsInputError("fallback_scheduler", f"the kernel {os.uname().release} has no module ip_vs_{fallback}")


def plan(module: str, fallback: str, *, rebuilt: bool) -> list[Step]:
    """Return the steps that load the installed build.

    :param rebuilt: in check mode: an earlier step would install another build.
    :raises IpvsConflictError: services use the loaded build, and there is no fallback scheduler.
    :raises IpvsUnavailableError: no build is installed.
    """
    scheduler = module.removeprefix("ip_vs_")
    loaded = _modules.loaded_source(module)
    wanted = "of the build to come" if rebuilt else _modules.installed_source(module)
    if not wanted:
        raise IpvsUnavailableError(
            f"No kernel module {module} is installed for the kernel {os.uname().release}: modinfo {module} finds none"
        )
    if loaded and loaded != wanted and users(module):
        if not fallback:
            raise IpvsConflictError(
                f"The kernel still runs an older build of {module}: {_users_of(module)}, and to unload it would break their traffic. "
                "Reboot to go over to the new build; or give a fallback scheduler, which they can use while it is replaced: "
                "ipvs_director_fallback_scheduler is empty (its default is fo)"
            )
        text = f"replace the kernel module {module} (source {wanted}); {_users_of(module)}, and use {fallback!r} meanwhile"
        return [Step(text, partial(_swap, scheduler, fallback))]
    steps = []
    if loaded != wanted:
        text = f"{'replace' if loaded else 'load'} the kernel module {module} (source {wanted})"
        steps.append(Step(text, partial(_replace if loaded else _load_first, module)))
    if os.path.exists(UNFINISHED):
        steps.append(Step(f"give services the scheduler {scheduler!r} again", partial(_swap, scheduler, fallback)))
    return steps


def plan_at_boot(*modules: str) -> list[Step]:
    """Return the steps that make systemd load ip_vs at boot, and these modules."""
    # A scheduler's module also loads ip_vs; the file names both for its readers.
    lines = "".join(f"{name}\n" for name in ("ip_vs", *modules))
    return _files.plan({AT_BOOT: f"# Made by lvs.director.ipvs_scheduler; changes will be overwritten.\n{lines}"})


def plan_without() -> list[Step]:
    """Return the steps that load ip_vs, now and at boot, without a scheduler of this collection."""
    is_loaded = "ip_vs" in all_loaded() or os.path.exists(TABLE)  # or built in
    steps = [] if is_loaded else [Step("load the kernel module ip_vs", partial(_load_first, "ip_vs"))]
    return [*steps, *plan_at_boot()]


def saved_schedulers() -> list[str]:
    """Return the schedulers of the services that are restored at boot. A damaged file is reported by the code that needs it."""
    try:
        content = json.loads(MachineStore().read_table() or "{}")
        return sorted({str(each.get("scheduler", "wlc")) for each in content.get("services", [])})
    except (IpvsUnavailableError, ValueError, TypeError, AttributeError):
        return []


def users(module: str) -> int:
    """Return the number of services, in all network namespaces, that use a scheduler's module."""
    return int(_files.content(f"{LOADED}/{module}/refcnt") or 0)


def services() -> list[tuple[str, str]]:
    """Return the services of this network namespace with their schedulers, e.g. ("tcp 10.211.55.3:21", "test").

    Reads /proc, which needs neither pyroute2 nor root.
    """
    found = []
    for protocol, where, scheduler in re.findall(r"^(TCP|UDP|SCTP|FWM) +(\S+) (\S+)", _files.content(TABLE) or "", re.M):
        if protocol == "FWM":
            found.append((f"fwmark {int(where, 16)}", scheduler))
            continue
        address, _colon, port = where.rpartition(":")
        if address.startswith("["):
            host = f"[{ipaddress.IPv6Address(address.strip('[]'))}]"
        else:
            host = str(ipaddress.IPv4Address(int(address, 16)))
        found.append((f"{protocol.lower()} {host}:{int(port, 16)}", scheduler))
    return found


def all_loaded() -> dict[str, list[str]]:
    """Return the loaded modules, each with the modules that use it, and a "-" for each other use."""
    found = {}
    for line in (_files.content(PROC_MODULES) or "").splitlines():
        name, _size, uses, used_by, *_rest = line.split()
        names = [user for user in used_by.split(",") if user not in ("", "-")]
        found[name] = names + ["-"] * (int(uses) - len(names))
    return found


def _users_of(module: str) -> str:
    scheduler = module.removeprefix("ip_vs_")
    named = [service for service, its in services() if its == scheduler]
    return f"{users(module)} virtual service(s) use its scheduler {scheduler!r} ({', '.join(named) or 'in other network namespaces'})"


def _load_first(module: str) -> None:
    """Load a module, and record which ones were loaded before: removal keeps those."""
    if not os.path.exists(EARLIER):
        _files.write(EARLIER, json.dumps(sorted(all_loaded())), _files.PRIVATE)
    _load(module)


def _replace(module: str) -> None:
    # Not modprobe -r, which would also unload ip_vs and lose its settings.
    unload(module)
    _load(module)


def unload(module: str) -> None:
    """Unload one module, and no other.

    :raises IpvsUnavailableError: it cannot be unloaded.
    """
    done = run("rmmod", module)
    if done.code:
        raise IpvsUnavailableError(f"Cannot unload the kernel module {module}: {done.errors.strip() or f'rmmod ended with {done.code}'}")


def _load(module: str) -> None:
    done = run("modprobe", module)
    if done.code == 0 and module == "ip_vs":
        return
    if done.code == 0:
        loaded, installed = _modules.loaded_source(module), _modules.installed_source(module)
        if loaded != installed:
            raise IpvsUnavailableError(
                f"The loaded {module} is of another source ({loaded or 'none'}) than the installed one ({installed}),"
                " although it was just loaded"
            )
        return
    reason = done.errors.strip() or f"modprobe ended with {done.code}"
    # _machine.signature has checked before, as far as possible without trying.
    if "Key was rejected" in reason or "Required key not available" in reason:
        raise IpvsUnavailableError(
            f"Cannot load the kernel module {module}: this kernel only loads modules that a key it trusts has signed (Secure Boot),"
            " and it does not trust the machine's own key with modules. Enrol the certificate with which DKMS signs,"
            f" that of 'modinfo -F signer {module}' (usually /var/lib/dkms/mok.pub): 'mokutil --import', reboot, and choose"
            " 'Enroll MOK' at the console"
        )
    raise IpvsUnavailableError(f"Cannot load the kernel module {module}: {reason}. The kernel's log says more: dmesg | tail")


def _swap(scheduler: str, fallback: str) -> None:
    # Few runs need this, and it imports half the collection and pyroute2.
    from ansible_collections.lvs.director.plugins.module_utils._boot.icmp import refusals_suppressed  # noqa: PLC0415
    from ansible_collections.lvs.director.plugins.module_utils._boot.reload_scheduler import reload_scheduler  # noqa: PLC0415
    from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel  # noqa: PLC0415

    try:
        kernel = NetlinkKernel()
    except ImportError as exc:
        raise IpvsUnavailableError(f"{exc}. Install the package python3-pyroute2") from exc
    try:
        reload_scheduler(kernel, MachineStore(), scheduler, fallback, _modules, refusals_suppressed, lambda _text: None)
    finally:
        kernel.close()
