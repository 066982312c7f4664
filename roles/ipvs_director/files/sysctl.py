# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the kernel's settings (sysctl) to the given values, at once.

argv[1] is base64 of JSON: {"settings": {name: value}, "check": bool}. A "*" in a name stands for each of what is there,
as in sysctl.d(5). Answers with JSON: {"steps": [what was done, or with "check" would be done]}, or {"steps", "error"}.
"""

from __future__ import annotations

import base64
import difflib
import json
import os
import pathlib
import sys
import typing as t

ROOT = pathlib.Path("/proc/sys")
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


def converge(request: dict[str, t.Any]) -> dict[str, t.Any]:
    # All names first: one wrong name, and nothing is changed.
    wanted = [
        (path, words(value))
        for name, value in request["settings"].items()
        for path in paths_of(name, request["check"])
    ]  # fmt: skip
    steps = []
    for path, value in wanted:
        before = current(path)
        if before == value:
            continue
        if not request["check"]:
            try:
                path.write_text(" ".join(value), encoding="utf-8")
            except OSError as error:
                raise CannotError(f"The kernel refuses {' '.join(value)!r} for {path}: {error.strerror}.") from None
            if current(path) != value:
                raise CannotError(f"{path} was set to {' '.join(value)!r}, but the kernel made it {' '.join(current(path))!r}.")
        steps.append(f"{path.relative_to(ROOT)}: {' '.join(before)} -> {' '.join(value)}")
    return {"steps": steps}


if __name__ == "__main__":
    try:
        answer = converge(json.loads(base64.b64decode(sys.argv[1])))
    except CannotError as error:
        answer = {"steps": [], "error": str(error)}
    json.dump(answer, sys.stdout)
