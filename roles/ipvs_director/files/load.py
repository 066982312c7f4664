# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the running kernel to the module that is installed for it: loaded, and of the same source.

argv[1] is base64 of JSON: {"name", "kernel", "fallback", "rebuilt": bool, "check": bool}. Answers with JSON: {"steps": [what
was done, or with "check" would be done], "swap": [what is left for swap.py], "pending": why the kernel goes on running
another one, or ""}, or {"steps", "error"}. With "absent": true, all of IPVS that has been loaded since is unloaded, and
"file", which loads it at boot, is removed.

Virtual services pin the module of their scheduler. While they do, nothing is touched here: swap.py lets them use the
scheduler "fallback" meanwhile. Without one, this says why the older build is still there.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import typing as t

TABLE = pathlib.Path("/proc/net/ip_vs")
LOADED = pathlib.Path("/sys/module")
# The services that the role's own program takes away before this is run with "absent".
SAVED = pathlib.Path("/var/lib/lvs.director/table.json")
# Is there while a swap is going on, or after one that was killed.
UNFINISHED = pathlib.Path("/run/lvs.director/scheduler-swap.json")
# The modules that were loaded before this was first run.
EARLIER = pathlib.Path("/var/lib/lvs.director/modules.json")


class CannotError(Exception):
    """What the person who runs the play must know; nothing else raises it."""


