# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the kernel's settings (sysctl) to the given values, at once; or back to what they were.

argv[1] is base64 of JSON: {"settings": {name: value}, "check": bool}. A "*" in a name stands for each of what is there,
as in sysctl.d(5). Answers with JSON: {"steps": [what was done, or with "check" would be done]}, or {"steps", "error"}.
With "absent": true beside the settings, what was set so far is undone, and "file", which sets it at boot, is removed.

What a setting was before it was first changed here is remembered. Some settings change others: ip_forward does that to
the interfaces'. So all of these are looked at before and after.
"""

from __future__ import annotations

import base64
import contextlib
import difflib
import json
import os
import pathlib
import sys
import tempfile
import typing as t

ROOT = pathlib.Path("/proc/sys")
# {path below /proc/sys: [the value before the first change, the value that was set last]}
EARLIER = pathlib.Path("/var/lib/lvs.director/sysctls.json")
Earlier = dict[str, list[str]]
# Settings that others change: of each interface, of those to come, and of all.
DEPENDENT = ("net/ipv4/conf/*/*", "net/ipv6/conf/*/*")
# There only while ip_vs is loaded, which in check mode on a new machine it is not.
LATER = ROOT / "net/ipv4/vs"


class CannotError(Exception):
    """What the person who runs the play must know; nothing else raises it."""


def path_of(name: str) -> str:
    """Below /proc/sys. Of the two separators, the first one in the name is the one that separates."""
    separators = [character for character in name if character in "./"]
    return name if separators[:1] == ["/"] else name.translate(str.maketrans("./", "/."))


def paths_of(name: str, check: bool) -> list[pathlib.Path]:
    relative = path_of(name)
    found = sorted(path for path in ROOT.glob(relative) if path.is_file())
    if not found and not (check and (ROOT / relative).parent == LATER and not LATER.exists()):
        raise CannotError(unknown(name, ROOT / relative))
    return found


def unknown(name: str, path: pathlib.Path) -> str:
    message = f"The kernel {os.uname().release} has no setting {name}: there is no {path}."
    if path.parent.is_dir():
        alike = difflib.get_close_matches(path.name, [each.name for each in path.parent.iterdir()], n=3)
        prefix = name[: -len(path.name)]
        return f"{message} Nothing was changed." + (f" Is {' or '.join(prefix + each for each in alike)} meant?" if alike else "")
    return f"{message} Nothing was changed."


def words(value: t.Any) -> list[str]:
    """Settings may hold several numbers, apart by any white space."""
    return str(int(value) if isinstance(value, bool) else value).split()


def current(path: pathlib.Path) -> list[str]:
    return path.read_text(encoding="utf-8").split()


def snapshot(paths: t.Iterable[pathlib.Path]) -> dict[str, str]:
    found = {}
    for path in {*paths, *(each for pattern in DEPENDENT for each in ROOT.glob(pattern))}:
        with contextlib.suppress(OSError):  # some cannot be read, and are none of ours
            found[str(path.relative_to(ROOT))] = " ".join(current(path))
    return found


def earlier() -> Earlier:
    try:
        return {str(path): [str(before), str(after)] for path, (before, after) in json.loads(EARLIER.read_text("ascii")).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CannotError(f"Cannot read {EARLIER}, which has the settings of before: {error!r}. Mend or remove it.") from None


def remember(changes: Earlier) -> None:
    """Whole or not at all."""
    EARLIER.parent.mkdir(mode=0o700, exist_ok=True)
    number, fresh = tempfile.mkstemp(dir=EARLIER.parent, prefix=f".{EARLIER.name}-")
    with os.fdopen(number, "w", encoding="ascii") as file:
        json.dump(changes, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, EARLIER)


def write(path: pathlib.Path, value: list[str]) -> None:
    try:
        path.write_text(" ".join(value), encoding="utf-8")
    except OSError as error:
        raise CannotError(f"The kernel refuses {' '.join(value)!r} for {path}: {error.strerror}.") from None
    if current(path) != value:
        raise CannotError(f"{path} was set to {' '.join(value)!r}, but the kernel made it {' '.join(current(path))!r}.")


def step(path: pathlib.Path, old: list[str], new: list[str]) -> str:
    return f"{path.relative_to(ROOT)}: {' '.join(old)} -> {' '.join(new)}"


def converge(request: dict[str, t.Any]) -> dict[str, t.Any]:
    # All names first: one wrong name, and nothing is changed.
    wanted = [
        (path, words(value))
        for name, value in request["settings"].items()
        for path in paths_of(name, request["check"])
    ]  # fmt: skip
    late = [(path, value) for path, value in wanted if current(path) != value]
    steps = [step(path, current(path), value) for path, value in late]
    if late and not request["check"]:
        known, before = earlier(), snapshot(path for path, _value in late)
        try:
            for path, value in late:
                write(path, value)
        finally:
            for name, value in snapshot(path for path, _value in late).items():
                if name in before and value != before[name]:
                    known[name] = [known.get(name, [before[name]])[0], value]
            remember(known)
    return {"steps": steps}


def undo(request: dict[str, t.Any]) -> dict[str, t.Any]:
    """What somebody else has changed since is left as it is."""
    known = earlier()
    # An interface that has come since has, of a setting for all of them, what those to come were given.
    for name in request["settings"]:
        relative = path_of(name)
        default = known.get(relative.replace("*", "default"))
        for path in ROOT.glob(relative) if "*" in relative and default else ():
            known.setdefault(str(path.relative_to(ROOT)), default)
    # Forwarding first: it changes others.
    order = sorted(known, key=lambda name: (not name.endswith("forward") and "all/forwarding" not in name, name))
    present = [(ROOT / name, *map(str.split, known[name])) for name in order if (ROOT / name).exists()]
    late = [(path, before, after) for path, before, after in present if current(path) == after != before]
    steps = [step(path, after, before) for path, before, after in late]
    files = [path for path in (pathlib.Path(request["file"]), EARLIER) if path.exists()]
    steps += [f"remove {path}" for path in files]
    if not request["check"]:
        for path, before, _after in late:
            if current(path) != before:
                write(path, before)
        for path in files:
            path.unlink()
        with contextlib.suppress(OSError):  # not there, or not only ours
            EARLIER.parent.rmdir()
    return {"steps": steps}


if __name__ == "__main__":
    try:
        request = json.loads(base64.b64decode(sys.argv[1]))
        answer = undo(request) if request.get("absent") else converge(request)
    except CannotError as error:
        answer = {"steps": [], "error": str(error)}
    json.dump(answer, sys.stdout)
