# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Set kernel parameters (sysctl), now and at boot, and restore their earlier values.

A ``*`` in a name matches any part of a name, as in sysctl.d(5); a full name overrides a pattern. The value of a parameter before its first
change is recorded. Some parameters change others, as ip_forward changes those of the interfaces, so all of these are read before and after.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._machine import files
from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    IpvsError,
    IpvsInputError,
    IpvsUnavailableError,
    IpvsVerificationError,
)

ROOT = pathlib.Path("/proc/sys")
# {path below /proc/sys: [value before the first change, value set last]}
EARLIER = "/var/lib/lvs.director/sysctls.json"
# systemd-sysctl reads the files by name, and the last value wins: sorts after 99-sysctl.conf.
AT_BOOT = "/etc/sysctl.d/zz-ipvs_director.conf"
# Parameters that others change: those of each interface, of new ones, and of all.
DEPENDENT = ("net/ipv4/conf/*/*", "net/ipv6/conf/*/*")
# Exists only while ip_vs is loaded; in check mode on a new machine it is not.
LATER = "net/ipv4/vs"
# Parameters may change others that were right before: check and set again up to this many times.
_PASSES = 3

Earlier = dict[str, list[str]]


class Wanted(NamedTuple):
    """A value, and the name from the task."""

    name: str
    text: str


Values = dict[pathlib.Path, Wanted]


def converge(settings: Mapping[str, Any], *, check_mode: bool) -> list[str]:
    """Set parameters now, then at boot: a value that the kernel refuses never gets into the file.

    :returns: the changes; in check mode, the predicted ones.
    :raises IpvsError: it failed; everything is as before, or the text says what is not.
    """
    texts = {name: _text(name, value) for name, value in settings.items()}
    late = _late(_wanted(texts, check_mode))
    steps = [_step(path, old, new) for path, (old, new) in late.items()]
    file = files.plan({AT_BOOT: _file(texts)}) if texts else files.plan_removal([AT_BOOT])
    if not check_mode:
        if late:
            _set(texts, late)
        for step in file:
            step.do()
    return steps + [step.text for step in file]


def undo(*, check_mode: bool) -> list[str]:
    """Restore the earlier values; parameters that something else has changed since stay.

    :returns: the changes; in check mode, the predicted ones.
    :raises IpvsError: the record is damaged, or the kernel refuses a value.
    """
    known = _with_new_interfaces(_earlier())
    # Forwarding first, because it changes others.
    order = sorted(known, key=lambda name: (not name.endswith("forward") and "all/forwarding" not in name, name))
    late = {ROOT / name: known[name] for name in order if known[name][0] != known[name][1] == _read(ROOT / name)}
    steps = [_step(path, after, before) for path, (before, after) in late.items()]
    removals = files.plan_removal([AT_BOOT, EARLIER])
    if not check_mode:
        for path, (before, _after) in late.items():
            if _read(path) != before:
                _write(path, before)
        for step in removals:
            step.do()
    return steps + [step.text for step in removals]


def _text(name: str, value: Any) -> str:
    """Return a value as the kernel writes it: words separated by single spaces.

    :raises IpvsInputError: the value is empty or of a wrong type.
    """
    values = value if isinstance(value, list) else [value]
    if any(each is None or isinstance(each, (dict, list)) for each in values):
        raise IpvsInputError(f"sysctls[{name}]", f"{value!r} is not a value: give a number, a text, a boolean, or a list of these")
    text = " ".join(word for each in values for word in str(int(each) if isinstance(each, bool) else each).split())
    if not text:
        raise IpvsInputError(f"sysctls[{name}]", "the value is empty")
    return text


def _relative(name: str) -> str:
    """Return the path below /proc/sys. Whichever of "." and "/" comes first in the name is its separator, as in sysctl.d(5).

    :raises IpvsInputError: it names nothing below /proc/sys.
    """
    separators = [character for character in name if character in "./"]
    path = name if separators[:1] == ["/"] else name.translate(str.maketrans("./", "/."))
    if not set(path.split("/")).isdisjoint(("", ".", "..", "**")) or re.search(r"[\s=\x00]|^[-#;]", name):
        raise IpvsInputError(f"sysctls[{name}]", "this is not the name of a kernel parameter, like net.ipv4.ip_forward")
    return path


def _wanted(texts: Mapping[str, str], check_mode: bool) -> Values:
    """Return the wanted values by path. Looks up all names: if one is wrong, nothing is changed.

    :raises IpvsInputError: a parameter does not exist, or two names of one parameter have different values.
    """
    found: Values = {}
    for name, text in texts.items():
        for path in _paths(name, check_mode):
            other = found.get(path)
            if other and _is_pattern(name):
                continue
            if other and not _is_pattern(other.name) and other.text != text:
                raise IpvsInputError(f"sysctls[{name}]", f"this is the parameter {other.name}, which is to be {other.text!r}")
            found[path] = Wanted(name, text)
    return found


def _is_pattern(name: str) -> bool:
    return re.search(r"[*?\[]", name) is not None


def _paths(name: str, check_mode: bool) -> list[pathlib.Path]:
    relative = _relative(name)
    found = sorted(path for path in ROOT.glob(relative) if path.is_file())
    if not found and not (check_mode and os.path.dirname(relative) == LATER and not (ROOT / LATER).exists()):
        raise IpvsInputError(f"sysctls[{name}]", unknown_parameter(name, ROOT / relative))
    return found