def run(*command: str) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    environment = {**os.environ, "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout.strip()


def loaded(name: str) -> str:
    """The checksum of the source that the loaded module was built from; empty if it is not loaded."""
    path = LOADED / name / "srcversion"
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def installed(name: str, kernel: str) -> str:
    """The same of the file that modprobe would load; empty if there is none."""
    code, output = run("modinfo", "-k", kernel, "-F", "srcversion", name)
    return output if code == 0 else ""


def users(name: str) -> int:
    path = LOADED / name / "refcnt"
    return int(path.read_text(encoding="ascii")) if path.exists() else 0


def services_with(scheduler: str, table: str) -> list[str]:
    """As in "tcp 10.211.55.3:21", from lines like "TCP  0AD33703:0015 test"."""
    found = []
    for protocol, where, name in re.findall(r"^(TCP|UDP|SCTP|FWM) +(\S+) (\S+)", table, re.M):
        if name != scheduler:
            continue
        if protocol == "FWM":
            found.append(f"fwmark {int(where.split()[0], 16)}")
            continue
        address, _colon, port = where.rpartition(":")
        if address.startswith("["):
            found.append(f"{protocol.lower()} [{ipaddress.IPv6Address(address.strip('[]'))}]:{int(port, 16)}")
        else:
            found.append(f"{protocol.lower()} {ipaddress.IPv4Address(int(address, 16))}:{int(port, 16)}")
    return found


def load(name: str) -> None:
    code, output = run("modprobe", name)
    if code == 0:
        return
    # tasks/signature.yml has asked before, as far as that can be known without trying.
    if "Key was rejected" in output or "Required key not available" in output:
        raise CannotError(
            f"Cannot load the kernel module {name}: this kernel only loads modules that a key it trusts has signed (Secure Boot),"
            " and it does not trust the machine's own key with modules. Enrol the certificate with which DKMS signs,"
            f" that of 'modinfo -F signer {name}' (usually /var/lib/dkms/mok.pub): 'mokutil --import', reboot, and choose"
            " 'Enroll MOK' at the console."
        )
    raise CannotError(
        f"Cannot load the kernel module {name}: {output or f'modprobe ended with {code}'}. The kernel's log says more: dmesg | tail."
    )


def replace(name: str) -> None:
    # rmmod and not modprobe -r, which would unload ip_vs along with it, and with that its settings.
    code, output = run("rmmod", name)
    if code:
        raise CannotError(f"Cannot unload the older kernel module {name}: {output or f'rmmod ended with {code}'}.")
    load(name)


def users_of(name: str) -> str:
    scheduler = name.removeprefix("ip_vs_")
    services = services_with(scheduler, TABLE.read_text(encoding="ascii") if TABLE.exists() else "")
    return f"{users(name)} virtual service(s) use its scheduler {scheduler!r} ({', '.join(services) or 'in other network namespaces'})"


def exchange(name: str, wanted: str, fallback: str) -> str:
    """The step that swap.py makes."""
    return f"replace the kernel module {name} (source {wanted}); {users_of(name)}, and use {fallback!r} meanwhile"


def pinned(name: str) -> str:
    """Why the loaded module stays, and what to do about it."""
    return (
        f"The kernel still runs an older build of {name}: {users_of(name)}, and to unload it would break their traffic."
        " Everything else was brought up to date. To go over to the new build, reboot; or let the role do it in service: it needs"
        " a scheduler that they can use meanwhile, ipvs_director_fallback_scheduler, which is empty ('fo' is its default)."
    )


def all_loaded() -> dict[str, list[str]]:
    """All modules that are loaded and not built in, each with those that use it (a "-" for each other use)."""
    found = {}
    for line in pathlib.Path("/proc/modules").read_text(encoding="ascii").splitlines():
        name, _size, uses, users, *_rest = line.split()
        modules = [user for user in users.split(",") if user not in ("", "-")]
        found[name] = modules + ["-"] * (int(uses) - len(modules))
    return found


def remember() -> None:
    """Whole or not at all, and only once."""
    if EARLIER.exists():
        return
    EARLIER.parent.mkdir(mode=0o700, exist_ok=True)
    number, fresh = tempfile.mkstemp(dir=EARLIER.parent, prefix=f".{EARLIER.name}-")
    with os.fdopen(number, "w", encoding="ascii") as file:
        json.dump(sorted(all_loaded()), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, EARLIER)


def superfluous(name: str, check: bool) -> list[str]:
    """What has been loaded since, is of IPVS or was loaded for it, and is not used any more; the users before the used."""
    modules = all_loaded()
    if check and SAVED.exists() and TABLE.exists():
        services = re.findall(r"^(?:TCP|UDP|SCTP|FWM) ", TABLE.read_text(encoding="ascii"), re.M)
        if len(services) <= len(json.loads(SAVED.read_text(encoding="ascii"))["services"]):
            # Those that are there still will be gone by then.
            modules = {each: [user for user in users if user != "-"] for each, users in modules.items()}
    earlier = set(json.loads(EARLIER.read_text(encoding="ascii"))) if EARLIER.exists() else set(modules) - {name}
    # What ip_vs itself needs came with it.
    family = {each for each in modules if each == "ip_vs" or each.startswith("ip_vs_")}
    needed = {each for each, users in modules.items() if {*users} & family}
    while more := {each for each, users in modules.items() if {*users} & needed} - needed:
        needed |= more
    found: list[str] = []
    while new := [each for each in sorted((family | needed) - earlier - {*found}) if not uses_left(each, modules[each], found)]:
        found += new
    return found


def uses_left(module: str, users: list[str], gone: list[str]) -> list[str]:
    """What uses a module when others are gone. A scheduler that is loaded counts twice with ip_vs: as its user, and once more."""
    left = [user for user in users if user not in gone]
    if module == "ip_vs":
        for _scheduler in {*users} & {*gone}:
            if "-" in left:
                left.remove("-")
    return left


def undo(request: dict[str, t.Any]) -> dict[str, t.Any]:
    name = request["name"]
    going = superfluous(name, request["check"])
    if loaded(name) and name not in going and not request["check"]:
        raise CannotError(
            f"Cannot unload {name}: virtual services that this role has not made use its scheduler:"
            f" {', '.join(services_with(name.removeprefix('ip_vs_'), TABLE.read_text(encoding='ascii'))) or 'in other network namespaces'}."
            " Give them another one, and run the role again."
        )
    files = [path for path in (pathlib.Path(request["file"]), EARLIER) if path.exists()]
    if not request["check"]:
        for each in going:
            code, output = run("rmmod", each)
            if code:
                raise CannotError(f"Cannot unload the kernel module {each}: {output or f'rmmod ended with {code}'}.")
        for path in files:
            path.unlink()
        with contextlib.suppress(OSError):  # not there, or not only ours
            EARLIER.parent.rmdir()
    return {"steps": [f"unload the kernel module {each}" for each in going] + [f"remove {path}" for path in files], "pending": ""}


def converge(request: dict[str, t.Any]) -> dict[str, t.Any]:
    name, kernel, check = request["name"], request["kernel"], request["check"]
    now, wanted = loaded(name), installed(name, kernel)
    if check and request["rebuilt"]:
        wanted = "of the build to come"
    if not wanted:
        raise CannotError(f"No kernel module {name} is installed for the kernel {kernel}: modinfo -k {kernel} {name} finds none.")
    answer = {"steps": [], "swap": [], "pending": ""}
    if now and now != wanted and users(name):
        if request["fallback"]:
            return {**answer, "swap": [exchange(name, wanted, request["fallback"])]}
        return {**answer, "pending": pinned(name)}
    if UNFINISHED.exists():
        answer["swap"] = [f"give services the scheduler {name.removeprefix('ip_vs_')!r} again"]
    if now == wanted:
        return answer
    if not check:
        remember()
        replace(name) if now else load(name)
        if loaded(name) != wanted:
            raise CannotError(
                f"The loaded {name} is of another source ({loaded(name) or 'none'}) than the installed one ({wanted}),"
                " although it was just loaded."
            )
    return {**answer, "steps": [f"{'replace' if now else 'load'} the kernel module {name} (source {wanted})"]}


if __name__ == "__main__":
    try:
        request = json.loads(base64.b64decode(sys.argv[1]))
        answer = undo(request) if request.get("absent") else converge(request)
    except CannotError as error:
        answer = {"steps": [], "error": str(error)}
    json.dump(answer, sys.stdout)
