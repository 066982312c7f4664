# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have systemd restore the table at boot: its units as given, enabled and started, and the file there that runs save to.

argv[1] is base64 of JSON: {"units": {name: text}, "saved": {"path", "text"}, "program": path, "check": bool}. Answers with
JSON: {"steps": [what was done, or with "check" would be done]}, or {"steps", "error"}. With "absent": true, what was saved
is taken away from the kernel, and then all of this.

To start the units under traffic is to restore what is there already, which changes nothing. They are started anew when
the table was restored with another scheduler because its own was missing: that is there by now.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import typing as t

UNITS = pathlib.Path("/etc/systemd/system")
# Left by the program that restores, while services have another scheduler than their own.
FALLBACK = pathlib.Path("/run/lvs.director/fallback")


class CannotError(Exception):
    """What the person who runs the play must know; nothing else raises it."""


class Step(t.NamedTuple):
    """One change: its line for people, and how to make it."""

    text: str
    do: t.Callable[[], None]


def systemctl(*words: str) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    environment = {**os.environ, "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    try:
        done = subprocess.run(
            ["systemctl", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    except FileNotFoundError:
        raise CannotError("There is no systemctl on this machine: nothing would restore the table at boot.") from None
    return done.returncode, done.stdout.strip()


def must(*words: str) -> None:
    code, output = systemctl(*words)
    if code:
        log = ""
        if words[0] in ("start", "restart"):
            log = f" What it said is in its journal: journalctl -u {words[-1]} -b."
        raise CannotError(f"systemctl {' '.join(words)} failed: {output or f'exit status {code}'}.{log}")


def write(path: pathlib.Path, text: str, mode: int) -> None:
    """Whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    os.replace(fresh, path)


def content(path: pathlib.Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def plan(request: dict[str, t.Any]) -> list[Step]:
    steps = []
    saved = pathlib.Path(request["saved"]["path"])
    if not saved.exists():
        text = f"write {saved}, to which all that changes the table is saved from now on"
        steps.append(Step(text, lambda: write(saved, request["saved"]["text"], 0o600)))
    units = request["units"]
    late = [name for name in units if content(UNITS / name) != units[name]]
    steps += [Step(f"write {UNITS / name}", lambda name=name: write(UNITS / name, units[name], 0o644)) for name in late]
    if late or any(property_of(name, "NeedDaemonReload") == "yes" for name in units):
        steps.append(Step("have systemd read its units", lambda: must("daemon-reload")))
    for name in units:
        if systemctl("is-enabled", "--quiet", name)[0]:
            steps.append(Step(f"enable {name}", lambda name=name: must("enable", "--quiet", name)))
    for name in units:
        if property_of(name, "ActiveState") != "active":
            steps.append(Step(f"start {name}", lambda name=name: must("start", name)))
    if FALLBACK.exists():
        name = next(iter(units))
        steps.append(Step(f"restart {name}, for services to have their own scheduler again", lambda: must("restart", name)))
    return steps


def plan_undo(request: dict[str, t.Any]) -> list[Step]:
    program, saved = pathlib.Path(request["program"]), pathlib.Path(request["saved"]["path"])
    steps = []
    if saved.exists() and not program.exists():
        raise CannotError(
            f"{program} is missing, which would take away what was saved to {saved}. Nothing was changed. Run the role with"
            " ipvs_director_state present first, which brings it back."
        )
    if saved.exists():
        # Who sends packets here first, then what becomes of them.
        for command in ("clear-network", "clear-table"):
            steps.append(Step(f"run {program} {command}", lambda command=command: clear(program, command)))
    units = [name for name in request["units"] if (UNITS / name).exists()]
    for name in reversed(units):
        steps.append(Step(f"stop and disable {name}", lambda name=name: must("disable", "--quiet", "--now", name)))
    steps += [Step(f"remove {path}", path.unlink) for path in (*(UNITS / name for name in units), program, saved) if path.exists()]
    if units:
        steps.append(Step("have systemd forget its units", lambda: forget(units)))
    return steps


def clear(program: pathlib.Path, command: str) -> None:
    done = subprocess.run([str(program), command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise CannotError(f"{program} {command} failed, and what was to be taken away after it was left: {done.stdout.strip()}")


def forget(units: list[str]) -> None:
    must("daemon-reload")
    systemctl("reset-failed", *units)  # there is nothing to forget for most


def property_of(unit: str, name: str) -> str:
    return systemctl("show", "--value", f"--property={name}", unit)[1]


def converge(request: dict[str, t.Any]) -> dict[str, t.Any]:
    make = plan_undo if request.get("absent") else plan
    steps = make(request)
    if not request["check"]:
        for step in steps:
            step.do()
        if request.get("absent"):
            FALLBACK.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not there, or not only ours
                pathlib.Path(request["saved"]["path"]).parent.rmdir()
        left = make(request)
        if left:
            raise CannotError(f"After all was done, there is still to do: {'; '.join(step.text for step in left)}.")
    return {"steps": [step.text for step in steps]}


if __name__ == "__main__":
    try:
        answer = converge(json.loads(base64.b64decode(sys.argv[1])))
    except CannotError as error:
        answer = {"steps": [], "error": str(error)}
    json.dump(answer, sys.stdout)