def unknown_parameter(name: str, path: pathlib.Path) -> str:
    """Return the error text for a name that the kernel does not know."""
    alike = difflib.get_close_matches(path.name, [each.name for each in path.parent.iterdir()], n=3) if path.parent.is_dir() else []
    prefix = name[: -len(path.name)]
    hint = f". Is {' or '.join(prefix + each for each in alike)} meant?" if alike else ""
    return f"The kernel {os.uname().release} has no parameter {name}: there is no {path}. Nothing was changed{hint}"


def _late(wanted: Values) -> dict[pathlib.Path, tuple[str, str]]:
    """Return the parameters that differ, with their present and wanted values.

    :raises IpvsInputError: one cannot be read.
    """
    late = {}
    for path, (name, text) in wanted.items():
        try:
            current = " ".join(path.read_text(encoding="utf-8").split())
        except (OSError, UnicodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else exc
            raise IpvsInputError(f"sysctls[{name}]", f"it cannot be read ({reason}), so it has no value to compare with") from exc
        if current != text:
            late[path] = (current, text)
    return late


def _read(path: pathlib.Path) -> Optional[str]:
    """Return a value, or None if it cannot be read."""
    try:
        return " ".join(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeError):
        return None


def _write(path: pathlib.Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise IpvsUnavailableError(f"The kernel refuses {text!r} for {path}: {exc.strerror}") from exc
    if _read(path) != text:
        raise IpvsVerificationError(f"{path} was set to {text!r}, but the kernel made it {_read(path)!r}")


def _set(texts: Mapping[str, str], late: dict[pathlib.Path, tuple[str, str]]) -> None:
    """Set parameters, and record their earlier values.

    :raises IpvsError: the kernel refused one; all were set back.
    """
    known, before = _earlier(), _snapshot(late)
    # Before the first change: a run that is killed leaves a record.
    _remember(known, before, {**before, **{str(path.relative_to(ROOT)): text for path, (_old, text) in late.items()}})
    try:
        for _pass in range(_PASSES):
            for path, (_old, text) in late.items():
                _write(path, text)
            late = _late(_wanted(texts, check_mode=False))
            if not late:
                break
        else:
            left = "; ".join(_step(path, old, new) for path, (old, new) in late.items())
            raise IpvsVerificationError(f"These parameters change one another, and cannot all have their values: {left}")
    except IpvsError as exc:
        _set_back(before, exc)
        if known:
            files.write(EARLIER, _record(known), files.PRIVATE)
        else:
            files.remove(EARLIER)
        raise IpvsUnavailableError(f"{exc}. Everything is as it was before") from exc
    _remember(known, before, _snapshot(ROOT / name for name in before))


def _set_back(before: Mapping[str, str], reason: IpvsError) -> None:
    try:
        # Setting forwarding back may change others, so do it twice.
        for _pass in range(2):
            for name, text in before.items():
                if _read(ROOT / name) != text:
                    _write(ROOT / name, text)
    except IpvsError as exc:
        raise IpvsUnavailableError(f"{reason}. The earlier changes could not be undone: {exc}") from exc


def _snapshot(paths: Iterable[pathlib.Path]) -> dict[str, str]:
    """Return the values of these parameters, and of all dependent ones."""
    found = {}
    for path in [*paths, *(each for pattern in DEPENDENT for each in ROOT.glob(pattern))]:
        text = _read(path)
        if text is not None:
            found[str(path.relative_to(ROOT))] = text
    return found


def _step(path: pathlib.Path, old: str, new: str) -> str:
    return f"{path.relative_to(ROOT)}: {old} -> {new}"


def _file(texts: Mapping[str, str]) -> str:
    return "# By lvs.director.ipvs_sysctl\n" + "".join(f"{name} = {text}\n" for name, text in texts.items())


def _earlier() -> Earlier:
    """Return the record.

    :raises IpvsUnavailableError: it is damaged.
    """
    text = files.content(EARLIER)
    try:
        found: Earlier = json.loads(text) if text is not None else {}
        for name, values in found.items():
            if [type(value) for value in values] != [str, str] or not isinstance(values, list):
                raise TypeError(values)
            _relative(name)
    except (ValueError, AttributeError, TypeError, IpvsInputError) as exc:
        raise IpvsUnavailableError(f"Cannot read {EARLIER}, the record of earlier kernel parameters: {exc!r}. Mend or remove it") from exc
    return found


def _remember(known: Earlier, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Add what was just changed to the record, and write it."""
    changed = {name: [known.get(name, [before[name]])[0], text] for name, text in after.items() if name in before and text != before[name]}
    files.write(EARLIER, _record({**known, **changed}), files.PRIVATE)


def _record(known: Earlier) -> str:
    return json.dumps(known, indent=1, sort_keys=True) + "\n"


def _with_new_interfaces(known: Earlier) -> Earlier:
    """Add interfaces that are newer than the record; their earlier values are those of "default"."""
    found = dict(known)
    for line in (files.content(AT_BOOT) or "").splitlines():
        name = line.partition("=")[0].strip()
        if name.startswith("#") or "*" not in name:
            continue
        with contextlib.suppress(IpvsInputError):  # something else has edited the file
            relative = _relative(name)
            default = known.get(relative.replace("*", "default"))
            for path in ROOT.glob(relative) if default else ():
                found.setdefault(str(path.relative_to(ROOT)), list(default or ()))
    return found
